"""What people, sessions, models and keys may be called wherever a client names them."""

import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}")
"""Nothing that could be mistaken for a path, a Redis hash tag or the end of a line."""
