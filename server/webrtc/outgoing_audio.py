"""The agent's voice on its way to the network: a packet each 20 ms while it speaks, else none.

Audio comes in real time with a lead (voice/pacing.py); it waits here and not in the listener's
buffer, so that an interruption can still take it back.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable

import numpy as np

from server.webrtc.opus import CLOCK, FRAME, TICKS, OpusEncoder
from server.webrtc.rtp import pack
from voice.audio import SPEAKING_RATE, Pcm

INTERVAL = FRAME / SPEAKING_RATE
"""Seconds from packet to packet."""
HANGOVER = 2
"""Packets of silence after the last sound: a listener that misses the next packet makes one up from
the one before, and would draw the last vowel out."""
_SILENCE = np.zeros(FRAME, np.int16)


class OutgoingAudio:
    """A `Speaker`. send: takes a whole RTP packet; now: seconds, monotonic, on the loop's clock."""

    def __init__(self, payload_type: int, send: Callable[[bytes], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._payload_type = payload_type
        self._send = send
        self._encoder = OpusEncoder()
        self._waiting: deque[Pcm] = deque()
        self._waiting_samples = 0
        self._held = False
        self._hangover = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._resting_since: float | None = None
        self._sequence = secrets.randbits(16)
        self._timestamp = secrets.randbits(32)
        self.ssrc = secrets.randbits(31) + 1
        self.packets = 0
        self.octets = 0

    @property
    def talking(self) -> bool:
        """Whether packets are being sent."""
        return self._timer is not None

    @property
    def timestamp(self) -> int:
        """Of the next packet, if it went now."""
        return self._timestamp

    def play(self, samples: Pcm) -> None:
        """Puts 24 kHz audio behind what waits."""
        self._waiting.append(samples)
        self._waiting_samples += len(samples)
        self._go_on()

    def hold(self) -> None:
        """Sends nothing more until `resume` or `clear`."""
        self._held = True

    def resume(self) -> None:
        """Goes on with what waits."""
        self._held = False
        self._go_on()

    def clear(self) -> None:
        """Forgets what waits."""
        self._waiting.clear()
        self._waiting_samples = 0
        self._held = False

    def close(self) -> None:
        """Ends the timer; nothing is sent any more."""
        self.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self) -> None:
        if self._timer is not None or self._held or not self._waiting_samples:
            return
        now = self._loop.time()
        if self._resting_since is not None:
            # The clock of the stream has gone on while nothing was sent.
            self._timestamp += round((now - self._resting_since) * CLOCK)
        self._due = now
        self._tick()

    def _tick(self) -> None:
        """One packet, and the time of the next."""
        self._timer = None
        if self._waiting_samples and not self._held:
            self._hangover = HANGOVER
            self._packet(self._take())
        elif self._hangover:
            self._hangover -= 1
            self._packet(_SILENCE)
        else:
            self._resting_since = self._due
            return
        self._resting_since = None
        self._due += INTERVAL
        self._timer = self._loop.call_at(self._due, self._tick)

    def _packet(self, samples: Pcm) -> None:
        payload = self._encoder.encode(samples)
        first = self._resting_since is not None or self.packets == 0
        data = pack(
            self._payload_type, self._sequence, self._timestamp, self.ssrc, payload, marker=first
        )
        self._sequence += 1
        self._timestamp += TICKS
        self.packets += 1
        self.octets += len(payload)
        self._send(data)

    def _take(self) -> Pcm:
        """The next FRAME samples, silence where there are no more."""
        parts: list[Pcm] = []
        missing = FRAME
        while missing and self._waiting:
            part = self._waiting.popleft()
            if len(part) > missing:
                self._waiting.appendleft(part[missing:])
                part = part[:missing]
            parts.append(part)
            missing -= len(part)
            self._waiting_samples -= len(part)
        if missing:
            parts.append(_SILENCE[:missing])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
