"""The person's voice as it comes off the network: in order, and whole in time.

Silence is counted in samples everywhere behind this, so a packet that was lost becomes silence of
its own length. There is no playout here and so no jitter buffer: what is in order is heard at once.
"""

from collections.abc import Callable

import numpy as np

from server.webrtc.opus import CLOCK, OpusDecoder, OpusError
from server.webrtc.rtp import Packet, distance
from voice.audio import HEARING_RATE, Pcm

WAIT_FOR = 3
"""Packets that may come before a missing one counts as lost: 60 ms, and reordering is rarer."""
RESTART = 500
"""A jump of this many sequence numbers is another stream, not ten seconds of loss."""
LONGEST_GAP = 2 * CLOCK
"""Ticks of silence that are made up for; a pause longer than this ended the turn already."""


class IncomingAudio:
    """Takes packets in, gives 16 kHz samples to `hear`."""

    def __init__(self, payload_type: int, hear: Callable[[Pcm], None]) -> None:
        self._payload_type = payload_type
        self._hear = hear
        self._decoder = OpusDecoder()
        self._ssrc: int | None = None
        self._next_sequence = 0
        self._next_timestamp = 0
        self._wraps = 0
        self._waiting: dict[int, Packet] = {}
        self.lost = 0
        """Packets that never came, or came too late, or were no Opus."""

    @property
    def ssrc(self) -> int | None:
        """The stream that is heard; None before its first packet."""
        return self._ssrc

    @property
    def highest(self) -> int:
        """The latest sequence number that was heard, with its wraps counted above 16 bits."""
        return self._wraps << 16 | (self._next_sequence - 1) & 0xFFFF

    def take(self, packet: Packet) -> None:
        """A packet came, in whatever order."""
        if packet.payload_type != self._payload_type:
            return
        ahead = distance(packet.sequence, self._next_sequence, 16)
        if packet.ssrc != self._ssrc or abs(ahead) >= RESTART:
            self._begin(packet)
        elif ahead > 0:
            self._waiting[packet.sequence] = packet
            if len(self._waiting) >= WAIT_FOR:
                self._give_up()
            return
        elif ahead < 0:
            return  # too late, or twice
        self._play(packet)
        self._catch_up()

    def _begin(self, packet: Packet) -> None:
        self._ssrc = packet.ssrc
        self._waiting.clear()
        self._next_sequence = packet.sequence
        self._next_timestamp = packet.timestamp

    def _give_up(self) -> None:
        """What is missing will not come."""
        nearest = min(self._waiting, key=lambda number: distance(number, self._next_sequence, 16))
        self.lost += distance(nearest, self._next_sequence, 16)
        self._next_sequence = nearest
        self._catch_up()

    def _catch_up(self) -> None:
        while (packet := self._waiting.pop(self._next_sequence, None)) is not None:
            self._play(packet)

    def _play(self, packet: Packet) -> None:
        self._next_sequence = (packet.sequence + 1) & 0xFFFF
        self._wraps += packet.sequence == 0
        gap = distance(packet.timestamp, self._next_timestamp, 32)
        if 0 < gap <= LONGEST_GAP:
            self._hear(np.zeros(gap * HEARING_RATE // CLOCK, np.int16))
        try:
            samples, ticks = self._decoder.decode(packet.payload)
        except OpusError:
            self.lost += 1
            self._next_timestamp = packet.timestamp  # the next one's gap is its silence
            return
        self._next_timestamp = (packet.timestamp + ticks) % (1 << 32)
        if len(samples):
            self._hear(samples)
