"""A turn over a real socket: a loopback server answers speech with a tone."""

import numpy as np
import pytest
import uvloop

from bench.hesitation import Word
from bench.metronome import Metronome
from bench.realtime_client import NoEventError, RealtimeClient
from bench.recordings import Recording
from bench.text_socket import ConnectionFailedError
from bench.turn import speak
from bench.wire import Target
from tests.support.realtime_server import tone_server

RATE = 24_000


def order(*loud: tuple[float, float], seconds: float = 1.0) -> Recording:
    samples = np.zeros(int(seconds * RATE), np.int16)
    for begin, end in loud:
        samples[int(begin * RATE) : int(end * RATE)] = 9_000
    first, last = int(loud[0][0] * RATE), int(loud[-1][1] * RATE) - 1
    return Recording("order", samples, first, last, (Word("latte", 0.1, 0.4),), {})


async def test_a_reply_is_timed_from_the_last_speech_sample():
    async with tone_server() as target, Metronome() as metronome:
        client = RealtimeClient(metronome)
        await client.connect(target)
        turn = await speak(client, order((0.1, 0.4)), scripted=True)
        await client.aclose()
    assert (turn.commits, turn.cut_short, turn.problem) == (1, False, "")
    # The server waits for 100 ms of silence: a reply cannot come sooner.
    assert turn.voice_to_voice_ms is not None
    assert turn.voice_to_voice_ms > 80


async def test_a_turn_that_is_answered_in_its_middle_counts_as_cut_short():
    async with tone_server() as target, Metronome() as metronome:
        client = RealtimeClient(metronome)
        await client.connect(target)
        turn = await speak(client, order((0.1, 0.2), (0.6, 0.7)), scripted=False)
        await client.aclose()
    assert turn.cut_short
    assert turn.commits == 2
    assert turn.voice_to_voice_ms is None


async def test_waiting_for_what_does_not_come_says_what_came_last():
    async with tone_server() as target, Metronome() as metronome:
        client = RealtimeClient(metronome)
        await client.connect(target)
        with pytest.raises(NoEventError, match=r"no miracle within 0 s; last event: session\."):
            await client.until(lambda: False, 0, "miracle")
        await client.aclose()


async def test_a_server_that_is_not_there_is_named():
    async with Metronome() as metronome:
        client = RealtimeClient(metronome)
        with pytest.raises(ConnectionFailedError, match="is the server running"):
            await client.connect(Target("http://127.0.0.1:9", ""))


def test_a_client_runs_on_uvloop_as_the_benches_do():
    async def one_turn() -> int:
        async with tone_server() as target, Metronome() as metronome:
            client = RealtimeClient(metronome)
            await client.connect(target)
            turn = await speak(client, order((0.1, 0.2), seconds=0.3), scripted=False)
            await client.aclose()
        return turn.commits

    assert uvloop.run(one_turn()) == 1
