"""The real server with the café behind it, for clients that others have written."""

from tests.server.conftest import serving, stage

__all__ = ["serving", "stage"]
