"""What a person at the command line did that cannot work, said in their words."""


class UserError(Exception):
    """The message says what was wrong, where, and what to do; shown without a traceback."""
