"""The pieces of a streamed chat completion: server-sent events in, typed chunks out.

Source: OpenAI API reference, "Chat completion chunk object". Servers that copy it differ in what
they leave out, so everything may be missing.
"""

import json
import secrets
from collections.abc import Collection, Iterator
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from knowledge.openai_chat.errors import ChatError, Failure
from knowledge.passages import FunctionCall, TokenUsage

MAX_LINE_BYTES = 256 * 1024
"""A chunk has about 300 bytes; a whole function call in one piece may have much more."""
MAX_RESPONSE_BYTES = 4 << 20
"""300 bytes a token, so twelve thousand tokens: far beyond what anybody listens to."""
MAX_GARBAGE = 10
"""Events that cannot be read before the server counts as broken."""
MAX_CALLS = 8
MAX_ARGUMENTS_CHARS = 32_768


class _FunctionPiece(BaseModel):
    name: str | None = None
    arguments: str | None = None


class CallPiece(BaseModel):
    """A piece of a function call; the first one of each call has its id and name."""

    index: int | None = None
    id: str | None = None
    function: _FunctionPiece = Field(default_factory=_FunctionPiece)


class _Delta(BaseModel):
    # Some servers put lists of their own here, of what the model thinks: those are not spoken.
    content: Any = None
    refusal: Any = None
    tool_calls: list[CallPiece] | None = None


class _Choice(BaseModel):
    delta: _Delta = Field(default_factory=_Delta)
    finish_reason: str | None = None


class _PromptDetails(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None


class Chunk(BaseModel):
    """One piece of an answer."""

    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None

    @property
    def words(self) -> str:
        """What is to be said; a refusal is an answer too."""
        if not self.choices:
            return ""
        delta = self.choices[0].delta
        return "".join(text for text in (delta.content, delta.refusal) if isinstance(text, str))

    @property
    def calls(self) -> list[CallPiece]:
        """Pieces of function calls."""
        return self.choices[0].delta.tool_calls or [] if self.choices else []

    @property
    def finish_reason(self) -> str:
        """Why the model stopped; "" while it goes on."""
        return self.choices[0].finish_reason or "" if self.choices else ""

    @property
    def tokens(self) -> TokenUsage | None:
        """What the answer cost, if the server says so here."""
        if self.usage is None:
            return None
        details = self.usage.prompt_tokens_details
        cached = details.cached_tokens if details else None
        read, written = self.usage.prompt_tokens or 0, self.usage.completion_tokens or 0
        return TokenUsage(read, written, cached or 0)


class ChunkReader:
    """Feed it a response's bytes; raises ChatError when they are too many or make no sense."""

    def __init__(self) -> None:
        self._rest = b""
        self._size = 0
        self._garbage = 0
        self.done = False
        """Whether the server said that the answer is complete."""

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """The chunks that these bytes complete. Each `data:` line is one: no server splits them."""
        self._size += len(data)
        if self._size > MAX_RESPONSE_BYTES:
            raise ChatError(Failure.GARBAGE, f"sent more than {MAX_RESPONSE_BYTES} bytes")
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            raise ChatError(Failure.GARBAGE, f"sent a line of over {MAX_LINE_BYTES} bytes")
        for line in lines:
            yield from self._line(line)

    def _line(self, line: bytes) -> Iterator[Chunk]:
        field, _, value = line.partition(b":")
        value = value.strip()
        if self.done or field != b"data" or not value:
            return  # comments keep the connection alive, other fields say nothing of the answer
        if value == b"[DONE]":
            self.done = True
            return
        try:
            # A broken character costs itself, not the words around it.
            chunk = Chunk.model_validate_json(value.decode("utf-8", "replace"))
        except ValidationError:
            self._garbage += 1
            if self._garbage > MAX_GARBAGE:
                raise ChatError(Failure.GARBAGE, "sends what is no chat completion") from None
            return
        if chunk.error:
            raise ChatError(Failure.SERVER_ERROR, "reported an error", detail=told(chunk.error))
        yield chunk


def told(error: Any) -> str:
    """The message of an error object, short enough for a log line."""
    message = error.get("message") if isinstance(error, dict) else error
    return " ".join(str(message).split())[:200]


class CallBuilder:
    """Puts the pieces of function calls together."""

    def __init__(self) -> None:
        self._calls: list[dict[str, str]] = []
        self._places: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def feed(self, piece: CallPiece) -> None:
        """Adds a piece; raises ChatError when there are too many, or they are too long."""
        call = self._of(piece)
        call["name"] += piece.function.name or ""
        call["arguments"] += piece.function.arguments or ""
        if len(call["arguments"]) > MAX_ARGUMENTS_CHARS:
            raise ChatError(
                Failure.GARBAGE, f"sent a call of over {MAX_ARGUMENTS_CHARS} characters"
            )

    def _of(self, piece: CallPiece) -> dict[str, str]:
        """The call that a piece belongs to: by index, else a new id begins a new one."""
        if piece.index is not None and piece.index in self._places:
            call = self._calls[self._places[piece.index]]
            # Some servers number every call 0, and only the id tells them apart.
            if not piece.id or piece.id == call["id"]:
                return call
        elif piece.index is None and self._calls and piece.id in (None, "", self._calls[-1]["id"]):
            return self._calls[-1]
        if len(self._calls) == MAX_CALLS:
            raise ChatError(Failure.GARBAGE, f"wants more than {MAX_CALLS} calls at once")
        if piece.index is not None:
            self._places[piece.index] = len(self._calls)
        call_id = piece.id or f"call_{secrets.token_hex(8)}"
        self._calls.append({"id": call_id, "name": "", "arguments": ""})
        return self._calls[-1]

    def calls(self, offered: Collection[str]) -> list[FunctionCall]:
        """The calls; raises ChatError for one that was not offered, or without a JSON object."""
        return [_checked(call, offered) for call in self._calls]


def _checked(call: dict[str, str], offered: Collection[str]) -> FunctionCall:
    name, arguments = call["name"], call["arguments"].strip() or "{}"
    if name not in offered:
        raise ChatError(Failure.GARBAGE, "calls a function that it was not offered")
    try:
        right = isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        right = False
    if not right:
        raise ChatError(Failure.GARBAGE, f"gives arguments for {name} that are no JSON object")
    return FunctionCall(call["id"], name, arguments)
