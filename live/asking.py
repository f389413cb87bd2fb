"""What an answerer is asked: the conversation as exchanges, and the settings that apply."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conversation.responses import OfSilence, Origin, ToTurn
from knowledge.passages import Exchange, FunctionCall, FunctionOutput, Message, Question, Tool
from live.config import ResponseRequest, SessionConfig
from live.history import Item

HISTORY_MESSAGES = 12
"""Earlier messages handed to the answerer: what a person still has in mind."""
HISTORY_CALLS = 24
"""Calls and outputs among them."""

NO_OUTPUT = "There is no result yet."
"""Said to the answerer of a call whose output never came; models refuse a call without one."""
NUDGE = (
    "The user has said nothing for a while. In one short sentence, go on from what was said last: "
    "ask again, or ask whether there is anything else."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and where its answer may come from besides the answerer.

    outputs: results of functions that came since anything was said: they are to be answered.
    client: names of the functions that the client runs. silence: nobody has said anything.
    beside: out of the conversation.
    """

    question: Question
    outputs: tuple[FunctionOutput, ...] = ()
    client: frozenset[str] = frozenset()
    silence: bool = False
    beside: bool = False

    @property
    def last_words(self) -> str:
        """The user's latest words, "" if there are none."""
        if self.question.text:
            return self.question.text
        return last_text(self.question.history, "user")

    @property
    def forced(self) -> bool:
        """A function must be called."""
        return self.question.tool_choice not in {"auto", "none"}

    def may_call(self, name: str) -> bool:
        """Whether this function is there and wanted."""
        choice = self.question.tool_choice
        offered = any(tool.name == name for tool in self.question.tools)
        return offered and (choice in {"auto", "required"} or choice == name)


def asked_of(
    origin: Origin,
    text: str,
    items: Sequence[Item],
    config: SessionConfig,
    request: ResponseRequest | None,
    own: Sequence[Tool],
) -> Asked:
    """What to ask for this response.

    text: a turn's words. items: the conversation without that turn; what the client gave instead
    of it wins. own: the agent's functions; a client's of the same name takes its place.
    """
    request = request or ResponseRequest()
    latest = _latest(items if request.items is None else request.items)
    outputs = () if isinstance(origin, ToTurn) else _outputs_at_end(latest)
    history = _paired(latest)
    silence = isinstance(origin, OfSilence)
    if silence:
        history = (*history, Message("system", NUDGE))
    elif not isinstance(origin, ToTurn) and not outputs:
        history, text = _asked_last(history)
    tools = config.tools if request.tools is None else request.tools
    client = frozenset(tool.name for tool in tools)
    offered = (*tools, *(tool for tool in own if tool.name not in client))
    choice = request.tool_choice or config.tool_choice
    question = Question(
        text,
        history,
        config.instructions if request.instructions is None else request.instructions,
        offered,
        choice if _may_choose(choice, offered) else "auto",
        _bound(request.max_output_tokens, config.max_output_tokens),
    )
    return Asked(question, outputs, client, silence, not request.in_conversation)


def history_of(items: Sequence[Item]) -> tuple[Exchange, ...]:
    """The latest of the conversation, as an answerer is told it."""
    return _paired(_latest(items))


def last_text(history: Iterable[Exchange], role: str) -> str:
    """The latest words of the user or the assistant, "" if there are none."""
    said = [part.text for part in history if isinstance(part, Message) and part.role == role]
    return said[-1] if said else ""


def _latest(items: Sequence[Item]) -> list[Exchange]:
    """As much of the end as an answerer is told, oldest first."""
    latest: list[Exchange] = []
    messages = calls = 0
    for item in reversed(items):
        told = _exchanges_of(item)
        said = sum(isinstance(part, Message) for part in told)
        messages, calls = messages + said, calls + len(told) - said
        if messages > HISTORY_MESSAGES or calls > HISTORY_CALLS:
            break
        latest += reversed(told)
    latest.reverse()
    return latest


def _exchanges_of(item: Item) -> list[Exchange]:
    told: list[Exchange] = []
    match item.kind:
        case "function_call":
            call_id = item.raw.get("call_id") or item.id
            told.append(FunctionCall(call_id, item.raw["name"], item.raw["arguments"]))
        case "function_call_output":
            told.append(FunctionOutput(item.raw["call_id"], item.raw["output"]))
        case _ if item.text:
            told.append(Message(item.role, item.text))
    return [*told, *item.worked]


def _outputs_at_end(latest: Sequence[Exchange]) -> tuple[FunctionOutput, ...]:
    """Those of calls that are known; what else is there after the last message does not count."""
    known = {part.call_id for part in latest if isinstance(part, FunctionCall)}
    outputs: list[FunctionOutput] = []
    for part in reversed(latest):
        if isinstance(part, Message):
            break
        if isinstance(part, FunctionOutput) and part.call_id in known:
            outputs.append(part)
    return tuple(reversed(outputs))


def _paired(latest: Iterable[Exchange]) -> tuple[Exchange, ...]:
    """Every call with one output right after it, or after those made with it: models refuse
    anything else, and clients send outputs whenever they have them."""
    outputs: dict[str, FunctionOutput] = {}
    for part in latest:
        if isinstance(part, FunctionOutput):
            outputs.setdefault(part.call_id, part)
    paired: list[Exchange] = []
    made: dict[str, FunctionCall] = {}
    seen: set[str] = set()

    def flush() -> None:
        paired.extend(made.values())
        paired.extend(outputs.get(call, FunctionOutput(call, NO_OUTPUT)) for call in made)
        made.clear()

    for part in latest:
        if isinstance(part, FunctionCall):
            if part.call_id not in seen:
                seen.add(part.call_id)
                made[part.call_id] = part
            continue
        flush()
        if isinstance(part, Message):
            paired.append(part)
    flush()
    return tuple(paired)


def _asked_last(history: tuple[Exchange, ...]) -> tuple[tuple[Exchange, ...], str]:
    """The user's words if nothing came after them, and what came before."""
    last = history[-1] if history else None
    if isinstance(last, Message) and last.role == "user":
        return history[:-1], last.text
    return history, ""


def _may_choose(choice: str, offered: Sequence[Tool]) -> bool:
    """Nobody can be made to call what is not there."""
    if choice in {"auto", "none"}:
        return True
    return bool(offered) if choice == "required" else any(t.name == choice for t in offered)


def _bound(wanted: int | str | None, own: int | None) -> int | None:
    if wanted is None:
        return own
    return wanted if isinstance(wanted, int) else None
