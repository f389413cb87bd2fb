"""`overture keys`: who may reach the server, in a file that the server reads again by itself."""

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from overture.errors import UserError
from overture.exposure import is_loopback
from overture.settings import Settings, load_settings
from server.keys import FORM, ApiKey, KeysError, Role, digest_of, new_key, read_keys
from server.names import NAME

DAY_S = 86_400
MOST_DAYS = 3650
NEW_FILE = f"""# Who may use this Overture. {FORM}
# A line taken out is a key withdrawn, at once. docs/keys.md says more.
"""


def keys_settings() -> Settings:
    """The settings, as far as keys go: that an address is public is no mistake before there are
    any. Raises SettingsError."""
    return load_settings(host="127.0.0.1")


def new(name: str, role: str, user: str | None, days: int | None) -> str:
    """Makes a key; what to print. It is shown here and never again."""
    path = _path(keys_settings())
    key = _add(path, name, Role(role), user, days)
    return (
        f"{key}\n"
        f"The {role} key of {name}; it is shown only now. The server takes it if it runs with\n"
        f"    OVERTURE_KEYS_FILE={path}"
    )


def invite(user: str, days: int, at: str | None) -> str:
    """Makes a key for one person; the link that opens the page with it."""
    settings = load_settings(host=None if at is None else "127.0.0.1")
    address = at or _own_address(settings)
    key = _add(_path(settings), user, Role.CLIENT, user, days)
    return (
        f"{address.rstrip('/')}/#key={key}\n"
        f"Whoever has this link talks as {user} for {days} days. To end that earlier:\n"
        f"    overture keys withdraw {user}"
    )


def show() -> str:
    """A line for each key."""
    keys = _read(_path(keys_settings()))
    rows = [("NAME", "ROLE", "USER", "UNTIL"), *(_row(key) for key in keys)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ("  ".join(word.ljust(widths[at]) for at, word in enumerate(row)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _row(key: ApiKey) -> tuple[str, str, str, str]:
    until = ""
    if key.until is not None:
        over = " (over)" if key.until <= time.time() else ""
        until = f"{datetime.fromtimestamp(key.until, UTC):%Y-%m-%d %H:%M} UTC{over}"
    return key.name, key.role.value, key.user or "*", until


def withdraw(name: str) -> str:
    """Takes a key's line out of the file."""
    path = _path(keys_settings())
    if name not in {key.name for key in _read(path)}:
        raise UserError(f"{path}: there is no key of the name {name!r}; see `overture keys list`")
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if line.partition("#")[0].split()[:1] != [name]]
    _replace(path, "".join(kept))
    return f"{name} is withdrawn: its client secrets are no good any more, and its sessions end."


def _path(settings: Settings) -> Path:
    return settings.keys_file or settings.data_dir / "keys"


def _own_address(settings: Settings) -> str:
    """Known only where no proxy and no other name stands between."""
    scheme = "http" if settings.tls_cert is None else "https"
    if not is_loopback(settings.host):
        raise UserError("say where people open the page: --at https://talk.example.org")
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{settings.port}"


def _add(path: Path, name: str, role: Role, user: str | None, days: int | None) -> str:
    for given in (name, user):
        if given is not None and not NAME.fullmatch(given):
            raise UserError(f"{given!r}: a name has up to 128 letters, digits and . _ @ : + -")
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise UserError(f"--days {days}: should be from 1 to {MOST_DAYS}")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(NEW_FILE)
    elif name in {key.name for key in _read(path)}:
        raise UserError(f"{path}: there is a key of the name {name!r} already")
    until = None if days is None else float(int(time.time()) + days * DAY_S)
    key = new_key()
    line = ApiKey(name, role, digest_of(key), user, until).line()
    before = path.read_text()
    joint = "" if before.endswith("\n") or not before else "\n"
    _replace(path, f"{before}{joint}{line}\n")
    return key


def _read(path: Path) -> tuple[ApiKey, ...]:
    try:
        return read_keys(path)
    except KeysError as error:
        raise UserError(str(error)) from None


def _replace(path: Path, text: str) -> None:
    """All at once, as a server may read it at any moment, and for the same people to read."""
    old = path.stat()
    draft = path.with_name(path.name + ".new")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    try:
        shutil.copymode(path, draft)
        os.chown(draft, old.st_uid, old.st_gid)
        draft.replace(path)
    except OSError as error:
        draft.unlink()
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
