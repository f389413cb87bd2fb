"""The trigram model is a probability distribution that has seen its corpus."""

from collections import defaultdict

import pytest

from voice.corpus import SpokenCorpus
from voice.language_model import arpa

CORPUS = SpokenCorpus.from_texts(
    [("a large latte", 3.0), ("a small latte", 1.0), ("large mocha", 0.5), ("latte", 1.0)]
)


def grams(text: str) -> dict[tuple[str, ...], tuple[float, float]]:
    """Every n-gram of an ARPA text with its probability and back-off weight."""
    found = {}
    order = 0
    for line in text.splitlines():
        if line.endswith("-grams:"):
            order = int(line[1])
        elif order and line and not line.startswith("\\"):
            fields = line.split()
            backoff = float(fields[1 + order]) if len(fields) > 1 + order else 0.0
            found[tuple(fields[1 : 1 + order])] = (10 ** float(fields[0]), 10**backoff)
    return found


def probability(model: dict[tuple[str, ...], tuple[float, float]], gram: tuple[str, ...]) -> float:
    """P(last word | words before it), with back-off as the ARPA format defines it."""
    if gram in model:
        return model[gram][0]
    backoff = model[gram[:-1]][1] if gram[:-1] in model else 1.0
    return backoff * probability(model, gram[1:])


@pytest.mark.parametrize(
    "history", [(), ("<s>",), ("a",), ("latte",), ("a", "large"), ("<s>", "a"), ("mocha", "a")]
)
def test_what_can_follow_any_history_adds_up_to_one(history: tuple[str, ...]) -> None:
    model = grams(arpa(CORPUS))
    words = [*CORPUS.vocabulary, "</s>"]
    assert sum(probability(model, (*history, word)) for word in words) == pytest.approx(1, abs=2e-3)


def test_what_was_said_more_often_is_likelier() -> None:
    model = grams(arpa(CORPUS))
    assert model["<s>", "a", "large"][0] > model["<s>", "a", "small"][0]


def test_what_was_never_said_stays_possible() -> None:
    assert probability(grams(arpa(CORPUS)), ("a", "small", "mocha")) > 0


def test_the_header_counts_what_follows() -> None:
    text = arpa(CORPUS)
    counted: dict[int, int] = defaultdict(int)
    for gram in grams(text):
        counted[len(gram)] += 1
    for order, count in counted.items():
        assert f"ngram {order}={count}" in text.splitlines()
