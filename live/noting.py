"""What the agent says to a wish for later: that it will remind, or see them then.

Only the acknowledgement is made here. The reminder itself is found in what was said, once the turn
has ended: scheduler/analysis.py, with the same reading of the words.
"""

from collections.abc import Callable
from datetime import datetime

from intents.later import PROMISE, lacks_a_time, leaves_for_now, reminder_in, takes_back_reminder
from intents.when import parse_when


class Noting:
    """One session's. local: the person's wall time. reminds: whether reminders are kept here at
    all; without that nothing is promised."""

    def __init__(self, local: Callable[[], datetime], reminds: Callable[[], bool]) -> None:
        self._local = local
        self._reminds = reminds

    def reminder(self, text: str) -> str:
        """The answer to "remind me to ... in ten minutes", "" to anything else. Changes nothing."""
        if not self._reminds():
            return ""
        if takes_back_reminder(text):
            return "All right, no reminder."
        if self.goes_on(text):
            return "I need a time for that. Say it with the time, please, such as in ten minutes."
        asked = reminder_in(text, self._local())
        if asked is None:
            return ""
        when = text[asked.when.start : asked.when.end].strip(" .,!?")
        return f"All right, {PROMISE} {when[:1].lower()}{when[1:]}."

    def goes_on(self, text: str) -> bool:
        """Whether a reminder's time is still to come: "remind me to take out the cake"."""
        return self._reminds() and lacks_a_time(text, self._local())

    def leaving(self, text: str) -> str:
        """The answer to "I'll be back in ten minutes", "" to anything else. Promises nothing."""
        if not leaves_for_now(text):
            return ""
        return "See you soon." if parse_when(text, self._local()) is None else "See you then."
