"""From an engine's raw samples to the port's chunks: trimmed, resampled, marked.

Works on a stream, so the first audio leaves before the last is made: silence
is held back until louder audio shows that it was a pause inside the sentence.
"""

from collections import deque
from collections.abc import Iterable

import numpy as np
import soxr

from voice.audio import SPEAKING_RATE, Pcm
from voice.synthesis import Mark, SpeechChunk

SILENT = 164
"""Samples up to this (-46 dBFS) are silence: flite's pauses hiss at up to 130."""

_KEEP_BEFORE_S = 0.010
_KEEP_AFTER_S = 0.015
"""Left around the speech, so that soft onsets and decays are not cut; the port allows 20 ms."""

_CEILING = 32000
"""Louder samples are clipped; no voice gets there with its gain, an odd sentence might."""


class SpeechShaper:
    """Shapes one sentence, or one piece of it.

    rate: samples per second of what is fed.
    end: the character at which this text ends; the mark at the last sample carries it.
    start: 24 kHz samples of the sentence before this piece.
    """

    def __init__(self, rate: int, end: int, *, gain: float = 1.0, start: int = 0) -> None:
        self._rate = rate
        self._end = end
        self._gain = gain
        self._start = start
        self._before = round(_KEEP_BEFORE_S * rate)
        self._after = round(_KEEP_AFTER_S * rate)
        self._resampler = soxr.ResampleStream(rate, SPEAKING_RATE, 1, dtype="int16", quality="MQ")
        self._held = np.zeros(0, np.int16)
        self._speaking = False
        self._cut = 0
        self._made = 0
        self._waiting: deque[tuple[int, int]] = deque()
        self._last = Mark(char=0, sample=start)

    @property
    def samples(self) -> int:
        """24 kHz samples of the sentence so far, `start` included."""
        return self._start + self._made

    def expect(self, marks: Iterable[tuple[int, int]]) -> None:
        """Announces (character, sample as fed) pairs, in time's order, before their audio.

        Several with the same character are the words of one number: the last one counts.
        """
        self._waiting.extend(dict(marks).items())

    def feed(self, samples: Pcm) -> SpeechChunk | None:
        """The next raw samples; the chunk they complete, if any."""
        held = np.concatenate((self._held, samples))
        loud = np.flatnonzero(np.abs(held.astype(np.int32)) > SILENT)
        if not loud.size:
            self._held = held if self._speaking else self._drop(held, len(held) - self._before)
            return None
        if not self._speaking:
            self._speaking = True
            leading = max(0, int(loud[0]) - self._before)
            held, loud = self._drop(held, leading), loud - leading
        until = int(loud[-1]) + 1
        self._held = held[until:]
        return self._chunk(self._resampled(held[:until], last=False))

    def finish(self) -> SpeechChunk | None:
        """What was held back, with the final mark; None when there was nothing but silence."""
        if not self._speaking:
            return None
        tail = self._resampled(self._held[: self._after], last=True)
        chunk = self._chunk(tail)
        marks = chunk.marks if chunk else ()
        return SpeechChunk(tail, (*marks, Mark(self._end, self.samples)))

    def _drop(self, samples: Pcm, count: int) -> Pcm:
        count = max(0, count)
        self._cut += count
        return samples[count:]

    def _resampled(self, samples: Pcm, *, last: bool) -> Pcm:
        if self._gain != 1.0:
            scaled = samples.astype(np.float32) * self._gain
            samples = np.clip(scaled, -_CEILING, _CEILING).astype(np.int16)
        out: Pcm = self._resampler.resample_chunk(np.ascontiguousarray(samples), last=last)
        return out

    def _chunk(self, samples: Pcm) -> SpeechChunk | None:
        if not samples.size:
            return None
        self._made += len(samples)
        return SpeechChunk(samples, tuple(self._passed()))

    def _passed(self) -> Iterable[Mark]:
        """Marks inside what was made, strictly rising; the final one is `finish`'s."""
        while self._waiting:
            char, fed = self._waiting[0]
            sample = self._start + round((fed - self._cut) * SPEAKING_RATE / self._rate)
            if sample >= self.samples:
                return
            self._waiting.popleft()
            if self._last.char < char < self._end and sample > self._last.sample:
                self._last = Mark(char, sample)
                yield self._last
