"""Could an English speaker stop here? Judged by how an utterance begins and ends.

Closed word classes only: no grammar of English is attempted. What no rule knows is UNSURE.
"""

from collections.abc import Callable, Sequence

from intents.understanding import Completeness

Rule = Callable[[Sequence[str]], Completeness | None]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


WH = _set("what when where which who whose why how what's where's when's who's how's")
DO = _set("do does did can could will would should may must don't doesn't didn't can't won't")
_TELLING = _set("tell explain describe know wonder wondering")
_ASKING_DO = _set("do does did don't doesn't didn't")
BE = _set("is are was were am isn't aren't")
PERFECT = _set("have has had haven't hasn't")
AUXILIARIES = DO | BE | PERFECT | _set("be been being might shall")
COURTESY = _set("please thanks thank you")

_DETERMINERS = _set("a an the my your our their his her its some any every each another whose no")
_CONJUNCTIONS = _set("and or but because if so than while as since unless plus nor either whether")
_PREPOSITIONS = _set(
    "with without of for to from at in on by about into between during after before until till "
    "like around near per onto through via except"
)
_CONTRACTIONS = _set(
    "i'd i'll i'm i've you're you'd you'll we'd we'll we're we've they're it's that's there's "
    "what's where's who's when's how's let's he's she's it'll don't doesn't isn't aren't can't "
    "didn't won't couldn't wouldn't"
)
_DEGREES = _set("very really quite just also not how rather maybe perhaps extra kind sort actually")
_SUBJECTS = _set("i he she we they")
_OBJECTLESS = _set(
    "have get want like need sell make serve offer accept give add bring use tell buy take show "
    "recommend order brew love prefer put contain cost include know"
)
"""Verbs that need an object, unless the question began with it ("what do you have")."""
_INTRANSITIVE = _set("know order cost recommend")
"""Of these, the ones that can also stand alone: no evidence either way."""
_GIVERS = _set("give get make show tell brew bring let")
_PARTICLE_VERBS = _set("come sit log eat dine go drop drink sign walk stay hand check")
_STRANDING = _set(
    "come comes coming made look looks talking speaking looking grown sourced it that go goes "
    "you this them imported is deliver delivered"
)
_LONE_OPENERS = _set(
    "hi hello hey no nope sorry okay well so actually wait right good morning afternoon evening "
    "oh there excuse me all great alright nah now then look listen hang on one moment"
)
_DAYS = _set(
    "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays "
    "thursdays fridays saturdays sundays today tomorrow tonight weekends holidays weekend"
)
_IMPERATIVES = _set("tell explain show describe help repeat say stop cancel place go list read")


def ending(words: Sequence[str]) -> Completeness:
    """How complete `words` are (as words.py gives them) by English alone."""
    if not words:
        return Completeness.UNSURE
    for rule in _RULES:
        verdict = rule(words)
        if verdict is not None:
            return verdict
    return Completeness.UNSURE


def dangles(words: Sequence[str]) -> bool:
    """Does the last word need another after it, whatever came before?"""
    return words[-1] in _NEEDS_MORE


def is_lone_opener(words: Sequence[str]) -> bool:
    """Only words that people begin with: "hello", "no", "okay so"."""
    return all(word in _LONE_OPENERS for word in words)


def is_polite_end(words: Sequence[str]) -> bool:
    """Does it end with please or thanks?"""
    return words[-1] in ("please", "thanks") or tuple(words[-2:]) == ("thank", "you")


def is_question(words: Sequence[str]) -> bool:
    """Does it begin as a question does? "can I", "could you" are left out: they also order."""
    lead = _without_openers(words)
    if not lead:
        return False
    if lead[0] in PERFECT:  # "have you soy milk"; but "have a latte" is an order cut in front
        return len(lead) > 1 and lead[1] in _SUBJECTS | {"you", "it"}
    if lead[0] in WH | BE | _ASKING_DO:
        return True
    # "tell me about the mocha" · "can you tell me how much a mocha is"
    return lead[0] in _TELLING or any(word in _TELLING | WH for word in lead[1:5])


_NEEDS_MORE = (
    _DETERMINERS | _CONJUNCTIONS | _PREPOSITIONS | _CONTRACTIONS | _DEGREES | _SUBJECTS
    | AUXILIARIES
)  # fmt: skip


def _without_openers(words: Sequence[str]) -> Sequence[str]:
    at = 0
    while at < len(words) - 1 and words[at] in _LONE_OPENERS | {"and", "but", "um", "please"}:
        at += 1
    return words[at:]


def _short_answer(words: Sequence[str]) -> Completeness | None:
    """yes I do · no it isn't"""
    answers = words[0] in ("yes", "yeah", "no") and len(words) == 3
    return Completeness.COMPLETE if answers and words[2] in AUXILIARIES else None


def _courtesy_at_the_end(words: Sequence[str]) -> Completeness | None:
    """a latte please; but: could you please"""
    if not is_polite_end(words):
        return None
    begun = words[-1] == "please" and len(words) > 1 and words[-2] in _SUBJECTS | {"you"}
    return Completeness.DANGLING if begun else Completeness.COMPLETE


def _opener_alone(words: Sequence[str]) -> Completeness | None:
    if not is_lone_opener(words):
        return None
    waits = words[-1] in ("so", "actually", "wait", "well", "on", "moment", "look", "listen")
    return Completeness.DANGLING if waits else Completeness.UNSURE


def _stranded_preposition(words: Sequence[str]) -> Completeness | None:
    """where do the beans come from · can my dog come in · what is it for"""
    if words[-1] not in _PREPOSITIONS or len(words) < 3:
        return None
    lead = _without_openers(words)[0]
    if words[-1] in ("in", "on", "by", "for") and words[-2] in _PARTICLE_VERBS:
        return Completeness.COMPLETE
    asks = lead in ("what", "where", "who", "which", "what's", "who's")
    if asks and words[-2] in _STRANDING and words[1] != "time":
        return Completeness.COMPLETE
    return None


def _needs_more(words: Sequence[str]) -> Completeness | None:
    return Completeness.DANGLING if dangles(words) else None


def _verb_without_object(words: Sequence[str]) -> Completeness | None:
    """do you have · I want · give me; but: what do you have"""
    last_two = tuple(words[-2:])
    if len(words) > 1 and words[-1] in ("me", "us") and words[-2] in _GIVERS:
        return Completeness.DANGLING
    if last_two in {("make", "it"), ("make", "that"), ("change", "it"), ("change", "that")}:
        return Completeness.DANGLING
    if words[-1] not in _OBJECTLESS:
        return None
    lead = _without_openers(words)
    begins_with_object = lead[0] in ("what", "which", "whose", "who", "whatever") or (
        lead[0] == "how" and len(lead) > 1 and lead[1] in ("much", "many")
    )
    if begins_with_object and _has_auxiliary(lead[:-1]):
        return Completeness.COMPLETE
    return Completeness.UNSURE if words[-1] in _INTRANSITIVE else Completeness.DANGLING


def _auxiliary_and_pronoun(words: Sequence[str]) -> Completeness | None:
    """when do you · is it · are there; but: how are you · how much is it · where are you"""
    if len(words) < 2 or words[-1] not in _set("you it that this there these those"):
        return None
    if words[-2] not in DO | BE | PERFECT:
        return None
    lead = _without_openers(words)
    stands = words[-2] in BE and (
        lead[0] in ("what", "where", "who", "which")
        or (lead[0] == "how" and (words[-1] != "you" or len(lead) == 3))
    )
    if tuple(lead[:2]) == ("what", "time") and words[-1] == "you":
        stands = False
    return Completeness.COMPLETE if stands else Completeness.DANGLING


def _question_without_verb(words: Sequence[str]) -> Completeness | None:
    """what time · how much · which milk"""
    lead = _without_openers(words)
    if lead[0] not in WH or "'" in lead[0] or _has_auxiliary(lead):
        return None
    if len(lead) == 1:
        return Completeness.UNSURE
    if lead[1] == "about" and len(lead) > 2:
        return Completeness.COMPLETE
    if len(lead) > 3 or (lead[0] == "who" and len(lead) > 2):
        return Completeness.UNSURE
    return Completeness.DANGLING


def _question_without_predicate(words: Sequence[str]) -> Completeness | None:
    """when does the café · is the wifi · can my dog"""
    lead = _without_openers(words)
    at = next((i for i, word in enumerate(lead) if word in DO | BE | PERFECT), None)
    if at is None or (at > 0 and lead[0] not in WH):
        return None
    after = [word for word in lead[at + 1 :] if word not in _DETERMINERS]
    asks_for_subject = at > 0 and lead[at] in BE and lead[0] not in ("when", "why")
    if asks_for_subject:
        return None
    return Completeness.DANGLING if len(after) < 2 else None


def _whole_question(words: Sequence[str]) -> Completeness | None:
    lead = _without_openers(words)
    asks = (lead[0] in WH or lead[0] in DO | BE | PERFECT) and len(lead) > 2
    contracted = lead[0] in WH and "'" in lead[0] and len(lead) > 1
    return Completeness.COMPLETE if asks or contracted else None


def _request(words: Sequence[str]) -> Completeness | None:
    """tell me about your beans"""
    asks = words[0] in _IMPERATIVES and len(words) > 2
    return Completeness.COMPLETE if asks else None


def _follow_up(words: Sequence[str]) -> Completeness | None:
    """and on Saturday"""
    asks = words[0] in ("and", "on") and words[-1] in _DAYS
    return Completeness.COMPLETE if asks else None


def _has_auxiliary(words: Sequence[str]) -> bool:
    return any(word in AUXILIARIES or "'" in word for word in words)


_RULES: tuple[Rule, ...] = (
    _short_answer,
    _courtesy_at_the_end,
    _opener_alone,
    _stranded_preposition,
    _auxiliary_and_pronoun,
    _verb_without_object,
    _needs_more,
    _question_without_verb,
    _question_without_predicate,
    _whole_question,
    _request,
    _follow_up,
)
"""The first that has a verdict decides: exceptions stand before what they except from."""
