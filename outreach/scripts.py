"""Lua scripts and commands that go to Redis together, in one round trip."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outreach.errors import OutreachUnavailableError

if TYPE_CHECKING:  # importing redis takes half a second: whoever hands us a client has done so
    from redis.asyncio import Redis

NOW = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local function seconds(time) return string.format('%.6f', time) end
"""
"""Lua before a script that needs the time: Redis' own, in Unix seconds; `seconds` writes one."""


class Script:
    """A Lua script; all keys that it touches are handed to it, and are in one slot."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], *args: str | bytes | float) -> "Call":
        """The script with these keys and arguments, to be sent with `together`."""
        return Call(self, (len(keys), *keys, *args))


@dataclass(frozen=True, slots=True)
class Call:
    """Something to send. what: a script, or the name of a command."""

    what: Script | str
    args: tuple[str | bytes | float, ...]


def command(name: str, *args: str | bytes | float) -> Call:
    """A plain command, to be sent with `together`."""
    return Call(name, args)


async def together(redis: "Redis", *calls: Call) -> list[Any]:
    """Sends the calls at once, in this order, and returns their replies.

    Raises OutreachUnavailableError for whatever Redis cannot do now.
    """
    from redis.exceptions import NoScriptError

    with unavailable():
        replies = await _send(redis, calls, by_name=True)
        unknown = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            # The first time, or after Redis was started anew; the text teaches it the name. What
            # was read after such a script is read again, since it asks how things are afterwards.
            again = unknown + [
                i for i, call in enumerate(calls) if i > unknown[0] and call.what == "GET"
            ]
            taught = await _send(redis, [calls[i] for i in again], by_name=False)
            for i, reply in zip(again, taught, strict=True):
                replies[i] = reply
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
    return replies


async def _send(redis: "Redis", calls: Sequence[Call], *, by_name: bool) -> list[Any]:
    """As a pipeline of redis-py does, without what that keeps for transactions: a third of the
    time goes there, and this is most of what an idle server does."""
    from redis.exceptions import ResponseError

    pool: Any = redis.connection_pool
    connection = await pool.get_connection()
    replies: list[Any] = []
    try:
        words = [_words(call, by_name=by_name) for call in calls]
        await connection.send_packed_command(connection.pack_commands(words))
        for name, *_ in words:
            try:
                replies.append(await redis.parse_response(connection, name))
            except ResponseError as error:
                replies.append(error)
    except BaseException:  # with answers that nobody reads it is of no use to the next
        await connection.disconnect(nowait=True)
        raise
    finally:
        await pool.release(connection)
    return replies


def _words(call: Call, *, by_name: bool) -> tuple[Any, ...]:
    if isinstance(call.what, str):
        return call.what, *call.args
    if by_name:
        return "EVALSHA", call.what.sha, *call.args
    return "EVAL", call.what.text, *call.args


@contextmanager
def unavailable() -> Iterator[None]:
    """Turns every way in which Redis can be away into OutreachUnavailableError."""
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise OutreachUnavailableError(f"Redis: {error or type(error).__name__}") from error
