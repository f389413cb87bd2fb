"""One intent of an agent, ready to be found in what people say."""

from collections.abc import Sequence
from dataclasses import dataclass

from intents.definition import IntentDefinition, IntentsFile
from intents.english import COURTESY, dangles, is_question
from intents.spotting import SlotSpotter, Spot
from intents.templates import Template, literal_texts, slot_names
from intents.words import without_repeats, words_of

UNKNOWN_SHARE = 0.25
"""Of the words may be in no template: a slip of the recognizer, not another topic."""
UNKNOWN_SHARE_OPEN = 0.5
"""The same while the intent's form is open, when it is likely meant."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The intent's values in what was said, and the share of words that its templates know."""

    spots: tuple[Spot, ...]
    known_share: float


class SlotIntent:
    """An intent with slots, compiled. Pure once built."""

    def __init__(self, name: str, definition: IntentDefinition, file: IntentsFile) -> None:
        self.name = name
        self.slots = definition.slots
        self.form = definition.form
        self.required = [key for key, slot in definition.slots.items() if slot.required]
        self.spotter = SlotSpotter(definition.slots)
        sentences = file.templates_of(definition.sentences)
        corrections = file.templates_of(definition.form.corrections) if definition.form else []
        self._words = _literal_words(sentences) | COURTESY | {"a", "an"}
        self._words_open = self._words | _literal_words(corrections)
        self._question_leads = _question_leads(sentences)
        self.plain = [template for template in sentences if not slot_names(template)]

    def read(self, words: Sequence[str], *, form_open: bool) -> Reading | None:
        """The values said, or None if the words are about something else.

        words: without fillers. A word said twice is a slip ("a a latte") unless both are needed
        ("a medium medium roast").
        """
        once = without_repeats(words)
        reading = self._reading(once, form_open=form_open)
        if len(once) == len(words):
            return reading
        twice = self._reading(words, form_open=form_open)
        return max(reading, twice, key=_slots_found)

    def _reading(self, words: Sequence[str], *, form_open: bool) -> Reading | None:
        spots = tuple(self.spotter.spot(words))
        if not spots or self._asks(words):
            return None
        known = self._words_open if form_open else self._words
        covered = {at for spot in spots for at in range(spot.start, spot.end)}
        unknown = [
            at
            for at, word in enumerate(words)
            if at not in covered and word not in known and word not in self.spotter.vocabulary
        ]
        share = len(unknown) / len(words)
        if share > (UNKNOWN_SHARE_OPEN if form_open else UNKNOWN_SHARE):
            return None
        # "coffee beans", "latte art": what the value begins is another thing.
        after = {spot.end for spot in spots if spot.slot in self.required}
        compound = any(at in after and not dangles(words[: at + 1]) for at in unknown)
        if compound and not form_open:
            return None
        return Reading(spots, 1 - share)

    def may_begin(self, words: Sequence[str]) -> bool:
        """Are these the first words of the intent, as far as they go?"""
        if self._asks(words):
            return False
        strange = [w for w in words if w not in self._words and w not in self.spotter.vocabulary]
        return len(strange) <= UNKNOWN_SHARE * len(words)

    def _asks(self, words: Sequence[str]) -> bool:
        if tuple(words[:2]) in self._question_leads:
            return False
        return is_question(words)


def _slots_found(reading: Reading | None) -> int:
    return len({spot.slot for spot in reading.spots}) if reading else 0


def _literal_words(templates: Sequence[Template]) -> frozenset[str]:
    texts = (text for template in templates for text in literal_texts(template))
    return frozenset(word for text in texts for word in words_of(text))


def _question_leads(templates: Sequence[Template]) -> frozenset[tuple[str, ...]]:
    """First two words of pieces that begin like a question and yet mean the intent."""
    pieces = (words_of(text) for template in templates for text in literal_texts(template))
    return frozenset(tuple(piece[:2]) for piece in pieces if len(piece) > 1 and is_question(piece))
