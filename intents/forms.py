"""A form's turns: filled, read back, corrected, confirmed, cancelled. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from intents.definition import CANCEL, NO, YES, FormDefinition
from intents.meaning import SlotIntent
from intents.spotting import Spot, Wish
from intents.templates import parse_template, render
from intents.understanding import Form

CONFIRM = "confirm"
CHANGE = "change"
"""What a form can await beside the name of a slot."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the agent says, and the form afterwards (None: it is closed)."""

    text: str
    form: Form | None


def slots_after(
    intent: SlotIntent, slots: Mapping[str, str], spots: Sequence[Spot]
) -> dict[str, str]:
    """The slots once `spots` were said, in the definition's order.

    Of two values for one slot in an utterance the first counts, unless the speaker corrects
    himself between them: a second one is more often a slip of the recognizer.
    """
    filled = {name: value for name, value in slots.items() if name in intent.slots}
    said: set[str] = set()
    for spot in spots:
        if spot.corrects:
            said.clear()
        if not spot.offered or spot.slot in said:
            continue
        said.add(spot.slot)
        if _is_wanted(intent, filled.get(spot.slot), spot):
            filled[spot.slot] = spot.value
        elif intent.slots[spot.slot].removable:
            filled.pop(spot.slot, None)
    return {name: filled[name] for name in intent.slots if name in filled}


def _is_wanted(intent: SlotIntent, current: str | None, spot: Spot) -> bool:
    match spot.wish:
        case Wish.HAVE:
            return True
        case Wish.NOT:
            return False
        case Wish.NO:
            # "no, medium" and, where there was cream, "no, soy milk" correct; "no milk" removes.
            return not intent.slots[spot.slot].removable or not _is_kind_of(current, spot.value)


def _is_kind_of(current: str | None, said: str) -> bool:
    """Is "skim milk" a "milk"? Nothing counts as one: "a latte with no sugar"."""
    return current is None or current.endswith(said)


class FormTurns:
    """The turns of one intent's form."""

    def __init__(self, intent: SlotIntent, form: FormDefinition) -> None:
        self._intent = intent
        self._summary = parse_template(form.summary)
        self._texts = {
            name: parse_template(getattr(form, name))
            for name in ("confirm", "done", "cancelled", "change", "not_offered", "one_only")
        }

    def filled(self, form: Form, spots: Sequence[Spot]) -> Step:
        """Values were said: takes them, and asks for what is missing or for a yes."""
        slots = slots_after(self._intent, form.slots, spots)
        vain = [spot.value for spot in spots if not spot.offered and spot.wish is Wish.HAVE]
        notes = [self._said("not_offered", {"value": value}) for value in vain]
        if self._several(spots):
            notes.append(self._said("one_only", slots))
        step = self.asked(replace(form, slots=slots))
        return replace(step, text=" ".join([*notes, step.text]))

    def _several(self, spots: Sequence[Spot]) -> bool:
        """A required value, other words, and another such value: "a latte and a mocha"."""
        wanted = [spot for spot in spots if spot.slot in self._intent.required and spot.offered]
        return any(
            second.value != first.value and second.start > first.end and not second.corrects
            for first, second in pairwise(wanted)
        )

    def asked(self, form: Form) -> Step:
        """Asks for the first required slot that is missing, else for a yes."""
        for name in self._intent.required:
            if name not in form.slots:
                question = self._intent.slots[name].ask
                return Step(question, replace(form, awaiting=name))
        return Step(self._said("confirm", form.slots), replace(form, awaiting=CONFIRM))

    def answered(self, form: Form, control: str) -> Step | None:
        """A plain yes, no or cancel; None if `control` is none of them."""
        if control == CANCEL:
            return Step(self._said("cancelled", form.slots), None)
        if control == YES:
            if form.awaiting == CONFIRM:
                return Step(self._said("done", form.slots), None)
            return self.asked(form)
        if control == NO:
            return self._refused(form)
        return None

    def _refused(self, form: Form) -> Step:
        if form.awaiting == CONFIRM:
            return Step(self._said("change", form.slots), replace(form, awaiting=CHANGE))
        if form.awaiting == CHANGE:  # nothing to change after all
            return self.asked(form)
        return Step(self._said("cancelled", form.slots), None)

    def _said(self, name: str, slots: Mapping[str, str]) -> str:
        summary = render(self._summary, slots)
        return _sentence(render(self._texts[name], {**slots, "summary": summary}))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
