"""Before anything else is imported."""

import sys

# As `overture` does it: rich's tracebacks show every local variable, and with a whole server in
# them that takes minutes.
sys.modules["rich"] = None  # type: ignore[assignment]

from hypothesis import settings  # noqa: E402

# How long an example takes says only how busy the machine is.
settings.register_profile("overture", deadline=None)
settings.load_profile("overture")
