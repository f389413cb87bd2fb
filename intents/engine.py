"""Understands what people say by an agent's intents, and answers what needs no knowledge."""

from collections.abc import Sequence

from intents.definition import REPEAT, YES, IntentsFile
from intents.english import dangles, ending, is_lone_opener, is_polite_end
from intents.forms import CONFIRM, FormTurns, slots_after
from intents.meaning import SlotIntent
from intents.phrasebook import Phrasebook
from intents.spotting import Spot
from intents.templates import Template, parse_template, render
from intents.understanding import Completeness, Form, Reply, Understanding
from intents.words import FILLERS, without_fillers, without_repeats, words_of

ENOUGH_SLOTS = 3
"""With so many named, one that is often added among them, an order has ended when a pause is longer
than 128 ms; with fewer, people pause for 300 ms and go on (119 recorded orders)."""

MAX_WORDS = 200
"""Of one utterance are read: a minute of talk; a longer text is no spoken turn."""


class IntentEngine:
    """Built once from the agent's intents; every call is pure and takes well under 1 ms."""

    def __init__(self, files: Sequence[IntentsFile]) -> None:
        self._slot_intents: dict[str, SlotIntent] = {}
        self._turns: dict[str, FormTurns] = {}
        self._replies: dict[str, Template] = {}
        sentences: dict[str, Sequence[Template]] = {}
        self._names: set[str] = set()
        for file in files:
            self._names.update(file.intents)
            for name, definition in file.intents.items():
                if definition.reply is not None:
                    self._replies[name] = parse_template(definition.reply)
                if not definition.slots:
                    sentences[name] = file.templates_of(definition.sentences)
                    continue
                intent = SlotIntent(name, definition, file)
                self._slot_intents[name] = intent
                sentences[name] = intent.plain
                if definition.form is not None:
                    self._turns[name] = FormTurns(intent, definition.form)
        self._phrasebook = Phrasebook(sentences)

    @property
    def names(self) -> frozenset[str]:
        """All intents."""
        return frozenset(self._names)

    def ask_again(self, form: Form) -> str:
        """What an open form still wants to know, "" if its intent is no more."""
        turns = self._turns.get(form.intent)
        return turns.asked(form).text if turns is not None else ""

    def is_filled(self, form: Form) -> bool:
        """Whether only a yes is missing."""
        return form.intent in self._turns and form.awaiting == CONFIRM

    def understand(self, text: str, form: Form | None = None) -> Understanding:
        """The intent and its slot values in `text`, read in the light of an open form."""
        understanding, _ = self._read(_heard(text), form)
        return understanding

    def completeness(self, text: str, form: Form | None = None) -> Completeness:
        """Could the speaker stop here?"""
        raw = words_of(text)[-MAX_WORDS:]
        heard = without_fillers(raw)
        words = without_repeats(heard)
        if not words:
            return Completeness.DANGLING if raw else Completeness.UNSURE
        if raw[-1] in FILLERS:
            return Completeness.DANGLING
        meaning = self._phrasebook.find(words)
        if meaning is not None:
            return self._after_phrase(words, meaning)
        intent = self._intent_begun(words, form)
        if intent is not None and intent.spotter.ends_inside_value(words):
            return Completeness.DANGLING
        understanding, spots = self._read(heard, form)
        if understanding.intent in self._slot_intents and spots and not dangles(words):
            return self._after_values(self._slot_intents[understanding.intent], words, form, spots)
        judged = ending(words)
        # English alone says that it may stand here, not that hardly anybody goes on.
        return Completeness.LIKELY if judged is Completeness.COMPLETE else judged

    def respond(self, text: str, form: Form | None = None) -> Reply:
        """What to say, and the form afterwards; nothing else happens.

        An empty text leaves the turn to knowledge; an open form then stays as it is.
        """
        understanding, spots = self._read(_heard(text), form)
        name = understanding.intent
        if name is None:
            return Reply(understanding, form=form)
        if name == REPEAT:
            return Reply(understanding, form=form, repeat=True)
        if name in self._turns:
            open_form = form if form is not None and form.intent == name else Form(name)
            step = self._turns[name].filled(open_form, spots)
            return Reply(understanding, step.text, step.form)
        if form is not None and form.intent in self._turns:
            answered = self._turns[form.intent].answered(form, name)
            if answered is not None:
                confirmed = name == YES and form.awaiting == CONFIRM
                done = Understanding(form.intent, form.slots, 1.0) if confirmed else None
                return Reply(understanding, answered.text, answered.form, done=done)
        reply = self._replies.get(name)
        said = render(reply, understanding.slots) if reply else ""
        intent = self._slot_intents.get(name)
        complete = intent is None or understanding.slots.keys() >= set(intent.required)
        return Reply(understanding, said, form, done=understanding if complete else None)

    def _read(
        self, words: Sequence[str], form: Form | None
    ) -> tuple[Understanding, tuple[Spot, ...]]:
        best: tuple[Understanding, tuple[Spot, ...]] = (Understanding(None), ())
        for intent in self._slot_intents.values():
            is_open = form is not None and form.intent == intent.name
            reading = intent.read(words, form_open=is_open)
            if reading is not None and reading.known_share > best[0].confidence:
                slots = slots_after(intent, {}, reading.spots)
                best = (Understanding(intent.name, slots, reading.known_share), reading.spots)
        if best[0].intent is not None:
            return best
        phrase = self._phrasebook.find(without_repeats(words))
        return (Understanding(phrase, {}, 1.0), ()) if phrase else best

    def _intent_begun(self, words: Sequence[str], form: Form | None) -> SlotIntent | None:
        """The intent with slots that is open, or whose words these are so far."""
        for intent in self._slot_intents.values():
            if form is not None and form.intent == intent.name:
                return intent
            if intent.may_begin(words):
                return intent
        return None

    def _after_phrase(self, words: Sequence[str], meaning: str) -> Completeness:
        """ "Hello" and "I'd like to order" begin as many utterances as they end."""
        goes_on = is_lone_opener(words) or meaning in self._slot_intents
        return Completeness.UNSURE if goes_on else Completeness.COMPLETE

    def _after_values(
        self, intent: SlotIntent, words: Sequence[str], form: Form | None, spots: Sequence[Spot]
    ) -> Completeness:
        said = {spot.slot for spot in spots}
        known = said.union(form.slots if form is not None and form.intent == intent.name else ())
        if not known.issuperset(intent.required):
            return Completeness.DANGLING
        if intent.spotter.may_go_on(words):
            return Completeness.UNSURE
        if not said.intersection(intent.required) or is_polite_end(words):
            return Completeness.COMPLETE
        often = intent.form.often_added if intent.form else ()
        if not often or often[-1] in said:
            return Completeness.COMPLETE
        likely = said.intersection(often) and len(said) >= ENOUGH_SLOTS
        return Completeness.LIKELY if likely else Completeness.UNSURE


def _heard(text: str) -> list[str]:
    return without_fillers(words_of(text)[:MAX_WORDS])
