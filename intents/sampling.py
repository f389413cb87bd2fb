"""Sentences that a person could say to the agent, for a recognizer to learn its words from."""

import random
from collections.abc import Sequence

from intents.definition import IntentDefinition, IntentsFile
from intents.templates import Template, sample, slot_names, tidy

SLOT_SHARE = 0.95
"""Of all sentences go to intents with slots: those vary, and small talk is soon said."""
CORRECTION_SHARE = 0.05
"""Of an intent's sentences are corrections of its open form."""
ALIAS_SHARE = 0.01
"""Of values said in other words; every alias of a slot is equally likely."""
NOT_OFFERED_SHARE = 0.005
"""Of values asked for in vain: the recognizer must know the words to say so."""


def spoken_sentences(
    files: Sequence[IntentsFile], count: int, seed: int = 0
) -> list[tuple[str, float]]:
    """At most `count` sentences with how often each is said, weights adding up to about `count`.

    Deterministic for a seed. Sentences are as the templates write them, without punctuation.
    """
    rng = random.Random(seed)
    drawn: dict[str, float] = {}
    intents = [(file, intent) for file in files for intent in file.intents.values()]
    for with_slots in (True, False):
        group = [(file, intent) for file, intent in intents if bool(intent.slots) == with_slots]
        share = SLOT_SHARE if with_slots else 1 - SLOT_SHARE
        for file, intent in group:
            for sentence in _draw(file, intent, max(1, int(count * share / len(group))), rng):
                drawn[sentence] = drawn.get(sentence, 0.0) + 1.0
    return list(drawn.items())


def _draw(file: IntentsFile, intent: IntentDefinition, count: int, rng: random.Random) -> list[str]:
    sentences = file.templates_of(intent.sentences)
    corrections = file.templates_of(intent.form.corrections) if intent.form else []
    corrected = int(count * CORRECTION_SHARE) if corrections else 0
    templates = rng.choices(sentences, [_ways(t) for t in sentences], k=count - corrected)
    if corrected:
        templates += rng.choices(corrections, [_ways(t) for t in corrections], k=corrected)
    drawn = (_one(template, intent, rng) for template in templates)
    return [sentence for sentence in drawn if sentence]


def _ways(template: Template) -> int:
    """How often to draw a template: the more slots it names, the more ways there are to say it.

    The square keeps a sentence without slots rare beside a whole order, as it is in talk.
    """
    return (1 + len(set(slot_names(template)))) ** 2


def _one(template: Template, intent: IntentDefinition, rng: random.Random) -> str:
    return tidy(sample(template, lambda name: _value(intent, name, rng), rng))


def _value(intent: IntentDefinition, name: str, rng: random.Random) -> str:
    slot = intent.slots[name]
    kind = rng.random()
    if slot.aliases and kind < ALIAS_SHARE:
        return rng.choice(list(slot.aliases))
    if slot.not_offered and kind > 1 - NOT_OFFERED_SHARE:
        return rng.choice(slot.not_offered)
    return rng.choice(slot.values)
