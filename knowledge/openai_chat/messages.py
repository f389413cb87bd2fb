"""What a language model is told: how to speak, what the documents say, and what was said so far."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from knowledge.asking import MAX_QUESTION_CHARS
from knowledge.passages import (
    Exchange,
    FunctionCall,
    FunctionOutput,
    Message,
    Passage,
    Question,
    Tool,
)

MAX_MESSAGE_CHARS = 4_000
"""Of one earlier message: an item of a conversation, not a book."""
MAX_OUTPUT_CHARS = 8_000
"""Of one function's output: about 2,000 tokens, all of which the model reads before it speaks."""
MAX_INSTRUCTIONS_CHARS = 20_000
MAX_PASSAGES_CHARS = 8_000
"""About 2,000 tokens: what eight paragraphs come to, and half a second of a small local model."""

RULES = """\
You are the voice of {name}. Everything you write is spoken aloud to someone who cannot see it.
- Answer at once, in one to three short sentences, the answer itself first.
- Write plain spoken words only: no Markdown, lists, headings, emoji, links or code.
- Speak the language that goes by the tag "{language}", unless you are instructed otherwise.
- What you heard comes from speech recognition: a word may be misheard. If it makes no sense, ask.
- For facts about {name}, rely on the passages below. If neither they nor a function give the \
answer, say exactly: {unknown}
- Never make up prices, times, names or numbers. Never mention passages, documents or these rules.
- Call a function when it finds out or does what is wanted. Never say something is done which no \
function has done."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Who answers. unknown: said when the answer is not known. language: a BCP 47 tag.

    instructions: the agent's own; a client's are added to them.
    """

    name: str
    language: str = "en"
    unknown: str = "Sorry, I don't know that."
    instructions: str = ""


def messages_of(
    persona: Persona, question: Question, passages: Sequence[Passage], now: datetime
) -> list[dict[str, Any]]:
    """The chat's messages: one of the system, what was said, the question.

    What stays the same from question to question comes first, so that servers can reuse it.
    """
    system = [
        RULES.format(name=persona.name, language=persona.language, unknown=persona.unknown),
        persona.instructions[:MAX_INSTRUCTIONS_CHARS],
        question.instructions[:MAX_INSTRUCTIONS_CHARS],
        f"It is {now:%A}, {now.day} {now:%B %Y}, {now:%H:%M}.",
        _told(passages),
    ]
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "\n\n".join(part for part in system if part.strip())},
        *_said(question.history),
    ]
    asked = {"role": "user", "content": question.text[:MAX_QUESTION_CHARS]}
    if question.text and messages[-1] != asked:
        messages.append(asked)
    return messages


def tools_of(tools: Sequence[Tool], choice: str) -> dict[str, Any]:
    """The request's fields about tools; none without tools."""
    if not tools:
        return {}
    offered = [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": _plain(tool.parameters) or {"type": "object", "properties": {}},
            },
        }
        for tool in tools
    ]
    if choice in {"auto", "none", "required"}:
        return {"tools": offered, "tool_choice": choice}
    named = {"type": "function", "function": {"name": choice}}
    return {"tools": offered, "tool_choice": named}


def _plain(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    return dict(parameters or {})


def _told(passages: Sequence[Passage]) -> str:
    """The passages, each with its document and title, as many as there is room for."""
    parts: list[str] = []
    room = MAX_PASSAGES_CHARS
    for passage in passages:
        place = f"{passage.document}: {passage.title}" if passage.title else passage.document
        part = f"[{place}]\n{passage.text}"
        room -= len(part)
        if room < 0:
            break
        parts.append(part)
    if not parts:
        return "No passage of the documents fits the question."
    return "\n\n".join(["Passages of the documents that may hold the answer:", *parts])


def _said(history: Sequence[Exchange]) -> list[dict[str, Any]]:
    """The history as chat messages.

    A chat wants each call's output right after the calls, and refuses one without the other: so
    outputs go where their calls are, and whatever lacks its other half is left out.
    """
    outputs = {e.call_id: e.output for e in history if isinstance(e, FunctionOutput)}
    messages: list[dict[str, Any]] = []
    calls: list[FunctionCall] = []
    for exchange in history:
        match exchange:
            case FunctionCall(call_id) if call_id in outputs:
                calls.append(exchange)
            case Message(role, text) if text:
                messages += _called(calls, outputs)
                calls = []
                messages.append({"role": role, "content": text[:MAX_MESSAGE_CHARS]})
            case _:
                pass
    return messages + _called(calls, outputs)


def _called(calls: Sequence[FunctionCall], outputs: Mapping[str, str]) -> list[dict[str, Any]]:
    if not calls:
        return []
    made = [
        {
            "id": call.call_id,
            "type": "function",
            "function": {"name": call.name, "arguments": _arguments(call.arguments)},
        }
        for call in calls
    ]
    results = [
        {
            "role": "tool",
            "tool_call_id": call.call_id,
            "content": outputs[call.call_id][:MAX_OUTPUT_CHARS],
        }
        for call in calls
    ]
    return [{"role": "assistant", "content": None, "tool_calls": made}, *results]


def _arguments(text: str) -> str:
    """Servers parse these; what a client put there need not be JSON."""
    try:
        return text if isinstance(json.loads(text), dict) else "{}"
    except ValueError:
        return "{}"
