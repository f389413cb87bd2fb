"""A prompt with a goal, in the answerer's own words; in its own where those do not come in time."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from knowledge.passages import (
    Answerer,
    AnswererError,
    AnswerSentence,
    Exchange,
    Message,
    Question,
)
from live.missed import in_case_missed
from live.prompts_port import ToSay
from voice.sentences import split_sentences

PHRASE_S = 4.0
"""Seconds that an answerer has; a person who is told late is told all the same."""
MOST = 3
"""Sentences that are said of it."""
ASK = (
    "The user has not asked anything now. Tell them the following of your own accord, in one or "
    "two short spoken sentences, and nothing else: {goal}\nIn plain words it would be: {text}"
)


async def phrased(
    answerer: Answerer,
    to_say: ToSay,
    history: Sequence[Exchange],
    instructions: str,
    log: structlog.stdlib.BoundLogger,
) -> ToSay:
    """The same prompt, its sentences made by the answerer, if they come in time.

    history: what was said before, oldest first.
    """
    outreach = to_say.outreach
    ask = Message("system", ASK.format(goal=outreach.goal, text=outreach.text))
    # Without a question of the user's, so that nothing but a model answers (knowledge/fallback.py).
    question = Question("", (*history, ask), instructions, tool_choice="none")
    sentences: list[str] = []
    try:
        async with asyncio.timeout(PHRASE_S):
            async for part in answerer.answer(question):
                if isinstance(part, AnswerSentence) and part.known:
                    sentences += split_sentences(part.text)
    except (AnswererError, TimeoutError) as error:
        log.info("prompt_not_phrased", outreach=outreach.id, reason=str(error) or "too slow")
        return to_say
    if not sentences:
        return to_say
    if to_say.again:
        sentences[0] = in_case_missed(sentences[0])
    return replace(to_say, sentences=tuple(sentences[:MOST]))
