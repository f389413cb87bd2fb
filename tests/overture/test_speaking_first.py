"""Speaking first, end to end: processes as people start them, a real Redis, a real bus."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.server.test_resume import sound, until_sounding
from tests.support.overture_process import free_port, overture_process
from tests.support.redis_server import RedisServer, needs_redis
from tests.support.rocketmq_server import shared_rocketmq, skip_unless_able
from tests.support.serving import PATIENCE
from tests.support.story import Story, states, story_until
from tests.support.wire_client import Event, WireClient

ENGINES = {"OVERTURE_RECOGNIZER": "scripted", "OVERTURE_SYNTHESIZER": "scripted"}
ORDER = (
    "Your order is ready at the counter: a large latte with soy milk, a small cappuccino, a double "
    "espresso, two blueberry muffins and a bottle of water."
)
AGAIN = f"In case you missed it, y{ORDER[1:]}"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder whose path leaves room for a socket's name."""
    folder = Path(tempfile.mkdtemp(prefix="ov"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis(folder: Path) -> Iterator[RedisServer]:
    """Of both instances."""
    (folder / "redis").mkdir()
    server = RedisServer(folder / "redis")
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["rocketmq", "redis"])
def bus(request: pytest.FixtureRequest) -> str:
    """As in OVERTURE_BUS."""
    if request.param == "redis":
        return "redis"
    skip_unless_able()
    return shared_rocketmq().url


@asynccontextmanager
async def client_at(address: str, **query: str) -> AsyncIterator[WireClient]:
    """u42 at the page."""
    params = urlencode({"extras": "1", "user": "u42"} | query)
    url = f"ws{address.removeprefix('http')}/v1/realtime?{params}"
    async with connect(url, compression=None) as socket:
        yield WireClient(socket)


async def post(address: str, path: str, body: dict[str, str]) -> Event:
    """The receipt."""
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        answer = await client.post(path, json=body)
        assert answer.status_code == 202, answer.text
        receipt: Event = answer.json()
        return receipt


async def prompt_begins(client: WireClient) -> str:
    """Its id, when its response begins."""
    created = await client.until("response.created")
    outreach: str = created["response"]["metadata"]["outreach_id"]
    return outreach


async def prompt_said(client: WireClient) -> str:
    """The words of the prompt that is being said, once it was said to its end."""
    done = await client.until("response.done")
    assert done["response"]["status"] == "completed"
    words: str = done["response"]["output"][0]["content"][0]["transcript"]
    return words


# The broker takes what time it takes to start, for all tests that need it.
@pytest.mark.timeout(120, func_only=True)
@needs_redis
async def test_what_a_killed_instance_was_saying_is_heard_at_the_other(
    folder: Path, redis: RedisServer, bus: str
) -> None:
    shared = ENGINES | {"OVERTURE_REDIS_URL": redis.url, "OVERTURE_BUS": bus}
    with (
        overture_process(folder / "1", free_port(), OVERTURE_INSTANCE="one", **shared) as (
            first,
            process,
        ),
        overture_process(folder / "2", free_port(), OVERTURE_INSTANCE="two", **shared) as (
            second,
            _,
        ),
    ):
        async with asyncio.timeout(2 * PATIENCE):  # the prompt alone lasts 7 s
            back = await killed_while_speaking(first, process)
            async with client_at(second, **back) as client:
                outreach = await prompt_begins(client)
                assert await prompt_said(client) == AGAIN
                story = await story_until(second, outreach, "heard")
                await client.say("Thank you", output_modalities=["text"])
                begun = [e["response"] for e in client.seen if e["type"] == "response.created"]
    # The prompt, the answer to the thanks, and nothing that goes on with what was cut off.
    assert [response["metadata"] for response in begun] == [{"outreach_id": outreach}, None]
    assert_story_of_both(story)


async def killed_while_speaking(address: str, process: subprocess.Popen[bytes]) -> dict[str, str]:
    """A prompt is posted and begun, then its instance dies. With what its client comes back."""
    async with client_at(address, session="sess_both") as client:
        token = (await client.until("overture.session"))["resume_token"]
        told = {"user": "u42", "say": ORDER, "reason": "You ordered it.", "purpose": "orders"}
        receipt = await post(address, "/v1/outreach", told)
        assert await prompt_begins(client) == receipt["id"]
        item_id, heard_ms = await until_sounding(client, 500)
        process.kill()
        process.wait()
    return {"session": "sess_both", "resume": token, "played": f"{item_id}:{heard_ms}"}


def assert_story_of_both(story: Story) -> None:
    """Complete, in order, and it says who was gone."""
    assert states(story)[:4] == ["matched", "published", "reserved", "speaking"]
    assert states(story)[-3:] == ["reserved", "speaking", "heard"]
    assert states(story).count("speaking") == 2
    assert [step["by"] for step in story["steps"][:4]] == ["one"] * 4
    assert {step["by"] for step in story["steps"][4:]} == {"two"}
    reasons = [step["reason"] for step in story["steps"][4:]]
    assert "its holder one/sess_both is gone" in reasons
    assert story["begun"] == 2
    assert story["steps"][-1]["evidence"]["heard_share"] == 1.0


async def test_an_order_is_ready_and_the_person_at_the_page_hears_it(folder: Path) -> None:
    """The café as it comes, on a machine where nothing was set up."""
    with overture_process(folder / "data", free_port()) as (address, _):
        async with asyncio.timeout(PATIENCE), client_at(address) as client:
            await client.until("overture.session")
            event = await post(address, "/v1/events", {"type": "order.ready", "user": "u42"})
            outreach = await prompt_begins(client)
            heard = 0
            while heard < 1000:
                heard += sound(await client.until("response.output_audio.delta"))
            assert await prompt_said(client) == "Your order is ready at the counter."
            story = await story_until(address, outreach, "heard")
            async with httpx.AsyncClient(base_url=address, timeout=30) as http:
                outcome = (await http.get(f"/v1/events/{event['id']}")).json()["outcome"]
    assert states(story) == ["matched", "published", "reserved", "speaking", "heard"]
    assert (story["rule"], story["reason"]) == ("order_ready", "You ordered it.")
    assert story["steps"][-1]["evidence"]["heard_share"] == 1.0
    assert outcome["prompts"] == [outreach]
