"""Before anything else is imported."""

import sys

# As `overture` does it: rich's tracebacks show every local variable, and with a whole server in
# them that takes minutes.
sys.modules["rich"] = None  # type: ignore[assignment]
