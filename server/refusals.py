"""How who is not let in is told so: in a way that their kind of client shows to people."""

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.websockets import WebSocket

from server.credentials import REALTIME
from server.realtime import errors
from server.realtime.errors import ClientError
from server.realtime.outgoing import Encoder

ORIGIN = "origin_not_allowed"


class RefusedError(Exception):
    """Not let in. status: HTTP's; code: the protocol's ("invalid_api_key", ...); the message says
    what would be right. param: the field at fault, if it is one."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param

    @property
    def close_code(self) -> int:
        """1008 for what will not change, 1013 for what may."""
        return errors.TRY_LATER if self.status in {429, 503} else errors.POLICY


def http_refusal(refused: RefusedError) -> Response:
    """The answer, in the form of the protocol's HTTP errors."""
    error = {
        "message": str(refused),
        "type": "invalid_request_error" if refused.status < 500 else "server_error",
        "param": refused.param,
        "code": refused.code,
    }
    headers = {}
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refused.close_code == errors.TRY_LATER:
        headers["Retry-After"] = "2"
    return Response(
        orjson.dumps({"error": error}), refused.status, headers, media_type="application/json"
    )


async def unrouted(request: Request, error: Exception) -> Response:
    """What has no route (404), or not by this method (405): programs are told as of all else."""
    assert isinstance(error, HTTPException)
    if not request.url.path.startswith("/v1/"):
        return PlainTextResponse(error.detail, error.status_code, error.headers)
    code = "method_not_allowed" if error.status_code == 405 else "not_found"
    told = http_refusal(RefusedError(error.status_code, code, error.detail))
    told.headers.update(error.headers or {})
    return told


async def refuse_websocket(websocket: WebSocket, refused: RefusedError) -> None:
    """Turns a handshake down.

    Programs get an HTTP status with a body. A browser shows its page neither: it is accepted, told
    by an `error` event and closed with the reason, as the protocol's own service does.
    """
    offered = websocket.scope.get("subprotocols", [])
    browser = REALTIME in offered or "origin" in websocket.headers
    if not browser or refused.code == ORIGIN:  # pages from elsewhere are told nothing
        await websocket.send_denial_response(http_refusal(refused))
        return
    await websocket.accept(REALTIME if REALTIME in offered else None)
    error = ClientError(refused.code, str(refused), refused.param)
    await websocket.send_text(Encoder().error(error, None))
    await websocket.close(refused.close_code, str(refused)[:120])
