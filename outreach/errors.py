"""What can go wrong in this room."""


class OutreachUnavailableError(Exception):
    """Redis did not answer; what was asked may or may not have been done. Try again later, and
    speak nothing that was not granted."""
