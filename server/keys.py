"""API keys: a file of names, roles and digests, read again whenever it changes.

One key a line, `#` begins a comment:

    NAME ROLE sha256:HEX [user=USER] [until=2026-12-31T12:00:00Z] [sessions=N]

Only the digest of a key is kept: whoever reads the file cannot use it. A key is 256 random bits,
so one round of SHA-256 is enough; what people make up themselves should be as long.
"""

import hashlib
import hmac
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import structlog

from server.names import NAME

log = structlog.get_logger("overture.keys")

MAX_BYTES = 256 * 1024
"""About two thousand keys; people get client secrets, not keys."""
FORBIDDEN_MODE = stat.S_IWGRP | stat.S_IWOTH | stat.S_IROTH
"""Others must not add keys, nor learn who there is. A group may read: secrets that are mounted
into containers belong to one."""
FORM = "NAME ROLE sha256:HEX [user=USER] [until=YYYY-MM-DDTHH:MM:SSZ] [sessions=N]"

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class KeysError(Exception):
    """The keys file cannot be used; one line for each problem, with what to do."""


class Role(StrEnum):
    """client: talks. operator: also sees metrics and rules. service: another program."""

    CLIENT = "client"
    OPERATOR = "operator"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One line. user: the only person that it may speak for, None for anyone it names.

    until: seconds since the epoch from which on it is refused, None for never. sessions: how many
    it and its client secrets may have at once, None for as many as there are.
    """

    name: str
    role: Role
    digest: bytes
    user: str | None = None
    until: float | None = None
    sessions: int | None = None

    def line(self) -> str:
        """As the file has it."""
        words = [self.name, self.role.value, f"sha256:{self.digest.hex()}"]
        if self.user is not None:
            words.append(f"user={self.user}")
        if self.until is not None:
            words.append(f"until={datetime.fromtimestamp(self.until, UTC):%Y-%m-%dT%H:%M:%SZ}")
        if self.sessions is not None:
            words.append(f"sessions={self.sessions}")
        return " ".join(words)


def new_key() -> str:
    """A key nobody can guess, in letters that a WebSocket subprotocol may have."""
    return f"ov_{secrets.token_urlsafe(32)}"


def digest_of(key: str) -> bytes:
    """What is kept of a key, 32 bytes."""
    return hashlib.sha256(key.encode()).digest()


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """Every key of the file; raises KeysError naming each line that is wrong."""
    keys, problems = _parse(_text(path))
    if problems:
        raise KeysError("\n".join(f"{path}:{number}: {what}" for number, what in problems))
    return keys


class KeyRing:
    """The keys in force. Asks the file's date at each use: a line taken out is a key withdrawn.

    Raises KeysError at the start when the file cannot be used. Later a wrong line is logged and
    does without, and a file that is gone or open to others means no keys at all: whoever withdraws
    a key must be able to rely on it.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._stamp = self._look()
        self._keys = _by_name(read_keys(path))

    def find(self, presented: str) -> ApiKey | None:
        """The key that this is, None if it is none or no more. Its time tells nothing about it."""
        digest = digest_of(presented)
        found = None
        for key in self._current().values():
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found if found is not None and self._lives(found) else None

    def named(self, name: str) -> ApiKey | None:
        """The key of this name, None if there is none in force."""
        key = self._current().get(name)
        return key if key is not None and self._lives(key) else None

    def _lives(self, key: ApiKey) -> bool:
        return key.until is None or self._now() < key.until

    def _look(self) -> tuple[int, int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode

    def _current(self) -> Mapping[str, ApiKey]:
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            self._read_again()
        return self._keys

    def _read_again(self) -> None:
        try:
            keys, problems = _parse(_text(self._path))
        except KeysError as error:
            self._keys = {}
            log.error("no_key_is_accepted", reason=str(error))
            return
        self._keys = _by_name(keys)
        for number, what in problems:
            log.error("key_left_out", line=number, reason=what)
        log.info("keys_read", keys=len(self._keys))


def _by_name(keys: tuple[ApiKey, ...]) -> Mapping[str, ApiKey]:
    return {key.name: key for key in keys}


def _text(path: Path) -> str:
    try:
        found = path.stat()
        if found.st_mode & FORBIDDEN_MODE:
            raise KeysError(f"{path}: others may read or write it; run: chmod 600 {path}")
        if found.st_size > MAX_BYTES:
            raise KeysError(f"{path}: over {MAX_BYTES} bytes; people get client secrets, not keys")
        return path.read_text()
    except FileNotFoundError:
        raise KeysError(
            f"{path}: there is no such file; make it with: overture keys new NAME --role client"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(f"{path}: cannot be read: {error}") from None


def _parse(text: str) -> tuple[tuple[ApiKey, ...], list[tuple[int, str]]]:
    keys: dict[str, ApiKey] = {}
    problems = []
    for number, line in _lines(text):
        try:
            key = _key(line.split())
        except ValueError as error:
            problems.append((number, str(error)))
            continue
        if key.name in keys or any(key.digest == other.digest for other in keys.values()):
            problems.append((number, f"{key.name}: the name or the key is there twice"))
        else:
            keys[key.name] = key
    return tuple(keys.values()), problems


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if meant := line.partition("#")[0].strip():
            yield number, meant


def _key(words: list[str]) -> ApiKey:
    if len(words) < 3:
        raise ValueError(f"should be: {FORM}")
    name, role, digest, *options = words
    if not NAME.fullmatch(name):
        raise ValueError("a name has up to 128 letters, digits and . _ @ : + -")
    if role not in set(Role):
        raise ValueError(f"the role should be one of {', '.join(Role)}")
    if not (hexed := _DIGEST.fullmatch(digest)):
        raise ValueError(
            "the third word should be sha256: and 64 hexadecimal digits, which "
            "`printf %s KEY | sha256sum` prints"
        )
    user, until, sessions = None, None, None
    for option in options:
        match option.partition("="):
            case ("user", "=", value) if NAME.fullmatch(value):
                user = value
            case ("until", "=", value):
                until = _moment(value)
            case ("sessions", "=", value) if value.isdecimal() and int(value) > 0:
                sessions = int(value)
            case _:
                raise ValueError(f"{option[:80]!r} is not understood; should be: {FORM}")
    return ApiKey(name, Role(role), bytes.fromhex(hexed[1]), user, until, sessions)


def _moment(value: str) -> float:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("until= takes a time such as 2026-12-31T12:00:00Z") from None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
