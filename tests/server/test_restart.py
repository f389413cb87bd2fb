"""A server killed outright in the middle of an answer: the next one goes on with it."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import connect

from overture.cli import main
from sessions.journal_files import records
from sessions.journal_reading import read_record
from tests.server.test_resume import typed, until_sounding
from tests.support.overture_process import free_port, overture_process
from tests.support.redis_server import needs_redis
from tests.support.serving import PATIENCE
from tests.support.wire_client import Event, WireClient

ENGINES = {"OVERTURE_RECOGNIZER": "scripted", "OVERTURE_SYNTHESIZER": "scripted"}


@asynccontextmanager
async def client_at(address: str, **query: str) -> AsyncIterator[WireClient]:
    """A client with extras, as the browser page is one."""
    url = f"ws{address.removeprefix('http')}/v1/realtime?" + urlencode({"extras": "1"} | query)
    async with connect(url, compression=None) as socket:
        yield WireClient(socket)


def words_of(event: Event) -> str:
    """What the response said."""
    words: str = event["response"]["output"][0]["content"][0]["transcript"]
    return words


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A temporary folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="ov") as folder:
        yield Path(folder)


@needs_redis
async def test_a_killed_server_comes_back_and_says_the_rest(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, port = short_folder / "d", free_port()
    with overture_process(data, port, **ENGINES) as (address, process):
        async with asyncio.timeout(PATIENCE), client_at(address, session="sess_k") as client:
            token = (await client.until("overture.session"))["resume_token"]
            await client.say("I'd like a latte", output_modalities=["text"])
            await client.send(
                {"type": "conversation.item.create", "item": typed("What is in a mocha?")},
                {"type": "response.create"},
            )
            item_id, heard_ms = await until_sounding(client, 1000)
            # So that what the server kept of it is as far as it keeps it in ordinary times.
            await until_stored(data, "sess_k", item_id)
            process.kill()
            process.wait()
    back = {"session": "sess_k", "resume": token, "played": f"{item_id}:{heard_ms}"}
    with overture_process(data, port, **ENGINES) as (address, _):
        async with asyncio.timeout(PATIENCE), client_at(address, **back) as client:
            assert (await client.until("overture.session"))["resumed"] is True
            done = await client.until("response.done")
            assert done["response"]["metadata"] == {"continues": item_id}
            assert words_of(done).startswith("A mocha is")
            await client.send({"type": "conversation.item.retrieve", "item_id": item_id})
            kept = (await client.until("conversation.item.retrieved"))["item"]
            heard = kept["content"][0]["transcript"]
            assert len(heard.split()) == pytest.approx(heard_ms / 250, abs=1)
            assert words_of(done).startswith(heard)
            # The order's form is still open.
            done = await client.say("large please", output_modalities=["text"])
            assert "large" in json.dumps(done["response"]["output"]).lower()
    # What the killed server wrote until half a second before replays, and what came after.
    first, second = map(read_record, records(data / "journal"))
    assert [len(recording.steps) > 10 for recording in (first, second)] == [True, True]
    monkeypatch.setenv("OVERTURE_DATA_DIR", str(data))
    assert main(["replay", "sess_k"]) == 0
    assert capsys.readouterr().out.count("the commands are the same") == 2


async def until_stored(data: Path, session: str, item_id: str) -> None:
    """Returns once Redis has the answer that is being said."""
    from redis.asyncio import Redis

    from sessions.context import SessionContext
    from sessions.redis import key_of

    async with Redis(unix_socket_path=str(data / "redis/redis.sock")) as client:
        while True:
            document = await client.get(key_of(session))
            answer = SessionContext.from_json(document).answer if document else None
            if answer is not None and answer.item_id == item_id and answer.sentences[0].marks:
                return
