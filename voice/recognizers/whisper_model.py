"""One Whisper model, on the thread of whoever calls: several utterances in one decoding.

By faster-whisper's feature extractor and tokenizer and CTranslate2's `generate`. faster-whisper's
own batches are the parts of one recording; here they are the utterances of different people. No
time stamps, no beams, no second try with chance: an answer is wanted at once, and the same one
each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from voice.audio import HEARING_RATE, Pcm
from voice.recognition import RecognizerError

WINDOW_SECONDS = 30
"""What the model hears at once; shorter is padded, longer is cut."""

MAX_PROMPT_TOKENS = 200
"""Of the 448 that the decoder can hold, half may be prompt."""

TOKENS_A_SECOND, TOKENS_AT_LEAST = 10, 16
"""The decoder stops there: fast English has six a second, a text that runs away never ends."""

FETCH_AGAIN = "fetch it again with `overture models fetch whisper NAME`"

_CUT_WITHIN = 5 * HEARING_RATE
_CUT_STEP = HEARING_RATE // 10


@dataclass(frozen=True, slots=True)
class Window:
    """Up to WINDOW_SECONDS of one person's speech. samples: 16 kHz."""

    samples: Pcm

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / HEARING_RATE


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the model wrote for a window, and what it thinks of it.

    no_speech: probability that nobody spoke. log_probability: mean of the tokens'.
    """

    text: str
    no_speech: float
    log_probability: float


def windows(samples: Pcm) -> list[Window]:
    """The utterance in stretches that the model can hear, cut where it is quietest."""
    longest = WINDOW_SECONDS * HEARING_RATE
    found: list[Window] = []
    while len(samples) > longest:
        tail = samples[longest - _CUT_WITHIN : longest].reshape(-1, _CUT_STEP).astype(np.float32)
        quietest = int(np.argmin(np.square(tail).sum(axis=1)))
        cut = longest - _CUT_WITHIN + quietest * _CUT_STEP + _CUT_STEP // 2
        found.append(Window(samples[:cut]))
        samples = samples[cut:]
    return [*found, Window(samples)]


class WhisperModel:
    """A loaded model. Everything here blocks: call it on a thread."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        """folder: a CTranslate2 Whisper model with its tokenizer.json. threads: that compute.

        Raises RecognizerError when the folder holds no such model.
        """
        # Half a second that only those pay who use it.
        import faster_whisper
        from faster_whisper.tokenizer import Tokenizer

        if not (folder / "tokenizer.json").is_file():
            # Without it faster-whisper would fetch one from the network at this moment.
            raise RecognizerError(f"{folder} has no tokenizer.json; {FETCH_AGAIN}")
        try:
            self._model: Any = faster_whisper.WhisperModel(
                str(folder), device="auto", compute_type="auto", cpu_threads=threads
            )
            self._tokenizer_of = Tokenizer
            self._features = self._model.feature_extractor
        except Exception as error:  # tokenizers raises no narrower one for a broken file
            raise RecognizerError(
                f"{folder} holds no Whisper model that can be loaded ({error}); {FETCH_AGAIN}"
            ) from error

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes that it can be told; only "en" for an English model."""
        return frozenset(self._model.supported_languages)

    @property
    def on_graphics_card(self) -> bool:
        """Whether it computes there: then many windows take hardly longer than one."""
        return bool(self._model.model.device == "cuda")

    def decode(self, heard: Sequence[Window], *, language: str, prompt: str = "") -> list[Decoded]:
        """The text of each window, in order. prompt: words to expect, kept to MAX_PROMPT_TOKENS."""
        tokenizer = self._tokenizer_of(
            self._model.hf_tokenizer,
            self._model.model.is_multilingual,
            task="transcribe",
            language=language,
        )
        before = tokenizer.encode(" " + prompt.strip())[:MAX_PROMPT_TOKENS] if prompt else []
        tokens = self._model.get_prompt(tokenizer, before, without_timestamps=True)
        longest = max(window.seconds for window in heard)
        room = TOKENS_AT_LEAST + ceil(TOKENS_A_SECOND * longest)
        encoded = self._model.encode(np.stack([self._spectrum(window) for window in heard]))
        results = self._model.model.generate(
            encoded,
            [tokens] * len(heard),
            beam_size=1,
            sampling_temperature=0.0,
            max_length=min(self._model.max_length, len(tokens) + room),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [_decoded(tokenizer, result) for result in results]

    def _spectrum(self, window: Window) -> Any:
        """Log-mel features, shape (bands, 3000), float32, as of audio that silence follows."""
        features = self._features(window.samples.astype(np.float32) / 32768)
        # The extractor holds everything at most 8 (in log10 of power) below the loudest, in
        # steps of 4; silence is -10. So the padding need not be computed.
        silence = max((-10.0 + 4.0) / 4.0, float(features.max()) - 8.0 / 4.0)
        whole = np.full((len(features), self._features.nb_max_frames), silence, np.float32)
        frames = min(features.shape[1], whole.shape[1])
        whole[:, :frames] = features[:, :frames]
        return whole


def _decoded(tokenizer: Any, result: Any) -> Decoded:
    tokens = result.sequences_ids[0]
    # CTranslate2 gives the mean over the tokens; the end token counts, too.
    total = result.scores[0] * len(tokens)
    return Decoded(
        text=tokenizer.decode(tokens).strip(),
        no_speech=float(result.no_speech_prob),
        log_probability=float(total / (len(tokens) + 1)),
    )
