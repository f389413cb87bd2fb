"""Words of a recorded order with their times, as near to the truth as can be had offline.

The labels say which slot values were spoken, not the sentence. So each recording is decoded with
a language model of nothing but sentences that hold exactly its values: the recognizer only has to
find their order, the small words and the times. Orders whose values it then misses are rare
(2 of 119) and are kept as heard.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pocketsphinx

from bench.hesitation import Word
from voice.audio import Pcm, pcm_to_bytes
from voice.conditioning import conditioned
from voice.corpus import SpokenCorpus
from voice.language_model import arpa
from voice.pronunciation import Pronunciations, dictionary_text

SENTENCES = 400
"""Sampled for each recording; more did not find more of the labelled values."""

FRAMES_PER_SECOND = 100

BEFORE, AFTER = ("size", "roast", "numberOfShots"), ("milkAmount", "sugarAmount")
"""Slots that are said before the drink, and those after it."""

_OPENINGS = (
    *("i want", "i'd like", "brew", "can i get", "can i have"),
    *("get me", "give me", "make me", "may i have", "can you make me", "i need", ""),
)
_ARTICLES = ("a", "a", "an", "the", "some", "one", "")
_LINKS = ("with", "with", "and", "with a", "and a", "and some", "with some", "")
_ENDINGS = ("", "", "", "please")


def sentences(slots: Mapping[str, str], seed: int = 0) -> list[str]:
    """Ways to order with exactly these values."""
    random = Random(seed)
    return [_sentence(slots, random) for _ in range(SENTENCES)]


def _sentence(slots: Mapping[str, str], random: Random) -> str:
    before = [slots[name] for name in BEFORE if name in slots]
    after = [slots[name] for name in slots if name in AFTER]
    random.shuffle(before)
    if before and random.random() < 0.2:
        after.append(before.pop())
    random.shuffle(after)
    parts = [random.choice(_OPENINGS), random.choice(_ARTICLES), *before, slots["coffeeDrink"]]
    for value in after:
        parts += [random.choice(_LINKS), value]
    return " ".join(" ".join([*parts, random.choice(_ENDINGS)]).split())


class Transcriber:
    """Decodes recordings one after the other; 0.3 s each on one core."""

    def __init__(self) -> None:
        self._model = Path(pocketsphinx.get_model_path("en-us"))
        self._pronunciations = Pronunciations(self._model / "cmudict-en-us.dict")

    def words(self, samples: Pcm, slots: Mapping[str, str]) -> tuple[Word, ...]:
        """The words of an order with those slot values; 16 kHz PCM."""
        corpus = SpokenCorpus.from_texts((text, 1.0) for text in sentences(slots))
        with tempfile.TemporaryDirectory(prefix="overture-bench-") as folder:
            dictionary, model = Path(folder, "words.dict"), Path(folder, "order.lm")
            dictionary.write_text(dictionary_text(corpus.vocabulary, self._pronunciations))
            model.write_text(arpa(corpus))
            decoder = pocketsphinx.Decoder(
                hmm=str(self._model / "en-us"),
                dict=str(dictionary),
                lm=str(model),
                loglevel="FATAL",
            )
        decoder.start_utt()
        decoder.process_raw(pcm_to_bytes(conditioned(samples)), full_utt=True)
        decoder.end_utt()
        return tuple(
            Word(
                segment.word.partition("(")[0],
                segment.start_frame / FRAMES_PER_SECOND,
                (segment.end_frame + 1) / FRAMES_PER_SECOND,
            )
            for segment in decoder.seg()
            if segment.word[0] not in "<["
        )
