"""A synthesizer without an engine: one tone for each word, exact marks, no cost to speak of.

For tests, and for benchmarks on a machine without flite.
"""

from collections.abc import AsyncGenerator

import numpy as np

from voice.audio import SPEAKING_RATE, Pcm
from voice.spoken_form import SpokenWord, spoken_form
from voice.synthesis import Mark, SpeechChunk, SynthesizerError, Voice

WORD_S = 0.25
"""Length of a word's tone and the pause after it: 240 words a minute."""

_PAUSE_S = 0.03
_LOUDNESS = 0.4
_LOWEST_HZ, _TONES, _STEP_HZ = 220, 12, 40


class ScriptedSynthesizer:
    """The same text always gives the same samples."""

    def __init__(self) -> None:
        self._closed = False

    @property
    def name(self) -> str:
        """See the port."""
        return "scripted"

    @property
    def voices(self) -> frozenset[str]:
        """See the port."""
        return frozenset()

    async def start(self) -> None:
        """Nothing to load."""

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[SpeechChunk, None]:
        """See the port: one chunk a word. Any voice name is taken."""
        if self._closed:
            raise SynthesizerError("scripted is closed; start a new one")
        words = spoken_form(text)
        sample = 0
        for number, word in enumerate(words, start=1):
            last = number == len(words)
            tone = _tone(word, voice.speed, pause=not last)
            sample += len(tone)
            if last:
                yield SpeechChunk(tone, (Mark(len(text), sample),))
            elif words[number].end > word.end:
                yield SpeechChunk(tone, (Mark(word.end, sample),))
            else:  # the next word belongs to the same number
                yield SpeechChunk(tone)

    async def aclose(self) -> None:
        """Nothing to stop."""
        self._closed = True


def _tone(word: SpokenWord, speed: float, *, pause: bool) -> Pcm:
    """A tone whose pitch depends on the word's letters only."""
    total = round(WORD_S / speed * SPEAKING_RATE)
    silent = round(_PAUSE_S / speed * SPEAKING_RATE) if pause else 0
    pitch = _LOWEST_HZ + _STEP_HZ * (sum(map(ord, word.text)) % _TONES)
    time = np.arange(total - silent) / SPEAKING_RATE
    tone = np.sin(2 * np.pi * pitch * time) * (_LOUDNESS * np.iinfo(np.int16).max)
    return np.concatenate((tone, np.zeros(silent))).astype(np.int16)
