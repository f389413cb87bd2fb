"""Were those words said at all? A decoder finds the likeliest words in a cough, too.

The posterior probability of each word among everything the decoder considered tells them apart:
words that were said average 0.8, words found in noises and in talk about other things 0.05 to
0.35, because there many readings are equally poor. A short noise can look certain, so one or two
words must also be said at a pace that people speak at. `bench/hearing.py` measures it.
"""

from collections.abc import Sequence

from voice.recognition import RecognizedWord

FEW_WORDS = 2
LEAST_OF_FEW = 0.65
"""Mean posterior of one or two words. Throat clearing is "are you" with 0.47 to 0.61."""

LEAST = 0.45
"""Mean posterior of more words. The least certain of 50 recorded orders has 0.56; of what flite
said about other things one sentence in three has more."""

PACE = (7.0, 22.0)
"""Letters a second of one or two words: 10 to 19 when they were said, a slam has up to 40."""

SHORTEST = 0.18
"""Seconds of one or two words: a click is shorter, a hasty "no" is not."""


def were_said(words: Sequence[RecognizedWord]) -> bool:
    """Whether people said these words, as their confidence (word posteriors) and pace tell."""
    if not words:
        return False
    certainty = sum(word.confidence for word in words) / len(words)
    if len(words) > FEW_WORDS:
        return certainty >= LEAST
    seconds = sum(word.end - word.start for word in words)
    letters = sum(len(word.text) for word in words)
    return (
        certainty >= LEAST_OF_FEW
        and seconds >= SHORTEST
        and PACE[0] <= letters / seconds <= PACE[1]
    )
