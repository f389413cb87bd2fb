"""What the operations work on: handed in by the front door."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging.bus import Bus

if TYPE_CHECKING:  # these import redis, half a second that nothing but they needs
    from outreach.inbox import Inbox
    from outreach.ledger import Ledger
    from outreach.people import Consent, People
    from outreach.switch import Switch
    from scheduler.engine import Engine
    from scheduler.intake import Intake
    from scheduler.rulebook import Rulebook
    from sessions.presence import Presence

QUEUES = (("events", "scheduler"), ("outreach", "delivery"), ("happenings", "scheduler"))
"""Topics and groups, by their own names, that may have dead letters even before this process has
handled any."""


@dataclass(frozen=True, slots=True)
class Operations:
    """problems: of the agent's rule files, as (file, line, message). zone: the agent's own."""

    ledger: "Ledger"
    inbox: "Inbox"
    intake: "Intake"
    engine: "Engine"
    rulebook: "Rulebook"
    presence: "Presence"
    switch: "Switch"
    people: "People"
    consent: "Consent"
    bus: Bus
    problems: Sequence[tuple[str, int, str]] = ()
    zone: str = "UTC"
    queues: Sequence[tuple[str, str]] = QUEUES
