"""uvicorn's WebSocket protocol, with an end for clients that do not take part in one."""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from server.realtime.websocket_line import ABORT, CLOSE_PATIENCE

CUT_OFF_AFTER = 1.0
"""Seconds a peer gets to take what is in its buffer, once nothing more will come."""

BAD_HANDSHAKE = b"the handshake's headers are too long, or not text\n"


class RealtimeProtocol(WebSocketsSansIOProtocol):
    """Closing a transport waits until its buffer is sent; a peer that does not read, or that has
    vanished, would keep it open for as long as the kernel tries. This one cuts the line then."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.close_timeout = CLOSE_PATIENCE  # uvicorn waits 10 s for the answer to a close frame

    def data_received(self, data: bytes) -> None:
        """The first is the whole handshake, as HTTP has read it. One that the WebSocket library
        does not (it takes 128 headers of 8 KiB) it drops without a word, and uvicorn would wait."""
        super().data_received(data)
        if not self.handshake_initiated:
            self.handshake_initiated = True
            self.transport.write(
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
                % (len(BAD_HANDSHAKE), BAD_HANDSHAKE)
            )
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        """Lets the application cut the line as well."""
        super().handle_connect(event)
        extensions: dict[str, Any] | None = getattr(self, "scope", {}).get("extensions")
        if extensions is not None:
            extensions[ABORT] = self.transport.abort

    def keepalive_timeout(self) -> None:
        """The peer did not answer a ping: it is gone."""
        super().keepalive_timeout()
        self.loop.call_later(CUT_OFF_AFTER, self.transport.abort)

    def shutdown(self) -> None:
        """The server stops: 1001 "going away" (RFC 6455 §7.4.1), where uvicorn says 1012."""
        if self.handshake_complete and not self.close_sent:
            self.stop_keepalive()
            reason = "the server is stopping"
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1001, "reason": reason})
            self.conn.send_close(1001, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.transport.close()
            self.loop.call_later(CUT_OFF_AFTER, self.transport.abort)
            return
        super().shutdown()
