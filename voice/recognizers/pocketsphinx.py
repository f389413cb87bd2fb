"""Recognition by pocketsphinx, with a language model made of what people say to this agent."""

import asyncio
import json
import shutil
import tempfile
from importlib.metadata import version
from math import ceil
from pathlib import Path

import pocketsphinx

from voice.audio import HEARING_RATE, Pcm, pcm_to_bytes
from voice.conditioning import conditioned, speech_stretch
from voice.corpus import SpokenCorpus
from voice.language_model import arpa
from voice.pronunciation import Pronunciations, dictionary_text
from voice.recognition import Recognition, RecognizedWord, RecognizerError, Utterance
from voice.recognizers.noise_rejection import were_said
from voice.recognizers.pocketsphinx_worker import DICTIONARY, LANGUAGE_MODEL
from voice.recognizers.worker_pool import WorkerError, WorkerPool

MAX_SECONDS = 60
"""Longest utterance; the floor rules end a turn long before."""

JOB_TIMEOUT = 20
"""Seconds. A minute of speech takes 3 s on a machine that has nothing else to do."""

_MIN_SAMPLES = HEARING_RATE // 10  # a shorter stretch holds no word, and no cepstral mean
_CACHE_FORMAT = 2  # count up when dictionary or language model are made differently
_CACHED_MODELS = 8  # older ones are removed: every change of an agent's words leaves one


class PocketsphinxRecognizer:
    """Small models, decoded in worker processes because pocketsphinx holds the GIL."""

    def __init__(
        self,
        corpus: SpokenCorpus,
        *,
        workers: int = 1,
        cache_dir: Path,
        timeout: float = JOB_TIMEOUT,
    ) -> None:
        """corpus: what to expect, the only words it can hear; cache_dir: for built models.

        timeout: seconds after which an utterance is given up and its worker replaced.
        """
        self._corpus = corpus
        self._workers = workers
        self._cache_dir = cache_dir
        self._timeout = timeout
        self._pool: WorkerPool | None = None

    @property
    def name(self) -> str:
        """What start-up lines and traces call it."""
        return "pocketsphinx"

    @property
    def worker_process_ids(self) -> frozenset[int]:
        """Of the workers that live now."""
        return self._pool.process_ids if self._pool else frozenset()

    async def start(self) -> None:
        """Builds the model unless it is cached, and warms the workers up.

        Raises RecognizerError for an empty corpus, an unwritable cache or workers that fail.
        """
        if not self._corpus.sentences:
            raise RecognizerError("the corpus is empty: give the agent intents or knowledge")
        try:
            folder = await asyncio.to_thread(_model_folder, self._corpus, self._cache_dir)
        except OSError as error:
            raise RecognizerError(
                f"cannot keep the language model in {self._cache_dir}: {error}; make it writable"
            ) from error
        self._pool = WorkerPool(
            "voice.recognizers.pocketsphinx_worker",
            [str(folder), str(2 * ceil(self._timeout))],
            workers=self._workers,
            job_timeout=self._timeout,
        )
        try:
            await self._pool.start()
        except WorkerError as error:
            raise RecognizerError(f"pocketsphinx: {error}") from error

    async def recognize(self, utterance: Utterance) -> Recognition:
        """Words of the utterance, "" for noise.

        Raises RecognizerError when a worker fails, or for more than MAX_SECONDS.
        """
        if self._pool is None:
            raise RecognizerError("the recognizer is not started")
        if len(utterance.samples) > MAX_SECONDS * HEARING_RATE:
            raise RecognizerError(f"an utterance may last {MAX_SECONDS} s; end the turn sooner")
        if len(utterance.samples) < _MIN_SAMPLES:
            return Recognition(text="", confidence=0.0)
        offset, pcm = await asyncio.to_thread(_prepared, utterance.samples)
        try:
            answer = await self._pool.ask(pcm)
        except WorkerError as error:
            raise RecognizerError(f"pocketsphinx: {error}; please say it again") from error
        return _recognition(answer, offset)

    async def aclose(self) -> None:
        """Kills the workers."""
        if self._pool is not None:
            await self._pool.aclose()


def _prepared(samples: Pcm) -> tuple[float, bytes]:
    """Where the decoded stretch begins, in seconds, and its bytes."""
    stretch = speech_stretch(samples)
    return stretch.start / HEARING_RATE, pcm_to_bytes(conditioned(samples[stretch]))


def _recognition(answer: bytes, offset: float) -> Recognition:
    words = tuple(
        RecognizedWord(text, start + offset, end + offset, confidence)
        for text, start, end, confidence in json.loads(answer)["words"]
    )
    if not were_said(words):
        return Recognition(text="", confidence=0.0)
    return Recognition(
        text=" ".join(word.text for word in words),
        words=words,
        confidence=sum(word.confidence for word in words) / len(words),
    )


def _model_folder(corpus: SpokenCorpus, cache_dir: Path) -> Path:
    """The folder with the corpus's dictionary and language model, built if it is not there."""
    engine = version("pocketsphinx")
    folder = cache_dir / f"pocketsphinx-{engine}-{_CACHE_FORMAT}-{corpus.digest}"
    if folder.is_dir():
        folder.touch()
        return folder
    cache_dir.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix="building-", dir=cache_dir))
    pronunciations = Pronunciations(Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")))
    (building / DICTIONARY).write_text(dictionary_text(corpus.vocabulary, pronunciations))
    (building / LANGUAGE_MODEL).write_text(arpa(corpus))
    try:
        building.rename(folder)
    except OSError:  # another process was first
        shutil.rmtree(building)
        if not folder.is_dir():
            raise
    _forget_old_models(cache_dir)
    return folder


def _forget_old_models(cache_dir: Path) -> None:
    folders = sorted(cache_dir.glob("pocketsphinx-*"), key=lambda f: f.stat().st_mtime)
    for folder in folders[:-_CACHED_MODELS]:
        shutil.rmtree(folder, ignore_errors=True)
