"""Another machine's speech engine, behind the HTTP interface that OpenAI's has.

Local servers speak it, too (speaches, LocalAI, vLLM). What they answer is outside input: every
wait has an end, every body a bound, and the key shows in no message.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

CONNECT_TIMEOUT = 3.0
"""Seconds: who talks does not wait longer for a server that is not there."""

TRIES = 2
"""Once more after a refused connection or a 5xx: a server that restarts, a worker that died."""

MAX_CONNECTIONS = 32
"""Requests at once; more of them wait here rather than there."""

MAX_ERROR_BYTES = 4096
_SHOWN_OF_ERROR = 200


class SpeechApiError(Exception):
    """What went wrong, and the setting to look at."""


@dataclass(frozen=True, slots=True)
class RemoteEngine:
    """Where an engine is. url: up to and including /v1; model: as the server calls it.

    key: sent as a bearer token, "" for none; it is left out of this object's own text.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)


class SpeechApi:
    """Requests to one remote engine."""

    def __init__(self, engine: RemoteEngine, settings: str, *, read_timeout: float) -> None:
        """settings: prefix of the variables to name in errors, such as OVERTURE_RECOGNIZER.

        read_timeout: seconds that the server may take for its next bytes.
        """
        self._engine = engine
        self._settings = settings
        self._read_timeout = read_timeout
        self._client: httpx2.AsyncClient | None = None

    async def open(self) -> None:
        """Makes the client; connects only with the first request."""
        if self._client is None:
            # Reading the certificates and importing take too long for the event loop.
            self._client = await asyncio.to_thread(self._make_client)

    async def aclose(self) -> None:
        """Ends the connections; afterwards every request fails."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _make_client(self) -> "httpx2.AsyncClient":
        import httpx2

        key = self._engine.key
        return httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(self._read_timeout, connect=CONNECT_TIMEOUT),
            limits=httpx2.Limits(max_connections=MAX_CONNECTIONS),
            follow_redirects=False,  # the key and people's words go where they were meant to
        )

    def check_open(self) -> None:
        """Raises SpeechApiError after `aclose`."""
        if self._client is None:
            raise SpeechApiError(f"the connection to {self._place} is closed; start a new one")

    @asynccontextmanager
    async def post(self, path: str, **body: Any) -> AsyncIterator["httpx2.Response"]:
        """The response to a POST, its status 200 and its body not read yet.

        body: json=, or data= and files=, as httpx takes them. Raises SpeechApiError.
        """
        import httpx2

        self.check_open()
        assert self._client is not None  # check_open has raised otherwise
        request = self._client.build_request("POST", self._engine.url + path, **body)
        try:
            response = await self._sent(self._client, request)
            try:
                yield response
            finally:
                await response.aclose()
        except httpx2.TimeoutException:
            raise SpeechApiError(
                f"{self._place} said nothing for {self._read_timeout:g} s; is it overloaded?"
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise SpeechApiError(
                f"{self._place} broke off ({type(error).__name__}); {self._look_at('URL')}"
            ) from error

    async def _sent(
        self, client: "httpx2.AsyncClient", request: "httpx2.Request"
    ) -> "httpx2.Response":
        import httpx2

        for left in reversed(range(TRIES)):
            try:
                response = await client.send(request, stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                if left and isinstance(error, httpx2.ConnectError):
                    continue
                reason = str(error) or f"no answer for {CONNECT_TIMEOUT:g} s"
                raise SpeechApiError(
                    f"{self._place} cannot be reached ({reason}); {self._look_at('URL')}"
                ) from error
            if response.status_code == 200:
                return response
            try:
                said = await _beginning(response)
            finally:
                await response.aclose()
            if response.status_code < 500 or not left:
                raise SpeechApiError(self._refusal(response.status_code, said))
        raise AssertionError("the last try returned or raised")

    def _refusal(self, status: int, said: bytes) -> str:
        match status:
            case 401 | 403:  # what it says may hold part of the key
                return f"{self._place} refuses the key ({status}); {self._look_at('KEY')}"
            case 404:
                return (
                    f"{self._place} has no such address or no model '{self._engine.model}' (404); "
                    f"{self._look_at('URL')} (it ends in /v1) and {self._settings}_MODEL"
                )
            case 429:
                return f"{self._place} is over its limit (429); wait, or raise the limit there"
            case _ if 300 <= status < 400:
                return f"{self._place} points elsewhere ({status}); {self._look_at('URL')}"
        detail = self._message(said)
        return f"{self._place} answered {status}" + (f": {detail}" if detail else "")

    def _message(self, said: bytes) -> str:
        """The server's own words, as OpenAI's has them: {"error": {"message": "..."}}."""
        try:
            match json.loads(said):
                case {"error": {"message": str(message)}} | {"error": str(message)}:
                    pass
                case {"detail": str(message)}:
                    pass
                case _:
                    return ""
        except (ValueError, RecursionError):
            return ""
        line = " ".join(message.split())[:_SHOWN_OF_ERROR]
        return line.replace(self._engine.key, "***") if self._engine.key else line

    @property
    def _place(self) -> str:
        """The address without a password or a query."""
        without = self._engine.url.partition("?")[0]
        scheme, slashes, rest = without.partition("://")
        return scheme + slashes + rest.rpartition("@")[2]

    def _look_at(self, setting: str) -> str:
        return f"look at {self._settings}_{setting}"

    def error(self, what: str) -> SpeechApiError:
        """What an adapter found wrong with the answer."""
        return SpeechApiError(f"{self._place} {what}")


async def _beginning(response: "httpx2.Response") -> bytes:
    said = b""
    async for part in response.aiter_bytes():
        said += part
        if len(said) >= MAX_ERROR_BYTES:
            break
    return said[:MAX_ERROR_BYTES]


def multipart_fields(**values: str) -> Mapping[str, str]:
    """Those that have a value: servers take an empty one for a wrong one."""
    return {name: value for name, value in values.items() if value}
