"""Words in, sentences out: control phrase, open form, intent, then knowledge (DESIGN §1).

Working an answer out changes nothing. Only `Mind.keep` does, once the turn has really ended.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from conversation import Completeness
from intents.engine import IntentEngine
from intents.understanding import Form, Understanding
from knowledge.passages import Answerer, AnswererError, AnswerSentence, Message, Question
from sessions.context import Role
from voice.sentences import split_sentences

SENTENCE_TIMEOUT = 10.0
"""Seconds an answerer may take for its next sentence before it counts as hung."""
HISTORY_ITEMS = 12
"""Earlier messages handed to the answerer: what a person still has in mind."""

CANNOT_HEAR = "I'm sorry, my hearing failed me just now. Could you say that again?"
CANNOT_ANSWER = "I'm sorry, I can't look that up right now. Please try again in a moment."
NOTHING_TO_REPEAT = "I haven't said anything yet."

_FLOOR_WORDS = frozenset(
    {"stop", "wait", "no", "hold", "hang", "excuse", "sorry", "enough", "never", "tell"}
    | {"actually", "but", "hey", "hello", "listen", "can", "could", "do", "does", "is"}
    | {"what", "when", "where", "who", "why", "how", "which"}
)
"""How people begin when they cut in; what a recognizer makes of a cough or a door does not."""
ENOUGH_WORDS = 3
"""So many words in a row are no cough, whatever they mean."""


@dataclass(slots=True)
class Thinking:
    """An answer being worked out. known: every sentence at once, None if they are to come."""

    text: str
    understanding: Understanding
    form: Form | None
    known: tuple[AnswerSentence, ...] | None
    said: list[AnswerSentence] = field(default_factory=list)


class Mind:
    """One session's: it remembers the open form."""

    def __init__(
        self, intents: IntentEngine, answerer: Answerer, log: structlog.stdlib.BoundLogger
    ) -> None:
        self._log = log
        self._intents = intents
        self._answerer = answerer
        self.form: Form | None = None
        self.understanding = Understanding(None)

    def completeness(self, text: str) -> Completeness:
        """Could the speaker stop here?"""
        return self._intents.completeness(text, self.form)

    def wants_the_floor(self, text: str) -> bool:
        """Whether words said over the agent are meant to stop it.

        "Mm-hm" and "right" are not, nor are the few meaningless words that noise is heard as.
        """
        words = text.split()
        if len(words) >= ENOUGH_WORDS or (words and words[0] in _FLOOR_WORDS):
            return True
        return self._intents.understand(text, self.form).intent is not None

    def consider(self, text: str, last_answer: str) -> Thinking:
        """What the words mean, at once; the sentences too when no knowledge is needed."""
        reply = self._intents.respond(text, self.form)
        known: tuple[AnswerSentence, ...] | None = None
        if reply.repeat:
            known = _sentences(last_answer or NOTHING_TO_REPEAT)
        elif reply.text:
            known = _sentences(reply.text)
        return Thinking(text, reply.understanding, reply.form, known)

    async def sentences(
        self, thinking: Thinking, history: tuple[tuple[Role, str], ...], instructions: str
    ) -> AsyncIterator[AnswerSentence]:
        """The answer, sentence by sentence. An engine that fails is owned up to, not raised."""
        earlier = tuple(Message(role, said) for role, said in history[-HISTORY_ITEMS:])
        answer = aiter(self._answerer.answer(Question(thinking.text, earlier, instructions)))
        try:
            while True:
                async with asyncio.timeout(SENTENCE_TIMEOUT):
                    sentence = await anext(answer, None)
                if sentence is None:
                    break
                if not isinstance(sentence, AnswerSentence):
                    continue  # no tools were offered, and nobody counts tokens yet
                thinking.said.append(sentence)
                yield sentence
        except (AnswererError, TimeoutError) as error:
            self._log.warning("answer_failed", reason=str(error) or "no sentence in time")
            yield AnswerSentence(CANNOT_ANSWER, known=False)
            return
        if not thinking.said:
            self._log.warning("answer_failed", reason="the answerer said nothing")
            yield AnswerSentence(CANNOT_ANSWER, known=False)

    def keep(self, thinking: Thinking) -> None:
        """The turn has ended: what it meant counts from now on."""
        self.form = thinking.form
        self.understanding = thinking.understanding


def _sentences(text: str) -> tuple[AnswerSentence, ...]:
    return tuple(AnswerSentence(sentence) for sentence in split_sentences(text))


def form_to_json(form: Form | None) -> dict[str, Any] | None:
    """How an open form is stored."""
    if form is None:
        return None
    return {"intent": form.intent, "slots": dict(form.slots), "awaiting": form.awaiting}


def form_from_json(stored: Mapping[str, Any] | None) -> Form | None:
    """An open form as it was stored; None if there was none."""
    if stored is None:
        return None
    return Form(stored["intent"], dict(stored["slots"]), stored.get("awaiting", ""))
