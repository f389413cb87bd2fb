"""One chat completion, streamed over HTTP.

httpx2 and not the `openai` client on top of it: that costs 400 ms more to import (505 ms, httpx2
100 ms), reads lines without a bound, ends on the first one that is no JSON, and times each read but
never the answer.
"""

import asyncio
import importlib
import ipaddress
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from knowledge.openai_chat.chunks import Chunk, ChunkReader, told
from knowledge.openai_chat.errors import ChatError, Failure

if TYPE_CHECKING:
    import httpx2

CONNECT_S = 2.0
"""Seconds to reach the server, TLS included: three lost packets on a bad line."""
KEEP_S = 120.0
"""Seconds that an idle connection is kept: a new one costs a TLS server's listeners 100 ms."""
MAX_ERROR_BYTES = 16_384

_HINTS = {
    401: "; check OVERTURE_LLM_KEY",
    403: "; check OVERTURE_LLM_KEY",
    404: "; check OVERTURE_LLM_URL, which mostly ends in /v1, and OVERTURE_LLM_MODEL",
}


class ChatClient:
    """One server. url: up to and with /v1, as its own manual gives it. key: "" for none."""

    def __init__(self, url: str, key: str = "") -> None:
        self._url = url.rstrip("/") + "/chat/completions"
        self._headers = {"content-type": "application/json", "accept": "text/event-stream"}
        if key:
            self._headers["authorization"] = f"Bearer {key}"
        self._client: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Loads what talking takes; without this the first question waits for it."""
        async with self._opening:
            if self._client is None:
                await asyncio.to_thread(importlib.import_module, "httpx2")
                self._client = await asyncio.to_thread(self._make)

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _make(self) -> "httpx2.AsyncClient":
        import httpx2

        return httpx2.AsyncClient(
            # Reading is timed by whoever asks: what counts there are words, not bytes.
            timeout=httpx2.Timeout(CONNECT_S, read=None),
            limits=httpx2.Limits(max_keepalive_connections=20, keepalive_expiry=KEEP_S),
            headers=self._headers,
            trust_env=not _is_here(self._url),
        )

    async def chunks(self, body: dict[str, Any]) -> AsyncGenerator[Chunk, None]:
        """The answer's pieces as they come, up to the last; raises ChatError.

        Takes as long as the server does: whoever asks gives it a time-out.
        """
        await self.open()
        import httpx2

        assert self._client is not None
        try:
            async with self._client.stream("POST", self._url, content=orjson.dumps(body)) as answer:
                if answer.status_code != 200:
                    raise _refusal(answer, await _beginning(answer))
                reader, finished = ChunkReader(), False
                async for data in answer.aiter_bytes():
                    for chunk in reader.feed(data):
                        finished = finished or chunk.finish_reason != ""
                        yield chunk
                # Read to its end, so that the connection can be used again.
                if not finished and not reader.done:
                    raise ChatError(Failure.CUT, "ended in the middle of its answer")
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            why = str(error) or "no connection in time"
            raise ChatError(Failure.UNREACHABLE, f"cannot be reached ({why})") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise ChatError(Failure.CUT, f"broke the connection ({why})") from None


async def _beginning(answer: "httpx2.Response") -> bytes:
    """As much of an error's body as is worth reading."""
    read = b""
    async for data in answer.aiter_bytes():
        read += data
        if len(read) > MAX_ERROR_BYTES:
            break
    return read[:MAX_ERROR_BYTES]


def _refusal(answer: "httpx2.Response", body: bytes) -> ChatError:
    """What a status other than 200 means, and what to do about it."""
    status = answer.status_code
    detail, param = _error_in(body)
    wait = _retry_after(answer)
    if status == 429:
        return ChatError(Failure.BUSY, "is too busy (HTTP 429)", detail=detail, retry_after=wait)
    if status >= 500 or status == 408:
        message = f"failed (HTTP {status})"
        return ChatError(Failure.SERVER_ERROR, message, detail=detail, retry_after=wait)
    hint = _HINTS.get(status, "; check OVERTURE_LLM_URL" if status < 400 else "")
    message = f"refused the question (HTTP {status}){hint}"
    return ChatError(Failure.REFUSED, message, detail=detail, param=param, status=status)


def _error_in(body: bytes) -> tuple[str, str]:
    """The message of an error's body and the request's field it complains of, "" if unsaid."""
    try:
        error = orjson.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return "", ""
    param = error.get("param") if isinstance(error, dict) else ""
    return told(error), param if isinstance(param, str) else ""


def _retry_after(answer: "httpx2.Response") -> float | None:
    """Seconds; a date instead of a number means that it will take long."""
    value = answer.headers.get("retry-after")
    if value is None:
        return None
    return float(value) if value.strip().isascii() and value.strip().isdigit() else float("inf")


def _is_here(url: str) -> bool:
    """Whether the server is on this machine, where no proxy leads."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
