"""What conditions and templates see of the moment: `session`, `user`, `event`, `now`, `local`.

docs/rules.md lists the names. A session that is not there is empty, so whatever is asked of it is
missing, and the prompt is not spoken.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from pydantic import BaseModel

from scheduler.clocks import zone_of

SESSION = (
    "transport",
    "floor",
    "turns",
    "last_intent",
    "form",
    "time_zone",
    "text_only",
)
"""What is taken from a session's card as it is; its id, age_s and quiet_s come beside it."""


Known: TypeAlias = BaseModel | Mapping[str, Any] | None


def variables(
    *,
    user: str,
    now: float,
    zone: str,
    person: Known = None,
    session: Known = None,
    event: Known = None,
) -> dict[str, Any]:
    """For `conditions.Data` and `Template.render`.

    now: Unix time. zone: IANA name of the person's (or the agent's) zone. person: an
    outreach.people.Person. session: a SessionCard. event: an Event. All may be plain values.
    """
    known, card = _plain(person), _plain(session)
    return {
        "user": {
            "id": user,
            "name": known.get("name") or "",
            "time_zone": zone,
            "attributes": known.get("attributes") or {},
        },
        "session": session_variables(card, now) if card else {},
        "event": _plain(event),
        "now": float(now),
        "local": local_time(now, zone),
    }


def _plain(known: Known) -> dict[str, Any]:
    return known.model_dump() if isinstance(known, BaseModel) else dict(known or {})


def session_variables(card: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Of a SessionCard as plain values. quiet_s: since it was last used; age_s: since it began."""
    found = {name: card[name] for name in SESSION if card.get(name) is not None}
    if card.get("session"):
        found["id"] = card["session"]
    if card.get("active") is not None:
        found["quiet_s"] = max(float(now - card["active"]), 0.0)
    if card.get("since") is not None:
        found["age_s"] = max(float(now - card["since"]), 0.0)
    return found


def local_time(now: float, zone: str) -> dict[str, Any]:
    """The clock on the person's wall. weekday: 1 is Monday, 7 Sunday."""
    known = zone_of(zone)
    if known is None:
        return {}
    local = datetime.fromtimestamp(now, known)
    return {
        "hour": local.hour,
        "minute": local.minute,
        "weekday": local.isoweekday(),
        "date": f"{local:%Y-%m-%d}",
        "time": f"{local:%H:%M}",
    }
