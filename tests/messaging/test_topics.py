"""Names of topics and groups as configuration."""

import pytest

from messaging.bus import BusError
from messaging.topics import Topics


def test_names_are_our_own_unless_something_is_said() -> None:
    assert Topics()("outreach") == "outreach"
    assert Topics.parse("")("outreach") == "outreach"


def test_a_prefix_goes_before_each() -> None:
    assert Topics.parse("staging-")("outreach") == "staging-outreach"


def test_single_names_can_be_replaced() -> None:
    topics = Topics.parse("outreach=acme-prompts, events = acme-events")
    assert [topics(name) for name in ("outreach", "events", "happenings")] == [
        "acme-prompts",
        "acme-events",
        "happenings",
    ]


@pytest.mark.parametrize("text", ["=x", "outreach=", "outreach=a,,events=b"])
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(BusError, match="OURS=THEIRS"):
        Topics.parse(text)
