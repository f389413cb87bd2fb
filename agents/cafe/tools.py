"""What the café can look up while it talks. A language model calls these; see docs/agents.md."""

from datetime import datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field

ZONE = ZoneInfo("Europe/London")
WEEK = [(time(7), time(19))] * 5 + [(time(8), time(20)), (time(9), time(17))]
"""Opening and closing times from Monday to Sunday, as in knowledge/opening-hours.md, which also has
those of public holidays."""


def opening_status(
    at: Annotated[
        datetime | None, Field(description="a date and time there; leave it out for now")
    ] = None,
) -> dict[str, Any]:
    """Whether the café is open at a moment, and when it opens or closes next."""
    moment = at or datetime.now(ZONE)
    moment = moment.astimezone(ZONE) if moment.tzinfo else moment.replace(tzinfo=ZONE)
    opens, closes = WEEK[moment.weekday()]
    if opens <= moment.time() < closes:
        return {"open": True, "closes": _spoken(datetime.combine(moment, closes))}
    if moment.time() < opens:
        return {"open": False, "opens": _spoken(datetime.combine(moment, opens))}
    tomorrow = moment + timedelta(days=1)
    opens, _ = WEEK[tomorrow.weekday()]
    return {"open": False, "opens": _spoken(datetime.combine(tomorrow, opens))}


def _spoken(moment: datetime) -> str:
    return f"{moment:%A} at {moment.hour % 12 or 12} {'am' if moment.hour < 12 else 'pm'}"


TOOLS = [opening_status]
