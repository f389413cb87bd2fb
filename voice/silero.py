"""Silero voice activity detection by onnxruntime: one model, one thread, all streams' frames.

Natural batching: a frame that comes while the model rests runs at once; what comes while it
works is the next batch. No task and no thread per frame or stream.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnxruntime

from voice.audio import Pcm
from voice.silero_model import batched_model, model_path
from voice.vad import FRAME_SAMPLES, VoiceActivityError

_CONTEXT_SAMPLES = 64
"""Samples of the frame before that the model sees again in front of each frame."""

_STATE_FLOATS = 128

MAX_BATCH = 64
"""Frames in one run: 4.5 ms at 70 us a frame; a longer batch would keep the next one waiting."""

_BATCH_GAP_S = 0.004
"""At least this between the starts of two batches, so that under load frames come together: a
frame costs 150 us alone and 70 us in a batch of eight. A quiet process never waits for it."""


QUIET_PEAK = 64
"""Samples that stay below this (-54 dBFS) are an empty room: nobody can be understood there."""

QUIET_FRAMES = 16
"""After so many quiet frames (half a second) without speech the model is not asked about the next
quiet one. A listening session whose room is quiet then costs no model time; no pause inside speech
is that long and that quiet, so what ends a turn is judged by the model alone."""

QUIET_SCORE = 0.2
"""Below this a frame is no speech by any threshold in use."""


@dataclass(slots=True, eq=False)
class _Request:
    """Frames of one stream, 576 samples each, and their scores so far."""

    stream: "SileroStream"
    frames: list[Pcm]
    answer: "asyncio.Future[list[float]]"
    scores: list[float] = field(default_factory=list)


class SileroVoiceActivity:
    """The voice activity port by Silero v6. Use it from one event loop.

    Raises SileroModelError when the model is missing or not the expected one.
    """

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # batches vary in size; an arena would keep the most
        self._session = onnxruntime.InferenceSession(
            batched_model(model_path().read_bytes()), options, providers=["CPUExecutionProvider"]
        )
        self._thread = ThreadPoolExecutor(1, "silero")
        self._waiting: deque[_Request] = deque()
        self._at_work = False
        self._next_start = 0.0
        self._closed = False

    def stream(self) -> "SileroStream":
        """See the port."""
        return SileroStream(self)

    async def aclose(self) -> None:
        """Ends the thread; calls that wait raise VoiceActivityError."""
        self._closed = True
        _fail(self._waiting, VoiceActivityError("voice activity was closed; open a new one"))
        self._waiting.clear()
        await asyncio.to_thread(self._thread.shutdown)

    async def score(self, stream: "SileroStream", frames: list[Pcm]) -> list[float]:
        """Probabilities of a stream's frames, 576 samples each, in the order given."""
        if self._closed:
            raise VoiceActivityError("voice activity is closed; open a new one")
        loop = asyncio.get_running_loop()
        request = _Request(stream, frames, loop.create_future())
        self._waiting.append(request)
        if not self._at_work:
            self._at_work = True
            # Not now but at the loop's next turn, so that what this turn brings goes along.
            loop.call_soon(self._schedule, loop)
        return await request.answer

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        wait = self._next_start - loop.time()
        if wait <= 0:
            self._start_batch(loop)
        else:
            loop.call_later(wait, self._start_batch, loop)

    def _start_batch(self, loop: asyncio.AbstractEventLoop) -> None:
        batch: list[_Request] = []
        while self._waiting and len(batch) < MAX_BATCH:
            request = self._waiting.popleft()
            if not request.answer.done():  # done already: its caller was cancelled
                batch.append(request)
        if not batch or self._closed:
            self._at_work = False
            return
        self._next_start = loop.time() + _BATCH_GAP_S

        def finished(scores: "ThreadFuture[list[float]]") -> None:
            loop.call_soon_threadsafe(self._finish_batch, loop, batch, scores)

        self._thread.submit(self._run, batch).add_done_callback(finished)

    def _run(self, batch: Sequence[_Request]) -> list[float]:
        """On the model's thread: the next frame of every request."""
        frames = np.stack([request.frames[len(request.scores)] for request in batch])
        states = np.stack([request.stream.state for request in batch], axis=1)
        outputs: tuple[Any, Any, Any] = self._session.run(
            ("speech_probs", "hn", "cn"),
            {"input": frames.astype(np.float32) / 32768, "h": states[0:1], "c": states[1:2]},
        )
        scores, hidden, cell = outputs
        for row, request in enumerate(batch):
            request.stream.state[0] = hidden[0, row]
            request.stream.state[1] = cell[0, row]
        return [float(score) for score in scores]

    def _finish_batch(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: Sequence[_Request],
        scores: "ThreadFuture[list[float]]",
    ) -> None:
        unfinished = False
        error = scores.exception()
        if error is not None:
            failure = VoiceActivityError(f"the Silero model failed: {error}")
            failure.__cause__ = error
            _fail(batch, failure)
        else:
            for request, score in zip(batch, scores.result(), strict=True):
                request.scores.append(score)
                if len(request.scores) < len(request.frames):
                    self._waiting.append(request)
                    unfinished = True
                elif not request.answer.done():
                    request.answer.set_result(request.scores)
        if self._closed:
            _fail(self._waiting, VoiceActivityError("voice activity was closed"))
        elif unfinished:  # a long piece of audio goes through without pauses
            self._start_batch(loop)
            return
        elif self._waiting:
            self._schedule(loop)
            return
        self._at_work = False


class SileroStream:
    """One stream's state: the recurrent state, and the samples that wait for a whole frame."""

    def __init__(self, activity: SileroVoiceActivity) -> None:
        self._activity = activity
        self._busy = False
        self.state = np.zeros((2, _STATE_FLOATS), np.float32)
        """The model's hidden and cell state after the last frame."""
        self._samples: Pcm = np.zeros(_CONTEXT_SAMPLES, np.int16)
        self._quiet_frames = 0

    async def probabilities(self, samples: Pcm) -> list[float]:
        """See the port."""
        if self._busy:
            raise VoiceActivityError("one call at a time per stream; await the one before")
        have = np.concatenate((self._samples, samples))
        count = (len(have) - _CONTEXT_SAMPLES) // FRAME_SAMPLES
        self._samples = have[count * FRAME_SAMPLES :].copy()
        if count == 0:
            return []
        quiet = max(int(have.max()), -int(have.min())) < QUIET_PEAK
        if quiet and self._quiet_frames >= QUIET_FRAMES:
            return [0.0] * count
        starts = range(0, count * FRAME_SAMPLES, FRAME_SAMPLES)
        frames = [have[start : start + _CONTEXT_SAMPLES + FRAME_SAMPLES] for start in starts]
        self._busy = True
        try:
            scores = await self._activity.score(self, frames)
        finally:
            self._busy = False
        unheard = quiet and max(scores) < QUIET_SCORE
        self._quiet_frames = self._quiet_frames + count if unheard else 0
        return scores

    def close(self) -> None:
        """Forgets the state; the stream may then be used as a fresh one."""
        self.state = np.zeros((2, _STATE_FLOATS), np.float32)
        self._samples = np.zeros(_CONTEXT_SAMPLES, np.int16)
        self._quiet_frames = 0


def _fail(requests: "Sequence[_Request] | deque[_Request]", error: VoiceActivityError) -> None:
    for request in requests:
        if not request.answer.done():
            request.answer.set_exception(error)
