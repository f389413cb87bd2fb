"""The person's voice off the network: in order, and as long as it was spoken."""

import numpy as np
import pytest

from server.webrtc.incoming_audio import IncomingAudio
from server.webrtc.opus import FRAME, TICKS, OpusEncoder
from server.webrtc.rtp import Packet
from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm

TYPE = 111
PACKET = HEARING_RATE // 50
"""Samples that a packet of 20 ms becomes."""


def packets(count: int, *, sequence: int = 100, timestamp: int = 5000) -> list[Packet]:
    """A tone that grows louder, `count` packets of 20 ms."""
    encoder = OpusEncoder()
    time = np.arange(count * FRAME) / SPEAKING_RATE
    tone = (np.linspace(2000, 20000, len(time)) * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    return [
        Packet(
            TYPE,
            (sequence + n) & 0xFFFF,
            (timestamp + n * TICKS) % (1 << 32),
            42,
            encoder.encode(tone[n * FRAME : (n + 1) * FRAME]),
        )
        for n in range(count)
    ]


def heard(arrivals: list[Packet]) -> tuple[Pcm, IncomingAudio]:
    """What the ears get when packets come in this order."""
    parts: list[Pcm] = []
    audio = IncomingAudio(TYPE, parts.append)
    for packet in arrivals:
        audio.take(packet)
    return np.concatenate([np.zeros(0, np.int16), *parts]), audio


def about(count: int) -> object:
    """That many packets' samples, less what the resampler holds back."""
    return pytest.approx(count * PACKET, abs=PACKET // 4)


def test_packets_in_order_are_heard_whole() -> None:
    samples, audio = heard(packets(50))
    assert len(samples) == about(50)
    assert np.abs(samples[-PACKET * 5 :]).max() > 10_000
    assert audio.lost == 0


def test_packets_out_of_order_and_twice_sound_the_same() -> None:
    sent = packets(50)
    whole, _ = heard(sent)
    shuffled = [*sent[:10], sent[11], sent[10], sent[10], sent[11], *sent[12:], sent[3]]
    samples, audio = heard(shuffled)
    assert np.array_equal(samples, whole)
    assert audio.lost == 0


def test_lost_packets_become_silence_of_their_length() -> None:
    sent = packets(50)
    samples, audio = heard(sent[:20] + sent[25:])
    assert len(samples) == about(50)
    assert not samples[21 * PACKET : 24 * PACKET].any()
    assert audio.lost == 5


def test_a_pause_of_the_sender_is_silence_although_nothing_was_lost() -> None:
    before = packets(10)
    after = packets(10, sequence=110, timestamp=5000 + 30 * TICKS)
    samples, audio = heard(before + after)
    assert len(samples) == about(40)
    assert audio.lost == 0


def test_a_stream_that_begins_anew_is_followed() -> None:
    again = [Packet(TYPE, p.sequence, p.timestamp, 43, p.payload) for p in packets(10)]
    jumped = packets(10, sequence=9000, timestamp=1 << 31)
    samples, _ = heard([*packets(10), *again, *jumped])
    assert len(samples) == about(30)


def test_counters_wrap_unheard() -> None:
    samples, audio = heard(packets(20, sequence=65530, timestamp=(1 << 32) - 4 * TICKS))
    assert len(samples) == about(20)
    assert audio.lost == 0
    assert audio.highest == 65536 + 13


def test_what_is_no_opus_is_silence_and_other_payloads_are_ignored() -> None:
    sent = packets(20)
    sent[10].payload = b""
    sent[11].payload_type = 13
    samples, audio = heard(sent)
    assert len(samples) == about(20)
    assert audio.lost >= 1
