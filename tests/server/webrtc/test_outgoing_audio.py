"""The agent's voice to the network: packets while it speaks, none while it does not."""

import asyncio
from collections.abc import Callable

import numpy as np

from server.webrtc import rtp
from server.webrtc.opus import TICKS
from server.webrtc.outgoing_audio import HANGOVER, OutgoingAudio
from tests.support.serving import PATIENCE
from voice.audio import SPEAKING_RATE, Pcm


class Listener:
    """Collects packets; `until` waits for something to be true of them."""

    def __init__(self) -> None:
        self.packets: list[rtp.Packet] = []
        self.markers: list[bool] = []
        self._came = asyncio.Event()
        self.voice = OutgoingAudio(111, self._take)

    def _take(self, data: bytes) -> None:
        self.packets.append(rtp.parse(data))
        self.markers.append(bool(data[1] & 0x80))
        self._came.set()

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not met():
                self._came.clear()
                await self._came.wait()

    async def rest(self) -> None:
        """Until nothing is sent any more."""
        async with asyncio.timeout(PATIENCE):
            while self.voice.talking:
                await asyncio.sleep(0)


def tone(ms: int) -> Pcm:
    time = np.arange(ms * SPEAKING_RATE // 1000) / SPEAKING_RATE
    return (8000 * np.sin(2 * np.pi * 300 * time)).astype(np.int16)


async def test_speech_leaves_in_packets_of_20_ms_and_then_the_line_is_silent() -> None:
    listener = Listener()
    listener.voice.play(tone(90))
    assert len(listener.packets) == 1  # the first at once
    await listener.until(lambda: len(listener.packets) == 5 + HANGOVER)
    await listener.rest()
    assert len(listener.packets) == 5 + HANGOVER
    steps = np.diff([packet.timestamp for packet in listener.packets])
    assert set(steps) == {TICKS}
    assert listener.markers == [True] + [False] * (4 + HANGOVER)


async def test_after_a_silence_the_clock_has_gone_on() -> None:
    listener = Listener()
    listener.voice.play(tone(20))
    await listener.until(lambda: len(listener.packets) == 1 + HANGOVER)
    await listener.rest()
    listener.voice.play(tone(20))
    first, again = listener.packets[0], listener.packets[1 + HANGOVER]
    assert again.sequence == (first.sequence + 1 + HANGOVER) & 0xFFFF
    assert rtp.distance(again.timestamp, first.timestamp, 32) >= (1 + HANGOVER) * TICKS
    assert listener.markers[1 + HANGOVER]


async def test_an_interruption_takes_back_what_has_not_left() -> None:
    listener = Listener()
    listener.voice.play(tone(2000))
    await listener.until(lambda: len(listener.packets) == 3)
    listener.voice.clear()
    await listener.until(lambda: len(listener.packets) == 3 + HANGOVER)
    await listener.rest()
    assert len(listener.packets) == 3 + HANGOVER


async def test_what_was_held_goes_on_where_it_stopped() -> None:
    listener = Listener()
    listener.voice.play(tone(100))
    listener.voice.hold()
    await listener.until(lambda: len(listener.packets) == 1 + HANGOVER)
    await listener.rest()
    listener.voice.resume()
    await listener.until(lambda: len(listener.packets) == 5 + 2 * HANGOVER)


async def test_a_closed_voice_sends_nothing() -> None:
    listener = Listener()
    listener.voice.play(tone(100))
    listener.voice.close()
    assert not listener.voice.talking
    assert len(listener.packets) == 1
