"""The scripts keep to the rules of Redis Cluster, and docs/ledger.md to the table of states."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from outreach import funnel, inbox, indexes, people
from outreach.drawing import diagram
from outreach.inbox import Event, Inbox
from outreach.ledger import Ledger
from outreach.ledger_script import LEDGER
from outreach.people import Consent, People
from outreach.states import State
from outreach.switch import Switch
from sessions import lease, presence
from sessions.lease import Lease
from sessions.presence import InstanceCard, LiveAt, Presence
from tests.outreach.prompts import an_hour_later, published, recent, reserved, spoken
from tests.support.redis_server import PROGRAM, RedisServer

PAGE = Path(__file__).parents[2] / "docs" / "ledger.md"


def test_the_page_about_the_ledger_holds_the_current_diagram() -> None:
    current = f"```mermaid\n{diagram()}```\n"
    told = "docs/ledger.md is out of date; put in what `python -m outreach.drawing` prints"
    assert current in PAGE.read_text(), told


def test_the_page_tells_what_each_state_means() -> None:
    page = PAGE.read_text()
    assert [state.value for state in State if f"| `{state.value}` |" not in page] == []


SCRIPTS = [
    LEDGER.text,
    *(getattr(indexes, name).text for name in ("_ENTER", "_LOOK", "_TAKE", "_SETTLE")),
    *(getattr(inbox, name).text for name in ("_ACCEPT", "_DONE", "_TAKE")),
    funnel._COUNT.text,
    people._SAY.text,
    *(getattr(presence, name) for name in ("_ENTER", "_TOUCH", "_BEAT")),
    *(getattr(lease, name) for name in ("_ACQUIRE", "_RENEW", "_RELEASE")),
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_touches_only_keys_that_it_was_handed(script: str) -> None:
    keys = set(re.findall(r"redis\.call\('(?!TIME|PUBLISH)\w+', ([^,)]+)", script))
    handed = {"entry", "mailbox", "held", "index", "spoken", "awaits", "consent", "key"}
    assert {key for key in keys if not re.fullmatch(r"KEYS\[\d\]", key)} <= handed
    assert keys


@pytest.fixture
async def cluster() -> AsyncIterator[Redis]:
    """One node that has all slots: it refuses a script whose keys are in several."""
    if PROGRAM is None:
        pytest.skip("needs redis-server")
    folder = Path(tempfile.mkdtemp(prefix="ov"))
    server = RedisServer(folder, "--cluster-enabled", "yes")
    server.start()
    client = Redis.from_url(server.url)
    await client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    async with asyncio.timeout(60):
        while True:
            try:
                await client.set("probe", 1)
                break
            except RedisError:  # CLUSTERDOWN, for two seconds
                await asyncio.sleep(0.05)
    yield client
    await client.aclose()
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)


async def test_every_script_keeps_to_one_slot(cluster: Redis) -> None:
    ledger, user = Ledger(cluster, "one"), "u{4}2"
    outreach = await published(ledger, user=user, cancel_on=("a",), convert_on=("b",))
    claim = await spoken(ledger, outreach)
    assert await ledger.renew([claim]) == []
    assert await ledger.report(claim, State.HEARD)
    assert await ledger.converted_by(user, "b") == 1
    other = await published(ledger, "2", user=user)
    assert await ledger.note_away(user, other.id)
    await reserved(ledger, other, lease_s=0)
    await an_hour_later(cluster)
    assert await ledger.lapsed() == [(user, other.id, State.RESERVED)]
    assert await ledger.give_up_lease(user, other.id)
    assert await ledger.give_back(await reserved(ledger, other))
    assert await ledger.move(user, other.id, State.CANCELLED)
    assert len(await ledger.search(rule="order_ready")) == 2
    assert (await ledger.funnel("order_ready"))["matched"] == 2
    assert await ledger.recent_outcomes("order_ready") == [State.CONVERTED]
    assert len(await recent(cluster, user, 0)) == 1
    await People(cluster).seen(user)
    await Consent(cluster).refuse(user, "*", "themself")
    await Switch(cluster).stop("ada", "")
    events = Inbox(cluster)
    assert await events.accept(Event(id="{e}", type="a", user=user, time=1))
    assert len(await events.waiting(0)) == 1
    assert await events.done("{e}", {})
    here = Presence(cluster, "one")
    await here.beat(InstanceCard(instance="one"))
    await here.enter(LiveAt("s", user, "one", 0, False))
    await here.touch(user, "s")
    assert [one.session for one in await here.of(user)] == ["s"]
    held = Lease(cluster, "scheduler", "one")
    assert await held.acquire() == 1
    assert await held.renew()
    await held.release()
    await ledger.aclose()
