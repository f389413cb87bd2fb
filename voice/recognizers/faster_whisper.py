"""Whisper on this machine: open dictation in many languages, one model for all sessions.

While the model works on one batch the next gathers, so a lone utterance never waits for others.
The model releases the GIL, so it runs on a thread.
"""

import asyncio
import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import exp
from pathlib import Path

import numpy as np
import structlog

from voice.audio import HEARING_RATE
from voice.recognition import Recognition, RecognizerError, Utterance
from voice.recognizers.inventions import holds_speech, invented
from voice.recognizers.whisper_model import Decoded, WhisperModel, Window, windows

MAX_SECONDS = 120
"""Longest utterance: four windows. The floor rules end a turn long before."""

MAX_WAITING = 64
"""Utterances that wait; a further one is refused, as its speaker would have given up before."""

MAX_BATCH = 8
"""Windows decoded at once on a graphics card."""

MAX_BATCH_ON_CPU = 1
"""The encoder, five sixths of the time, costs each window the same there: a model of tiny's size
took 565 ms of CPU alone and 534 in a batch of eight, and all eight would wait for the last."""

PROMPT_CHARACTERS = 600
"""Of the agent's hints and the session's own prompt together; about 200 tokens."""

log = structlog.get_logger(__name__)

_NOTHING = Recognition(text="", confidence=0.0)


@dataclass(slots=True)
class _Job:
    """An utterance that waits. Only jobs that are told the same can be decoded together."""

    windows: list[Window]
    language: str
    prompt: str
    heard: asyncio.Future[list[Decoded]] = field(default_factory=asyncio.Future)


class FasterWhisperRecognizer:
    """See the module. Words come without times: nobody asks for them, and they cost a pass more."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "",
        hints: str = "",
        threads: int | None = None,
        batch: int | None = None,
    ) -> None:
        """folder: the model's; name: what people call it, by default as its folder.

        hints: the agent's own words, which it would else misspell.
        threads: that compute; by default a core is left to everything else, four are enough.
        batch: windows decoded at once, by default as many as the device is good for.
        """
        self._folder = folder
        self._name = name or folder.name
        self._hints = hints
        self._compute_threads = threads or max(1, min(4, (os.cpu_count() or 1) - 1))
        self._batch = batch
        self._thread = ThreadPoolExecutor(1, "whisper")
        self._languages: frozenset[str] = frozenset()
        self._waiting: deque[_Job] = deque()
        self._arrived = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """What start-up lines and traces call it."""
        return f"whisper {self._name}"

    @property
    def languages(self) -> frozenset[str]:
        """What it can be told to listen for; known after the start."""
        return self._languages

    async def start(self) -> None:
        """Loads the model; raises RecognizerError saying what is wrong with it."""
        loop = asyncio.get_running_loop()
        model = await loop.run_in_executor(self._thread, self._load)
        self._languages = model.languages
        if self._batch is None:
            self._batch = MAX_BATCH if model.on_graphics_card else MAX_BATCH_ON_CPU
        self._serving = asyncio.create_task(self._serve(model), name="whisper")

    async def recognize(self, utterance: Utterance) -> Recognition:
        """Words of the utterance, "" for what nobody said.

        Raises RecognizerError for a language it does not know, when too many wait, or for more
        than MAX_SECONDS. Cancelling gives up the place in the queue.
        """
        if self._serving is None or self._serving.done():
            raise RecognizerError("whisper is not running; start the recognizer first")
        if len(utterance.samples) > MAX_SECONDS * HEARING_RATE:
            raise RecognizerError(f"an utterance may last {MAX_SECONDS} s; end the turn sooner")
        if not holds_speech(utterance.samples):
            return _NOTHING
        if sum(not job.heard.done() for job in self._waiting) >= MAX_WAITING:
            raise RecognizerError(
                f"{MAX_WAITING} utterances wait for whisper already; take a smaller model, or a "
                "machine that is faster"
            )
        job = _Job(
            windows(utterance.samples), self._language(utterance.language), self._prompt(utterance)
        )
        self._waiting.append(job)
        self._arrived.set()
        decoded = await job.heard
        return _recognition(job, decoded)

    async def aclose(self) -> None:
        """Waits for the batch at hand; fails what waits behind it."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown)

    def _load(self) -> WhisperModel:
        """On the thread: the model, and one decoding that the first person need not wait for."""
        model = WhisperModel(self._folder, threads=self._compute_threads)
        silence = np.zeros(HEARING_RATE, np.int16)
        model.decode([Window(silence)], language="en")
        return model

    def _language(self, tag: str) -> str:
        language = tag.split("-")[0].lower()
        if language not in self._languages:
            known = "English only" if self._languages == {"en"} else f"not '{language}'"
            raise RecognizerError(
                f"{self.name} knows {known}; fetch one for '{language}': a name without '.en' in "
                "`overture models`"
            )
        return language

    def _prompt(self, utterance: Utterance) -> str:
        """What the session says comes last: the decoder heeds the end of its prompt most."""
        both = f"{self._hints[:PROMPT_CHARACTERS]} {utterance.prompt[:PROMPT_CHARACTERS]}"
        # "<|" would begin one of the tokenizer's own signs.
        return both.replace("<|", " ").strip()[-PROMPT_CHARACTERS:]

    async def _serve(self, model: WhisperModel) -> None:
        """Decodes batch after batch until cancelled."""
        loop = asyncio.get_running_loop()
        batch: list[_Job] = []
        try:
            while True:
                while not (batch := self._next_batch()):
                    self._arrived.clear()
                    await self._arrived.wait()
                await self._decode(loop, model, batch)
        finally:
            for job in (*batch, *self._waiting):
                _fail(job, "whisper was closed")
            self._waiting.clear()

    async def _decode(
        self, loop: asyncio.AbstractEventLoop, model: WhisperModel, batch: Sequence[_Job]
    ) -> None:
        heard = [window for job in batch for window in job.windows]
        first = batch[0]
        try:
            decoded = await loop.run_in_executor(
                self._thread,
                lambda: model.decode(heard, language=first.language, prompt=first.prompt),
            )
        except (RuntimeError, ValueError) as error:  # what CTranslate2 and tokenizers raise
            log.warning("whisper_failed", reason=str(error), utterances=len(batch))
            for job in batch:
                _fail(job, f"whisper failed ({error}); please say it again")
            return
        for job in batch:
            count = len(job.windows)
            if not job.heard.done():
                job.heard.set_result(decoded[:count])
            decoded = decoded[count:]

    def _next_batch(self) -> list[_Job]:
        """The one that waits longest, and those that can be decoded with it."""
        most = self._batch or 1
        batch: list[_Job] = []
        left: deque[_Job] = deque()
        count = 0
        for job in self._waiting:
            if job.heard.done():  # given up
                continue
            first = batch[0] if batch else job
            alike = (job.language, job.prompt) == (first.language, first.prompt)
            if alike and (not batch or count + len(job.windows) <= most):
                batch.append(job)
                count += len(job.windows)
            else:
                left.append(job)
        self._waiting = left
        return batch


def _recognition(job: _Job, decoded: Sequence[Decoded]) -> Recognition:
    """The windows' texts that were said; confidence is the mean of theirs."""
    said: list[Decoded] = []
    for window, each in zip(job.windows, decoded, strict=True):
        reason = invented(
            each.text,
            window.seconds,
            prompt=job.prompt,
            no_speech=each.no_speech,
            log_probability=each.log_probability,
        )
        if reason:
            log.debug("whisper_invented", reason=reason, characters=len(each.text))
        else:
            said.append(each)
    if not said:
        return _NOTHING
    return Recognition(
        text=" ".join(each.text for each in said),
        confidence=sum(min(1.0, exp(each.log_probability)) for each in said) / len(said),
    )


def _fail(job: _Job, reason: str) -> None:
    if not job.heard.done():
        job.heard.set_exception(RecognizerError(reason))
