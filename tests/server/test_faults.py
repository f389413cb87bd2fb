"""Clients that do wrong, vanish, or never read: each is told, or closed; nobody else notices."""

import asyncio
import contextlib
import json
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.host import Limits
from tests.support.serving import PATIENCE, Serving, Stage
from tests.support.wire_client import Event, WireClient, append, silence, wire_client

UPDATE = {"type": "session.update", "event_id": "mine"}


async def eventually(true: Callable[[], bool]) -> None:
    """Returns once it is; the server ends a session in its own time after the socket's end."""
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.01)


def metric(serving: Serving, line_start: str) -> float:
    """A sample of /metrics; 0 while there is none."""
    with urllib.request.urlopen(f"{serving.http_url}/metrics", timeout=PATIENCE) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(line_start + " "):
                return float(line.split()[-1])
    return 0.0


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        ("{nonsense", "invalid_json", None),
        ("[" * 2000 + "]" * 2000, "invalid_json", None),
        ("[1, 2]", "invalid_type", None),
        ("{}", "missing_required_parameter", "type"),
        ({"type": "no.such.event", "event_id": "mine"}, "invalid_value", "type"),
        ({"type": ["x"], "event_id": "mine"}, "invalid_value", "type"),
        ({"type": "overture.playout", "event_id": "mine"}, "invalid_value", "type"),
        ({"type": "input_audio_buffer.append", "event_id": "mine"}, "invalid_type", "audio"),
        (
            {"type": "input_audio_buffer.append", "audio": "not base64!", "event_id": "mine"},
            "invalid_value",
            "audio",
        ),
        (
            {"type": "input_audio_buffer.append", "audio": "AAAA", "event_id": "mine"},
            "invalid_value",
            "audio",
        ),
        (
            {"type": "input_audio_buffer.commit", "event_id": "mine"},
            "input_audio_buffer_commit_empty",
            None,
        ),
        ({"type": "response.cancel", "event_id": "mine"}, "response_cancel_not_active", None),
        (UPDATE, "missing_required_parameter", "session"),
        (
            UPDATE | {"session": {"audio": {"input": {"turn_detection": {"threshold": "loud"}}}}},
            "invalid_type",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            UPDATE | {"session": {"audio": {"input": {"format": {"type": "audio/opus"}}}}},
            "invalid_value",
            "session.audio.input.format",
        ),
        (
            {"type": "conversation.item.delete", "item_id": "nobody", "event_id": "mine"},
            "invalid_value",
            "item_id",
        ),
        (
            {"type": "conversation.item.truncate", "item_id": "nobody", "event_id": "mine"},
            "missing_required_parameter",
            "audio_end_ms",
        ),
    ],
)
async def test_a_faulty_event_is_named_and_the_session_lives(
    serving: Serving, message: str | dict[str, Any], code: str, param: str | None
) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.socket.send(message if isinstance(message, str) else json.dumps(message))
        error = await client.error()
        assert (error["type"], error["code"]) == ("invalid_request_error", code)
        assert error["param"] == param
        assert error["event_id"] == (None if isinstance(message, str) else "mine")
        await client.send({"type": "session.update", "session": {}})
        await client.until("session.updated")


async def test_an_oversized_frame_closes_the_connection(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.socket.send("x" * (Limits().frame_bytes + 1))
        with pytest.raises(ConnectionClosed) as closed:
            await client.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
    assert closed.value.rcvd.reason


async def test_a_binary_frame_closes_the_connection(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.socket.send(b"\0" * 100)
        with pytest.raises(ConnectionClosed) as closed:
            await client.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1003


async def flood(client: WireClient, event: Event, times: int) -> None:
    """Sends without looking, then reads until the connection is closed."""
    for _ in range(times):
        await client.send(event)
    while True:
        await client.receive()


async def test_audio_at_ten_times_real_time_ends_the_session(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await flood(client, append(silence(5.0)), times=100)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert "real time" in closed.value.rcvd.reason


async def test_a_flood_of_messages_ends_the_session(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await flood(client, {"type": "session.update", "session": {}}, times=2000)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_a_client_that_never_reads_is_cut_off_and_others_do_not_notice(
    stage: Stage,
) -> None:
    with stage.serving(limits=Limits(unread_bytes=100_000)) as serving:
        async with asyncio.timeout(PATIENCE), wire_client(serving) as beside:
            url = f"{serving.ws_url}/realtime?model=cafe"
            async with connect(url, max_queue=1, compression=None, ping_interval=None) as deaf:
                text = {"type": "input_text", "text": "word " * 12_000}
                item = {"id": "long", "type": "message", "role": "user", "content": [text]}
                await deaf.send(json.dumps({"type": "conversation.item.create", "item": item}))
                ask = json.dumps({"type": "conversation.item.retrieve", "item_id": "long"})
                # Asks for 60 kB each time, until the kernel's buffers and the server's are full.
                with contextlib.suppress(ConnectionClosed):
                    for _ in range(Limits().messages_per_second):
                        await deaf.send(ask)
                done = await beside.say("Do you have oat milk?", output_modalities=["text"])
                assert done["response"]["status"] == "completed"
                await eventually(lambda: serving.live_sessions() == 1)
                assert metric(serving, 'overture_realtime_closes_total{code="1013"}') == 1


async def test_a_client_that_vanishes_leaves_nothing_behind(stage: Stage) -> None:
    with stage.serving() as serving:
        before = serving.tasks()
        async with asyncio.timeout(PATIENCE):
            async with wire_client(serving) as client:
                await client.send(append(silence(0.5)))
                await client.send({"type": "response.create"})
                await client.until("response.output_audio.delta")
                client.socket.transport.abort()
            await eventually(lambda: serving.live_sessions() == 0)
            await eventually(lambda: not _sessions_tasks(serving) - before)


def _sessions_tasks(serving: Serving) -> set[str]:
    return {name for name in serving.tasks() if not name.startswith("Task-")}


async def test_a_client_that_answers_no_ping_is_let_go(stage: Stage) -> None:
    with stage.serving(limits=Limits(ping_s=0.1)) as serving:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
            writer.write(
                b"GET /v1/realtime HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            everything = await reader.read()
            writer.close()
            assert everything.startswith(b"HTTP/1.1 101")
            assert b"session.created" in everything
            assert b"keepalive ping timeout" in everything
            await eventually(lambda: serving.live_sessions() == 0)


async def test_a_further_session_than_there_are_places_is_told_so(stage: Stage) -> None:
    with stage.serving(limits=Limits(max_sessions=1)) as serving:
        async with asyncio.timeout(PATIENCE):
            async with wire_client(serving):
                async with connect(f"{serving.ws_url}/realtime") as second:
                    with pytest.raises(ConnectionClosed) as closed:
                        await second.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1013
                assert "taken" in closed.value.rcvd.reason
            await eventually(lambda: serving.live_sessions() == 0)
            async with wire_client(serving):
                assert serving.live_sessions() == 1


async def test_no_session_begins_while_the_server_is_not_ready(stage: Stage) -> None:
    with stage.serving(not_ready=lambda: "the recognizer is loading") as serving:
        async with asyncio.timeout(PATIENCE), connect(f"{serving.ws_url}/realtime") as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        assert closed.value.rcvd.reason == "the recognizer is loading"


async def test_a_malformed_query_is_refused_with_what_would_be_right(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), connect(f"{serving.ws_url}/realtime?user=%00") as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert "?user=" in closed.value.rcvd.reason


async def test_a_page_from_elsewhere_may_not_connect(serving: Serving) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with wire_client(serving, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_our_own_page_may_connect(serving: Serving) -> None:
    async with wire_client(serving, origin=serving.http_url) as client:
        assert client.seen


async def test_a_session_taken_up_again_ends_its_old_connection(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving, session="sess_mine") as old:
        await old.say("I'd like a large latte", output_modalities=["text"])
        async with wire_client(serving, session="sess_mine") as new:
            with pytest.raises(ConnectionClosed) as closed:
                await old.receive()
            assert closed.value.rcvd is not None
            assert "another connection" in closed.value.rcvd.reason
            done = await new.say("Make it small", output_modalities=["text"])
            assert "small" in done["response"]["output"][0]["content"][0]["text"].lower()


async def test_a_session_that_ended_leaves_no_task_and_no_place(stage: Stage) -> None:
    with stage.serving() as serving:
        before = serving.tasks()
        async with asyncio.timeout(PATIENCE):
            for _ in range(5):
                async with wire_client(serving) as client:
                    await client.send(append(np.zeros(24_000, np.int16)))
                    await client.say("thank you", output_modalities=["text"])
            await eventually(lambda: serving.live_sessions() == 0)
            await eventually(lambda: not _sessions_tasks(serving) - before)


async def test_a_server_that_stops_says_goodbye(stage: Stage) -> None:
    with stage.serving() as serving:
        async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
            stopping = asyncio.create_task(asyncio.to_thread(serving.stop))
            with pytest.raises(ConnectionClosed) as closed:
                await client.receive()
            await stopping
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
