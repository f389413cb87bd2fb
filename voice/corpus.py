"""What people will say to an agent, as sentences the recognizer learns to expect."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from voice.spoken_form import spoken_form

MAX_SENTENCES = 200_000
"""More than this is a mistake of the caller: a model of 30,000 takes a second to build."""

_PLAIN = re.compile(r"[a-z]+(?:'[a-z]+)?(?: [a-z]+(?:'[a-z]+)?)*")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*'?")


def spoken_words(text: str) -> tuple[str, ...]:
    """The words of `text` as they are said: lower case, letters and apostrophes only.

    Numbers, prices and times are written out, accents are dropped ("café" is "cafe"), anything
    else that is not a letter parts two words.
    """
    plain = text.lower()
    if _PLAIN.fullmatch(plain):  # most sampled sentences, ten times faster
        return tuple(plain.split())
    said = " ".join(word.text for word in spoken_form(text))
    plain = unicodedata.normalize("NFKD", said).replace("\u2019", "'").lower()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return tuple(word.rstrip("'") for word in _WORD.findall(plain))


@dataclass(frozen=True, slots=True)
class SpokenCorpus:
    """Sentences to expect, each with how often: weights are counts and may be fractions.

    sentences: (words separated by one space, weight), as `spoken_words` writes them. Build it
        with `from_texts`. Two parts of an agent are balanced against each other by `scaled`.
    """

    sentences: tuple[tuple[str, float], ...] = ()

    @classmethod
    def from_texts(cls, texts: Iterable[tuple[str, float]]) -> "SpokenCorpus":
        """A corpus of any texts; equal sentences are merged, wordless ones are left out.

        Raises ValueError for a weight that is not above zero, or for too many sentences.
        """
        weights: dict[str, float] = {}
        for text, weight in texts:
            if not weight > 0:
                raise ValueError(f"weight {weight} of {text!r} must be above zero")
            sentence = " ".join(spoken_words(text))
            if sentence:
                weights[sentence] = weights.get(sentence, 0.0) + weight
            if len(weights) > MAX_SENTENCES:
                raise ValueError(f"over {MAX_SENTENCES} different sentences; sample fewer of them")
        return cls(tuple(sorted(weights.items())))

    @property
    def weight(self) -> float:
        """The sum of all weights."""
        return sum(weight for _, weight in self.sentences)

    @property
    def vocabulary(self) -> frozenset[str]:
        """Every word that occurs."""
        return frozenset(word for sentence, _ in self.sentences for word in sentence.split())

    @property
    def digest(self) -> str:
        """Names the content: equal corpora have equal digests (hex, 32 digits)."""
        content = "\n".join(f"{sentence}\t{weight!r}" for sentence, weight in self.sentences)
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()

    def scaled(self, weight: float) -> "SpokenCorpus":
        """The same sentences, with weights that sum to `weight`."""
        factor = weight / self.weight if self.sentences else 1.0
        return SpokenCorpus(tuple((text, each * factor) for text, each in self.sentences))

    def __add__(self, other: "SpokenCorpus") -> "SpokenCorpus":
        weights = dict(self.sentences)
        for sentence, weight in other.sentences:
            weights[sentence] = weights.get(sentence, 0.0) + weight
        return SpokenCorpus(tuple(sorted(weights.items())))
