"""What `overture doctor` finds."""

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """How bad it is. FAIL: Overture will not start, or not work as asked."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. advice: what to do, "" when nothing needs to be done."""

    status: Status
    what: str
    advice: str = ""
