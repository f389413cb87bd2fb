"""The synthesizer port: a sentence in, audio with word positions out."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from voice.audio import Pcm


class SynthesizerError(Exception):
    """The engine failed on this sentence. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`text[:char]` of the sentence has been said when sample `sample` has been played.

    char: index into the sentence as it was given (before numbers are written out).
    sample: 24 kHz samples from the sentence's first sample.
    """

    char: int
    sample: int


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """Part of a sentence's audio, 24 kHz mono PCM, with the marks that end inside it."""

    samples: Pcm
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Voice:
    """How to speak. name: the engine's voice, "" for its default; speed: 1.0 is normal."""

    name: str = ""
    speed: float = 1.0


class Synthesizer(Protocol):
    """Speaks one sentence at a time, never on the event loop; safe for many sessions at once."""

    @property
    def name(self) -> str:
        """What start-up lines and traces call it."""
        ...

    @property
    def voices(self) -> frozenset[str]:
        """Names that `Voice.name` may have; empty where the engine takes any."""
        ...

    async def start(self) -> None:
        """Loads what the engine needs; raises SynthesizerError saying what is missing."""
        ...

    def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        """Audio of one sentence, chunk by chunk as it is ready.

        Marks rise strictly and the last one is (len(text), all samples). No leading or trailing
        silence over 20 ms. Text without anything speakable yields nothing. Raises
        SynthesizerError when the engine fails. Closing it (`aclose`, contextlib.aclosing)
        gives up the work.
        """
        ...

    async def aclose(self) -> None:
        """Stops workers; afterwards `synthesize` raises SynthesizerError."""
        ...
