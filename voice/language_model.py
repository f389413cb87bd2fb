"""A trigram language model from a corpus, in the ARPA format.

Interpolated Witten-Bell smoothing (Bell, Cleary, Witten 1990): a history that was followed by
many different words trusts its own counts less. On the recorded orders it is better than the
fixed discount of `pocketsphinx.lm`: 0.941 to 0.924 accepted with a corpus of orders alone.
"""

from collections import defaultdict
from collections.abc import Iterator
from math import log10

from voice.corpus import SpokenCorpus

_START, _END = "<s>", "</s>"
_NEVER = -99.0  # ARPA's logarithm of zero: <s> is never predicted

_UNIFORM_SHARE = 0.02
"""Share of the unigrams spread evenly, so that a rare word of the agent can be heard at all."""

_NOVELTY = 0.3
"""Witten-Bell counts each different follower once as "something new". These sentences are drawn
from templates, which show all that can follow, so a part of that is enough."""

_Gram = tuple[str, ...]


def arpa(corpus: SpokenCorpus) -> str:
    """The text of an ARPA file with every 1-, 2- and 3-gram of the corpus and sentence marks."""
    counts = _counts(corpus)
    followers = [_followers(counts[order]) for order in range(3)]
    unigrams = _unigram_probabilities(counts[0])
    bigrams, shares1 = _interpolate(counts[1], followers[1], unigrams)
    trigrams, shares2 = _interpolate(counts[2], followers[2], bigrams)
    sections = (unigrams, bigrams, trigrams)
    lines = ["\\data\\", *(f"ngram {n}={len(s)}" for n, s in enumerate(sections, 1)), ""]
    for order, (section, backoff) in enumerate(
        zip(sections, (shares1, shares2, None), strict=True)
    ):
        lines += [f"\\{order + 1}-grams:", *_lines(section, backoff), ""]
    return "\n".join([*lines, "\\end\\", ""])


def _counts(corpus: SpokenCorpus) -> tuple[dict[_Gram, float], ...]:
    counts: tuple[dict[_Gram, float], ...] = tuple(defaultdict(float) for _ in range(3))
    for sentence, weight in corpus.sentences:
        words = (_START, *sentence.split(), _END)
        for order in range(3):
            for at in range(len(words) - order):
                counts[order][words[at : at + order + 1]] += weight
    return counts


def _followers(counts: dict[_Gram, float]) -> dict[_Gram, list[_Gram]]:
    followers: dict[_Gram, list[_Gram]] = defaultdict(list)
    for gram in counts:
        followers[gram[:-1]].append(gram)
    return followers


def _unigram_probabilities(counts: dict[_Gram, float]) -> dict[_Gram, float]:
    said = {gram: count for gram, count in counts.items() if gram != (_START,)}
    total = sum(said.values())
    even = _UNIFORM_SHARE / len(said)
    return {(_START,): 0.0} | {
        gram: (1 - _UNIFORM_SHARE) * count / total + even for gram, count in said.items()
    }


def _interpolate(
    counts: dict[_Gram, float],
    followers: dict[_Gram, list[_Gram]],
    lower: dict[_Gram, float],
) -> tuple[dict[_Gram, float], dict[_Gram, float]]:
    """Probabilities of the grams, and the share each history leaves to the lower order."""
    probabilities, shares = {}, {}
    for history, grams in followers.items():
        total = sum(counts[gram] for gram in grams)
        novelty = _NOVELTY * len(grams)
        share = shares[history] = novelty / (novelty + total)
        for gram in grams:
            probabilities[gram] = (1 - share) * counts[gram] / total + share * lower[gram[1:]]
    return probabilities, shares


def _lines(section: dict[_Gram, float], backoff: dict[_Gram, float] | None) -> Iterator[str]:
    for gram in sorted(section):
        probability = log10(section[gram]) if section[gram] > 0 else _NEVER
        line = f"{probability:.4f} {' '.join(gram)}"
        yield line if backoff is None else f"{line} {log10(backoff.get(gram, 1.0)):.4f}"
