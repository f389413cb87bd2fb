"""A loopback server that speaks OpenAI chat completions, streamed, as a test scripts it.

Plain asyncio, so that it can also stall, cut the connection and send what no server should.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds that anything may take on the slowest machine."""
DONE = b"data: [DONE]\n\n"


class Stall:
    """A step of an answer: nothing more comes until `go` is set. reached: the server is there."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go = asyncio.Event()


@dataclass(frozen=True, slots=True)
class Cut:
    """A step of an answer: the connection ends here, without the body's end."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request gets. steps: bytes of the body, as they are sent, and what happens between."""

    steps: Sequence[bytes | Stall | Cut]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def event(chunk: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def delta(finish_reason: str | None = None, **fields: Any) -> bytes:
    """A chunk whose delta has these fields."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish_reason}
    return event({"object": "chat.completion.chunk", "choices": [choice]})


def words(*pieces: str) -> list[bytes]:
    """Chunks of words."""
    return [delta(content=piece) for piece in pieces]


def ending(finish_reason: str = "stop", usage: tuple[int, int] | None = None) -> list[bytes]:
    """How an answer ends. usage: (prompt, completion) tokens."""
    last = [delta(finish_reason)]
    if usage is not None:
        tokens = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
        last.append(event({"choices": [], "usage": tokens}))
    return [*last, DONE]


def says(text: str, usage: tuple[int, int] | None = None) -> Reply:
    """A whole answer, a chunk a word."""
    first, *rest = text.split(" ")
    return Reply([*words(first, *(" " + word for word in rest)), *ending(usage=usage)])


def calls(name: str, arguments: str, call_id: str = "call_1") -> Reply:
    """A function call, its arguments in two pieces."""
    half = len(arguments) // 2
    first = {"index": 0, "id": call_id, "function": {"name": name, "arguments": arguments[:half]}}
    second = {"index": 0, "function": {"arguments": arguments[half:]}}
    pieces = [delta(tool_calls=[first]), delta(tool_calls=[second])]
    return Reply([*pieces, *ending("tool_calls")])


def fails(
    status: int, message: str = "no", headers: dict[str, str] | None = None, **error: Any
) -> Reply:
    """An error with a body as OpenAI's."""
    body = json.dumps({"error": {"message": message, **error}}).encode()
    return Reply([body], status, {"content-type": "application/json", **(headers or {})})


class ChatServer:
    """requests: the bodies that came, in order; keys: their authorization headers.

    replies: what the next requests get, in order; with none left the last one is given again.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.replies: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.connections: set[asyncio.Task[None]] = set()
        self.gone = asyncio.Event()
        """Set when a client has left while it was being answered."""

    def will(self, *replies: Reply) -> None:
        """Scripts the next answers."""
        self.replies = list(replies)

    @property
    def asked(self) -> str:
        """The last message of the last request."""
        return str(self.requests[-1]["messages"][-1]["content"])

    @property
    def told(self) -> str:
        """The system's message of the last request."""
        return str(self.requests[-1]["messages"][0]["content"])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        try:
            while await self._request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return False
        request, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if request.startswith("GET"):
            raise AssertionError(f"unexpected request: {request}")
        self.requests.append(json.loads(body))
        self.keys.append(headers.get("authorization", ""))
        assert request == "POST /v1/chat/completions HTTP/1.1", request
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return await self._answer(reply, reader, writer)

    async def _answer(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        headers = {"content-type": "text/event-stream", **reply.headers}
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = [f"HTTP/1.1 {reply.status} X", *lines, "transfer-encoding: chunked", "", ""]
        writer.write("\r\n".join(head).encode())
        for step in reply.steps:
            match step:
                case Stall():
                    await writer.drain()
                    step.reached.set()
                    if await _left(reader, step.go):
                        self.gone.set()
                        return False
                case Cut():
                    await writer.drain()
                    return False
                case bytes():
                    writer.write(b"%x\r\n%b\r\n" % (len(step), step))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


async def _left(reader: asyncio.StreamReader, go: asyncio.Event) -> bool:
    """Waits for `go`; True if the client leaves first."""
    going = asyncio.ensure_future(go.wait())
    leaving = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait({going, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return not going.done()
    finally:
        for task in (going, leaving):
            task.cancel()
        await asyncio.gather(going, leaving, return_exceptions=True)


@asynccontextmanager
async def chat_server() -> AsyncIterator[ChatServer]:
    """A server for one test."""
    chat = ChatServer("")
    server = await asyncio.start_server(chat.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    chat.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield chat
    finally:
        server.close()
        for task in chat.connections:
            task.cancel()
        await asyncio.gather(*chat.connections, return_exceptions=True)


@contextmanager
def chat_server_beside() -> Iterator[ChatServer]:
    """The same on a thread of its own, for callers that block or have an event loop of theirs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="chat-server", daemon=True)
    thread.start()
    stack = AsyncExitStack()

    def wait_for(doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, loop).result(PATIENCE)

    try:
        yield wait_for(stack.enter_async_context(chat_server()))
    finally:
        wait_for(stack.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()
