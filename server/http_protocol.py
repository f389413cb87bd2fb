"""uvicorn's HTTP protocol, with an end for connections that keep it waiting.

uvicorn waits for a request's headers, its body, and for its answer to be read as long as the other
side likes. A few thousand connections that send a byte now and then (slowloris) would take all the
descriptors that the process has.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.host import Limits

LONG_ANSWER = "overture.long_answer"
"""The extension of a request's scope that holds its LongAnswer."""


@dataclass(frozen=True, slots=True)
class LongAnswer:
    """For an answer that is meant to last. prolong: gives it another `request_s`; called after each
    piece that the other side has read. stopping: set when the server ends, and it should too."""

    prolong: Callable[[], None]
    stopping: asyncio.Event


class Doorstep:
    """Connections that have not sent their headers yet, oldest first, up to `room`."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._waiting: dict[asyncio.Transport, None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def step_on(self, transport: asyncio.Transport) -> None:
        """One more; the oldest is cut off when there is no room for it."""
        self._waiting[transport] = None
        if len(self._waiting) > self._room:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.abort()

    def step_off(self, transport: asyncio.Transport) -> None:
        """Its headers are there, or it is gone."""
        self._waiting.pop(transport, None)


class BoundedHttp(H11Protocol):
    """A connection's states: on the doorstep until its headers are there, busy until its answer is
    sent, and on the doorstep again."""

    limits: Limits
    doorstep: Doorstep
    stopping: asyncio.Event

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._busy = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It has `headers_s` to say what it wants."""
        super().connection_made(transport)
        self.doorstep.step_on(transport)
        self._cut_off_after(self.limits.headers_s)

    def data_received(self, data: bytes) -> None:
        """More of a request, or the first of the next one."""
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        """uvicorn's idle timer runs from here on; ours begins again with the next request."""
        super().on_response_complete()
        self._follow()

    def shutdown(self) -> None:
        """The server ends; answers that last are told so."""
        self.stopping.set()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self._leave()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """From here on it is the WebSocket protocol's."""
        self._leave()
        super().handle_websocket_upgrade(event)

    def _follow(self) -> None:
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        answered = self.cycle is None or self.cycle.response_complete
        busy = self.conn.their_state is not h11.IDLE or not answered
        if busy and not self._busy:
            self.doorstep.step_off(self.transport)
            self._cut_off_after(self.limits.request_s)
            # The application's task was made, and has not begun.
            long = LongAnswer(self._prolong, self.stopping)
            self.scope["extensions"] = {LONG_ANSWER: long}  # type: ignore[dict-item]
        elif self._busy and not busy:
            self.doorstep.step_on(self.transport)
            self._wait_on()
        if not busy and self._deadline is None and self.conn.trailing_data[0]:
            self._cut_off_after(self.limits.headers_s)
        self._busy = busy

    def _prolong(self) -> None:
        if self._busy and not self.transport.is_closing():
            self._cut_off_after(self.limits.request_s)

    def _cut_off_after(self, seconds: float) -> None:
        self._wait_on()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _wait_on(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _leave(self) -> None:
        self._wait_on()
        self.doorstep.step_off(self.transport)


def bounded_http(limits: Limits) -> type[BoundedHttp]:
    """The protocol of one server, with a doorstep of its own."""
    own = {
        "limits": limits,
        "doorstep": Doorstep(limits.half_open),
        "stopping": asyncio.Event(),
    }
    return type("BoundedHttp", (BoundedHttp,), own)
