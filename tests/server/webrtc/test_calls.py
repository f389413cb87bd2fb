"""A call, as stock clients make it: media both ways, events on the data channel."""

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.server.test_faults import eventually
from tests.support.caller import Caller, calling, post, post_offer
from tests.support.recordings import speak
from tests.support.serving import Serving
from tests.support.wire_client import WireClient

QUESTION = "When do you close on Sunday?"
SCRIPT = json.dumps([["close", n / 10, n / 10 + 0.05] for n in range(600)])
"""For the scripted recognizer: whenever something is said, it is this word, ten times a second."""


def script() -> dict[str, object]:
    """The session's change that makes SCRIPT be heard."""
    transcription = {"model": "scripted", "prompt": SCRIPT}
    session = {"type": "realtime", "audio": {"input": {"transcription": transcription}}}
    return {"type": "session.update", "session": session}


async def test_a_typed_question_is_answered_on_the_track_and_told_on_the_channel(
    serving: Serving,
) -> None:
    async with calling(serving) as caller:
        caller.ask(QUESTION)
        await caller.event("output_audio_buffer.stopped")
        types = caller.types()
        await caller.until(lambda: caller.loudest > 3000)
    assert types[0] == "session.created"
    assert "response.output_audio.delta" not in types
    order = [
        "response.created",
        "response.content_part.added",
        "output_audio_buffer.started",
        "response.output_audio.done",
        "response.done",
        "output_audio_buffer.stopped",
    ]
    assert [name for name in types if name in order] == order


async def test_while_nobody_speaks_nothing_is_sent(serving: Serving) -> None:
    async with calling(serving) as caller:
        assert caller.heard_frames == 0
        caller.ask(QUESTION)
        await caller.until(lambda: caller.heard_frames > 0)
        caller.send({"type": "output_audio_buffer.clear"})
        await caller.event("output_audio_buffer.cleared")
        caller.microphone.said = 0
        await caller.until(lambda: caller.microphone.said == 25)
        rested = caller.heard_frames
        await caller.until(lambda: caller.microphone.said == 50)
        assert caller.heard_frames <= rested + 3  # the end of the hangover, on a slow machine


async def test_a_spoken_question_is_heard_and_answered(serving: Serving) -> None:
    async with calling(serving) as caller:
        caller.send(script())
        await caller.event("session.updated")
        caller.microphone.say(speak(QUESTION))
        heard = await caller.event("conversation.item.input_audio_transcription.completed")
        assert "close" in heard["transcript"]
        await caller.event("output_audio_buffer.started")
        await caller.until(lambda: caller.loudest > 3000)


async def test_speech_over_the_answer_clears_what_was_not_sent(serving: Serving) -> None:
    async with calling(serving) as caller:
        caller.send(script())
        caller.ask("What is in a mocha?")
        await caller.event("output_audio_buffer.started")
        caller.microphone.say(speak("No, wait, that is not what I asked for at all"))
        done = await caller.event("response.done")
        assert done["response"]["status"] == "cancelled"
        assert done["response"]["status_details"]["reason"] == "turn_detected"
        await caller.event("output_audio_buffer.cleared")
        assert "conversation.item.truncated" in caller.types()


async def test_a_client_can_silence_the_agent(serving: Serving) -> None:
    async with calling(serving) as caller:
        caller.ask(QUESTION)
        await caller.event("output_audio_buffer.started")
        caller.send({"type": "output_audio_buffer.clear"})
        await caller.event("output_audio_buffer.cleared")
        done = await caller.event("response.done")
        assert done["response"]["status"] == "cancelled"
        assert "output_audio_buffer.stopped" not in caller.types()


async def test_audio_in_events_is_refused_in_a_call(serving: Serving) -> None:
    async with calling(serving) as caller:
        caller.send({"type": "input_audio_buffer.append", "audio": "AAAA", "event_id": "mine"})
        error = (await caller.event("error"))["error"]
        assert error["event_id"] == "mine"
        assert "media track" in error["message"]


async def test_a_form_brings_the_session_with_the_offer(serving: Serving) -> None:
    caller = Caller()
    session = {"type": "realtime", "instructions": "Be brief.", "model": "gpt-realtime"}
    form = {
        "sdp": (None, await caller.offer(), "application/sdp"),
        "session": (None, json.dumps(session), "application/json"),
    }
    await caller.take(await post(serving, "/v1/realtime/calls", files=form))
    created = await caller.event("session.created")
    await caller.aclose()
    assert created["session"]["instructions"] == "Be brief."
    assert created["session"]["model"] == "gpt-realtime"


async def test_a_wrong_session_in_the_form_is_refused_and_takes_no_place(serving: Serving) -> None:
    caller = Caller()
    form = {
        "sdp": (None, await caller.offer(), "application/sdp"),
        "session": (None, '{"type": "realtime", "output_modalities": "loud"}'),
    }
    answer = await post(serving, "/v1/realtime/calls", files=form)
    await caller.aclose()
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "session.output_modalities"
    await eventually(lambda: serving.live_sessions() == 0)


async def test_hanging_up_ends_the_call_and_leaves_nothing(serving: Serving) -> None:
    await eventually(lambda: serving.live_sessions() == 0)
    before = serving.tasks()
    async with calling(serving) as caller:
        assert serving.live_sessions() == 1
        answer = await post(serving, f"{caller.location}/hangup")
        assert answer.status_code == 200
        await caller.until(lambda: caller.is_over)
        await eventually(lambda: serving.live_sessions() == 0)
        again = await post(serving, f"{caller.location}/hangup")
        assert (again.status_code, again.json()["error"]["code"]) == (404, "call_id_not_found")
    await eventually(lambda: serving.tasks() <= before)


async def test_a_client_that_hangs_up_leaves_nothing(serving: Serving) -> None:
    async with calling(serving):
        assert serving.live_sessions() == 1
    await eventually(lambda: serving.live_sessions() == 0)
    await eventually(lambda: "call" not in serving.tasks())


async def test_a_server_can_join_a_call_and_take_part(serving: Serving) -> None:
    async with calling(serving, "model=cafe&extras=1") as caller:
        call_id = caller.location.rpartition("/")[2]
        url = f"{serving.ws_url}/realtime?call_id={call_id}"
        async with connect(url, compression=None) as socket:
            joined = WireClient(socket)
            assert (await joined.receive())["type"] == "session.created"
            await joined.send({"type": "no.such", "event_id": "theirs"})
            assert (await joined.error())["event_id"] == "theirs"
            await joined.say(QUESTION, output_modalities=["text"])
            await caller.event("response.done")
            assert "error" not in caller.types()
            own = ("overture.", "output_audio_buffer.", "response.output_audio.delta")
            assert not [name for name in joined.types() if name.startswith(own)]
            await post(serving, f"{caller.location}/hangup")
            with pytest.raises(ConnectionClosed) as closed:
                await joined.until("never")
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "hung up")


async def test_who_joins_and_leaves_or_errs_does_not_end_the_call(serving: Serving) -> None:
    async with calling(serving) as caller:
        url = f"{serving.ws_url}/realtime?call_id={caller.location.rpartition('/')[2]}"
        async with connect(url, compression=None) as socket:
            await socket.send(b"binary")
            await socket.wait_closed()
            assert socket.close_code == 1003
        caller.ask(QUESTION, "text")
        await caller.event("response.done")


async def test_a_call_that_is_not_there_cannot_be_joined(serving: Serving) -> None:
    async with connect(f"{serving.ws_url}/realtime?call_id=rtc_none") as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert "no such call" in closed.value.rcvd.reason


async def test_a_call_goes_on_with_a_session_of_a_websocket(serving: Serving) -> None:
    async with calling(serving, "model=cafe&user=u7&session=over-there") as caller:
        created = await caller.event("session.created")
        assert created["session"]["id"] == "over-there"
        second = Caller()
        await second.take(
            await post_offer(serving, await second.offer(), "user=u7&session=over-there")
        )
        await second.event("session.created")
        await caller.until(lambda: caller.is_over)
        await second.aclose()
