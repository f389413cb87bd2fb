"""All that the policy asks about a person, in one round trip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from outreach.caps import Spoken, ask_recent, read_recent
from outreach.keys import person_key
from outreach.people import ConsentState, Person, consent_key, read_consent, read_person
from outreach.scripts import command, together
from outreach.switch import SWITCH, SwitchState, read_switch

if TYPE_CHECKING:
    from redis.asyncio import Redis

BEATS = "overture:instances:{beats}:at"
"""Where sessions/presence.py keeps when each instance last beat."""
GONE_S = 5.0


@dataclass(frozen=True, slots=True)
class LiveAt:
    """A live session of theirs: what sessions/presence.py wrote, which this room may not import."""

    session: str
    user: str
    instance: str
    active: float
    text_only: bool


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """now: Redis' time. recent: newest first. live: the voice-active session first."""

    now: float
    person: Person | None
    consent: Mapping[str, ConsentState]
    recent: Sequence[Spoken]
    stopped: SwitchState
    live: Sequence[LiveAt]


async def person_facts(redis: "Redis", user: str, since: float) -> PersonFacts:
    """since: Unix time from which `recent` tells. Raises OutreachUnavailableError."""
    time, person, consent, recent, switch, active, live, beats = await together(
        redis,
        command("TIME"),
        command("HGETALL", person_key(user, "person")),
        command("HGETALL", consent_key(user)),
        ask_recent(user, since),
        command("GET", SWITCH),
        command("HGETALL", person_key(user, "live", "active")),
        command("HGETALL", person_key(user, "live")),
        command("HGETALL", BEATS),
    )
    now = time[0] + time[1] / 1e6
    return PersonFacts(
        now,
        read_person(user, person),
        read_consent(consent),
        read_recent(recent),
        read_switch(switch),
        _live(user, live, active, beats, now),
    )


def _live(
    user: str,
    live: Mapping[bytes, bytes],
    active: Mapping[bytes, bytes],
    beats: Mapping[bytes, bytes],
    now: float,
) -> Sequence[LiveAt]:
    found = []
    for session, document in live.items():
        told: dict[str, Any] = orjson.loads(document)
        if now - float(beats.get(told["instance"].encode(), 0)) <= GONE_S:
            at = float(active.get(session, 0))
            one = LiveAt(session.decode(), user, told["instance"], at, told["text_only"])
            found.append(one)
    return sorted(found, key=lambda one: (one.text_only, -one.active))
