"""What a text means: plain values that the mind works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from conversation.completeness import Completeness

__all__ = ["Completeness", "Form", "Reply", "Understanding"]


@dataclass(frozen=True, slots=True)
class Form:
    """An intent that is being filled over several turns; immutable, JSON-able.

    intent: its name; slots: name to value, as spoken.
    awaiting: what the last reply asked for ("confirm", a slot's name, or "" for nothing).
    """

    intent: str
    slots: Mapping[str, str] = field(default_factory=dict)
    awaiting: str = ""


@dataclass(frozen=True, slots=True)
class Understanding:
    """The meaning found in one utterance. intent is None when nothing matched."""

    intent: str | None
    slots: Mapping[str, str] = field(default_factory=dict)
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, and the form as it stands afterwards (None: no form is open).

    text: one or more sentences; "" when the intent has nothing to say here, and the turn goes on
        to knowledge.
    repeat: say the previous answer again instead.
    done: the intent that is complete with this turn, with all its slots: what a function of its
        name is to be called for. A form's is complete once it was confirmed.
    """

    understanding: Understanding
    text: str = ""
    form: Form | None = None
    repeat: bool = False
    done: Understanding | None = None
