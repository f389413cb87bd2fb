"""Request bodies: as much as a route takes, in as much time as it gives."""

import asyncio

import orjson
from starlette.requests import ClientDisconnect, Request

from server.refusals import RefusedError

WITHIN_S = 10.0
"""An offer or a session object are a few packets, on the slowest phone too."""


async def read_body(request: Request, most: int, within_s: float = WITHIN_S) -> bytes:
    """The whole body; raises RefusedError: 413 over `most` bytes, 408 after `within_s` seconds,
    400 if it breaks off."""
    if _announced(request) > most:
        raise _too_large(most)
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise _too_large(most)
    except TimeoutError:
        raise RefusedError(
            408, "request_timeout", f"the body did not come within {within_s:g} s"
        ) from None
    except ClientDisconnect:
        raise RefusedError(400, "invalid_request", "the body broke off") from None
    return bytes(body)


async def read_json(request: Request, most: int) -> object:
    """The body as JSON, {} for an empty one; raises RefusedError."""
    body = await read_body(request, most)
    if not body.strip():
        return {}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(400, "invalid_json", f"the body is not valid JSON: {error}") from None


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0


def _too_large(most: int) -> RefusedError:
    return RefusedError(413, "request_too_large", f"the body has over {most} bytes")
