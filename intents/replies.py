"""What somebody means who answers a prompt: "not now", "in ten minutes", "stop telling me this".

By grammar alone: whatever is not surely an answer to the prompt is "other", and an ordinary turn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal, TypeAlias

from intents.phrasebook import Phrasebook
from intents.templates import Template, TemplateError, parse_template, references
from intents.when import parse_when
from intents.words import without_fillers, without_repeats, words_of

Kind: TypeAlias = Literal[
    "yes", "no", "not_now", "stop", "enough", "repeat", "why", "expected", "other"
]

MAX_WORDS = 24
"""Of one reply; whoever says more has something else to say."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a prompt.

    kind: "stop" never again, "enough" no more of it now; see the sentences below.
    when_s: of "not_now", how many seconds from now; None if no time was named.
    when: the time in the person's words, "in ten minutes". name, say: of "expected", which one,
    and what is said to it.
    """

    kind: Kind
    when_s: float | None = None
    when: str = ""
    name: str = ""
    say: str = ""


OTHER = Reply("other")

_SENTENCES: Mapping[Kind, Sequence[str]] = {
    "yes": (
        "(yes|yeah|yep|yup|sure|of course|certainly|absolutely|definitely|okay|all right)",
        "[yes] (please|please do|do that|go ahead|sounds good|that would be (great|nice))",
        "yes (I do|I would|I will|that's right)",
        "(I'd love to|why not|I do|I would like that)",
    ),
    "no": (
        "(no|nope|nah|not really|no way|certainly not|of course not)",
        "no (thanks|thank you|I don't|I wouldn't|that's all right|it's fine)",
        "(I don't want (to|that|it)|I'd rather not|don't bother)",
    ),
    "not_now": (
        "[no] (not now|not right now|not yet|not at the moment|not just now)",
        "(later|maybe later|perhaps later|another time|some other time|not now maybe later)",
        "[no] [I'm] [a bit] (busy|in a meeting|on the phone) [right now|at the moment]",
        "(tell|ask|remind) me [about (it|that|this)] [again] later",
        "(come back|try again) later",
        "(it's|this is|that's) [really] (not a|a bad) [good] (time|moment)",
    ),
    "stop": (
        "[please] (stop|quit) (telling|reminding|asking|notifying|bothering) me"
        " [about] [this|that|it|these|those|these things|such things|them]",
        "[please] (don't|do not|never) (tell|remind|ask|notify) me [about]"
        " [this|that|it|these|them] (again|any more|anymore)",
        "[please] (don't|do not) (tell|remind|ask|notify) me (about|of)"
        " (this|that|it|these|them|these things|such things)",
        "[please] stop (these|those|this|the) (messages|reminders|announcements|notifications)",
        "[please] (stop|no more) (these|reminders|announcements|notifications|messages)",
        "I (don't|do not) want [to hear] (this|these|that|those|to hear this|to hear these)"
        " [messages|reminders|announcements] [again|any more|anymore]",
        "(unsubscribe|opt out|opt me out|leave me alone [with (this|that)])",
    ),
    "enough": (
        "[please] (stop|stop it|stop talking|be quiet|quiet|enough|that's enough|shush|shut up)",
        "(never mind|skip it|skip that|I know|I know that|I heard|I heard you|got it)",
    ),
    "repeat": (
        "[please] [can you|could you] (say|tell me|repeat) (that|this|it) [again|once more] please",
        "[please] [can you|could you] (say|tell me|repeat) (that|this|it) [again|once more]",
        "[can you|could you] (repeat|say again|repeat please)",
        "(what|what was that|what did you say|what did you just say|come again|pardon|pardon me)",
        "(sorry|excuse me) (what|what was that|what did you say|say that again|I missed that)",
        "(I didn't|I did not) (hear|catch|get|understand) (that|it|you)",
        "(once more|one more time|again) [please]",
    ),
    "why": (
        "why",
        "why (did|do|are|were|would) you (tell|telling|say|saying|ask|asking) [me] [that|this|it]",
        "why (am I|did I) (hearing|hear|get|getting) (this|that)",
        "(how come|what for|what's (this|that) about|why is that|why's that|what is this about)",
        "(who|what) (told|made) you [to] (that|tell me that|say that|tell me this)",
    ),
}
"""In the notation of intents; courtesy around them is taken off."""

_AROUND_A_TIME = frozenset(
    words_of(
        "no not now yet but maybe perhaps please okay and just right tell ask remind call me "
        "again about it this that come back try later let's do rather better can could you i'm "
        "busy wait give a thanks thank at the moment would be how say until till for sorry well "
        "oh on sounds good "
    )
)
"""With nothing but these around a time, that time is the answer."""


def classify(text: str, expects: Sequence[tuple[str, Sequence[str], str]], now: datetime) -> Reply:
    """What `text` means as an answer to a prompt.

    expects: (name, sentences, say) of the answers that this prompt expects beside the usual ones;
    they come first. now: local, for "at half past four".
    """
    words = without_repeats(without_fillers(words_of(text)))
    if not words or len(words) > MAX_WORDS:
        return OTHER
    own = tuple((name, tuple(sentences)) for name, sentences, _ in expects)
    if (name := _book_of(own).find(words)) is not None:
        return Reply("expected", name=name, say={n: say for n, _, say in expects}[name])
    found = _usual().find(words)
    if found is not None:
        return _USUAL[found]
    when = parse_when(text, now)
    if when is not None:
        around = words_of(text[: when.start] + " " + text[when.end :])
        if _AROUND_A_TIME.issuperset(without_fillers(around)):
            said = text[when.start : when.end].strip(" .,!?")
            return Reply("not_now", when_s=when.delay_s, when=said)
    return OTHER


_USUAL: Mapping[str, Reply] = {kind: Reply(kind) for kind in _SENTENCES}


@lru_cache(maxsize=1)
def _usual() -> Phrasebook:
    return Phrasebook(
        {
            kind: [parse_template(sentence) for sentence in sentences]
            for kind, sentences in _SENTENCES.items()
        }
    )


@lru_cache(maxsize=256)
def _book_of(expects: tuple[tuple[str, tuple[str, ...]], ...]) -> Phrasebook:
    return Phrasebook({name: list(_templates(sentences)) for name, sentences in expects})


def _templates(sentences: Sequence[str]) -> Sequence[Template]:
    """Those that can be read as whole sentences: slots and phrases have no meaning here."""
    templates = []
    for sentence in sentences:
        try:
            template = parse_template(sentence)
        except TemplateError:
            continue  # a direct request's; a rule's are checked when it is loaded
        if not any(True for _ in references(template)):
            templates.append(template)
    return templates
