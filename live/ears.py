"""Audio in, marks of speech out: one session's microphone."""

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np
import structlog

from voice.audio import HEARING_RATE, Pcm
from voice.echo import HEARD_S
from voice.recognition import Utterance
from voice.turn_detection import Mark, TurnDetector
from voice.vad import FRAME_SAMPLES, VoiceActivity

log = structlog.get_logger(__name__)

BACKLOG = 10 * HEARING_RATE
"""Samples that may wait to be looked at. A client sending ten times real time fills it in 1 s."""
KEPT = 62 * HEARING_RATE
"""Samples kept for recognition: the longest utterance and its padding."""
KEPT_IN_SILENCE = HEARING_RATE
"""Samples kept while nobody speaks: the padding before the next utterance, and its onset."""
STIRRING = 0.15
"""A frame this likely may be the first of an utterance: of the beginnings of 119 recorded orders
99 % show within 84 ms, and are speech within 286; in a quiet room no frame is (bench/onsets.py)."""
ECHO_SAMPLES = int(HEARD_S * HEARING_RATE)
"""Samples that an onset is compared with what the agent said."""


class BacklogError(Exception):
    """Audio comes faster than it can be looked at."""


class Recording:
    """The latest stretch of a session's input, addressed by sample since the session began."""

    def __init__(self) -> None:
        self._parts: deque[Pcm] = deque()
        self._start = 0
        self.end = 0

    def append(self, samples: Pcm) -> None:
        """Adds audio at the end."""
        self._parts.append(samples)
        self.end += len(samples)

    def forget_before(self, sample: int) -> None:
        """Lets go of whole parts that lie before `sample`."""
        while self._parts and self._start + len(self._parts[0]) <= sample:
            self._start += len(self._parts.popleft())

    def between(self, start: int, end: int) -> tuple[int, Pcm]:
        """The samples from start to end as far as they are kept, and where they begin."""
        start = max(start, self._start)
        if not self._parts or end <= start:
            return start, np.zeros(0, np.int16)
        whole = np.concatenate(list(self._parts))
        return start, whole[start - self._start : end - self._start]


class Ears:
    """Listens in a task of its own; `on_mark` and `on_stir` are called on the event loop.

    on_stir: nobody speaks, and this frame may be the first of an utterance.
    is_echo: whether this, the latest that was heard, is the agent's own voice; its second argument
        is how long ago, in seconds, the last sample came. Asked only where speech would begin.
    """

    def __init__(
        self,
        activity: VoiceActivity,
        on_mark: Callable[[Mark], None],
        on_stir: Callable[[], None],
        is_echo: Callable[[Pcm, float], bool],
    ) -> None:
        self._stream = activity.stream()
        self._on_mark = on_mark
        self._on_stir = on_stir
        self._is_echo = is_echo
        self._detector = TurnDetector()
        self._waiting: deque[Pcm] = deque()
        self._waiting_samples = 0
        self._came = asyncio.Event()
        self._heard_all = asyncio.Event()
        self._woken_for = 0
        self._looking = False
        self._task: asyncio.Task[None] | None = None
        self.recording = Recording()
        self.threshold = 0.5
        self.keep_from: int | None = None

    def start(self) -> None:
        """Begins to listen."""
        self._task = asyncio.create_task(self._listen(), name="ears")

    async def aclose(self) -> None:
        """Stops listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._stream.close()

    def hear(self, samples: Pcm) -> None:
        """Takes 16 kHz audio in; raises BacklogError."""
        if self._waiting_samples + len(samples) > BACKLOG:
            raise BacklogError(f"over {BACKLOG // HEARING_RATE} s of audio wait; send in real time")
        self._waiting.append(samples)
        self._waiting_samples += len(samples)
        self.recording.append(samples)
        self._heard_all.clear()
        # Nothing can be told from less than a frame: no need to wake for it.
        if self.recording.end // FRAME_SAMPLES > self._woken_for:
            self._woken_for = self.recording.end // FRAME_SAMPLES
            self._came.set()

    async def settled(self) -> None:
        """Returns when everything that came was looked at."""
        if self._came.is_set() or self._looking:
            await self._heard_all.wait()

    def utterance(self, start: int, prompt: str, language: str) -> Utterance:
        """What was heard from that sample on, as far as it was looked at."""
        looked_at = self.recording.end - self._waiting_samples
        first, samples = self.recording.between(start, looked_at)
        return Utterance(samples, first, prompt, language)

    async def _listen(self) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            self._looking = True
            while self._waiting:
                samples = (
                    np.concatenate(self._waiting) if len(self._waiting) > 1 else self._waiting[0]
                )
                self._waiting.clear()
                try:
                    await self._look_at(samples)
                except Exception:
                    # A model that fails on one frame must not deafen the session for good.
                    log.exception("voice_activity_failed")
                finally:
                    self._waiting_samples -= len(samples)
            self._forget()
            self._looking = False
            self._heard_all.set()

    async def _look_at(self, samples: Pcm) -> None:
        for probability in await self._stream.probabilities(samples):
            onset = probability >= self.threshold and not self._detector.speaking
            if onset and self._sounds_like_echo():
                probability = 0.0
            mark = self._detector.feed(probability, self.threshold)
            if mark is not None:
                self._on_mark(mark)
            if probability >= min(STIRRING, self.threshold) and not self._detector.speaking:
                self._on_stir()

    def _sounds_like_echo(self) -> bool:
        end = self.recording.end - self._waiting_samples
        _, latest = self.recording.between(end - ECHO_SAMPLES, end)
        return self._is_echo(latest, self._waiting_samples / HEARING_RATE)

    def _forget(self) -> None:
        end = self.recording.end
        keep_from = end - KEPT_IN_SILENCE if self.keep_from is None else self.keep_from
        self.recording.forget_before(max(keep_from, end - KEPT))
