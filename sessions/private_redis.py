"""A redis-server of our own: no TCP port, its files in the data folder, its life tied to ours.

Who may run it is settled by a file lock, which the system frees however its holder ends. A second
Overture on the same data folder uses the first one's server, and takes over when the first ends.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import IO

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sessions import die_with_parent
from sessions.ending import end

log = structlog.get_logger(__name__)

SOCKET_PATH_MAX = 100
"""Bytes of a Unix socket's path: Linux has room for 108, macOS for 104."""

READY_S = 10.0
"""Longest wait for a server: it reads its append-only file first, 100 MB in about a second."""

TAKE_OVER_S = 1.0
"""How often a second process looks whether the first one still runs the server."""


class RedisUnavailableError(Exception):
    """There is no Redis to use; the message says what to do."""


class PrivateRedis:
    """Keeps a redis-server running on `socket` until closed, and starts it again if it ends.

    folder: where the append-only file, the log and the lock are; it is made.
    program: path of redis-server.
    """

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self.socket = _socket_path(folder)
        self._lock: IO[str] | None = None
        self._server: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def owned(self) -> bool:
        """Whether this process runs the server, rather than using another one's."""
        return self._lock is not None

    async def start(self) -> None:
        """Returns when the server answers; raises RedisUnavailableError."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise RedisUnavailableError(
                f"cannot keep data in {self._folder}: {error.strerror}; "
                "name another folder with OVERTURE_DATA_DIR"
            ) from None
        try:
            if self._take_lock():
                await self._spawn()
            async with asyncio.timeout(READY_S):
                await self._ready()
        except BaseException as error:
            why = self._why_not_ready()  # asked before closing, which gives the lock back
            await self.aclose()
            if isinstance(error, TimeoutError | OSError):
                raise RedisUnavailableError(why) from error
            raise
        self._keeper = asyncio.create_task(self._keep(), name="private-redis")

    async def aclose(self) -> None:
        """Stops the server if it is ours; what was written is on the disk afterwards."""
        if self._keeper is not None:
            await end(self._keeper)
        if self._server is not None and self._server.returncode is None:
            self._server.send_signal(signal.SIGCONT)  # a stopped process would not hear the next
            self._server.terminate()
            try:
                async with asyncio.timeout(READY_S):
                    await self._server.wait()
            except TimeoutError:
                self._server.kill()
                await self._server.wait()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _keep(self) -> None:
        """Starts the server again when it ends, ours or the one we only used."""
        pause_s = 0.1
        while True:
            if self._server is not None:
                code = await self._server.wait()
                log.error("the private redis-server ended; starting it again", exit_code=code)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, 5.0)
            else:
                await asyncio.sleep(TAKE_OVER_S)
                if not self.owned and not self._take_lock():
                    continue
                log.info("taking over the private redis-server of another Overture that ended")
            try:
                await self._spawn()
                # Not wait_for: in Python 3.11 it swallows a cancellation that comes as it ends.
                async with asyncio.timeout(READY_S):
                    await self._ready()
                log.info("the private redis-server answers again")
            except (OSError, TimeoutError, RedisUnavailableError) as error:
                log.error("the private redis-server does not start", reason=str(error))

    def _take_lock(self) -> bool:
        lock = (self._folder / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._lock = lock
        return True

    async def _spawn(self) -> None:
        await self._end_leftover()
        self.socket.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "pidfile": str(self._folder / "redis.pid"),
            "logfile": str(self._folder / "redis.log"),
            "loglevel": "warning",
            "daemonize": "no",
            "appendonly": "yes",
            # A second of talk may be lost when the machine loses power; syncing each write would
            # cost a disk rotation a turn.
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        arguments = [part for key, value in options.items() for part in (f"--{key}", value)]
        self._server = await asyncio.create_subprocess_exec(
            # Without site-packages the helper is there in 20 ms.
            *(sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid())),
            *(str(self._program), *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            # Ctrl-C in a terminal goes to a whole process group; the server must outlive our
            # last writes.
            start_new_session=True,
        )

    async def _end_leftover(self) -> None:
        """Ends a server whose Overture is gone: two on one append-only file would destroy it."""
        pid = self._leftover_pid()
        if pid is None:
            return
        log.warning("ending a redis-server that another Overture left behind", pid=pid)
        for number in (signal.SIGCONT, signal.SIGTERM):
            _signal(pid, number)
        for _ in range(50):
            if self._leftover_pid() != pid:
                return
            await asyncio.sleep(0.1)
        _signal(pid, signal.SIGKILL)

    def _leftover_pid(self) -> int | None:
        """The process that the pid file names, if it is really a server on this folder.

        The command line tells: redis-server shows its socket there, and an unrelated process
        that got the same number does not.
        """
        try:
            pid = int((self._folder / "redis.pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self.socket) in command else None

    async def _ready(self) -> None:
        """Returns when the server answers, or raises if ours has ended."""
        once = Retry(NoBackoff(), 0)  # this loop does the trying
        async with Redis(
            unix_socket_path=str(self.socket), socket_timeout=1.0, retry=once
        ) as client:
            while True:
                try:
                    await client.ping()
                    return
                except (RedisError, OSError):
                    if self._server is not None and self._server.returncode is not None:
                        raise RedisUnavailableError(self._why_not_ready()) from None
                    await asyncio.sleep(0.005)

    def _why_not_ready(self) -> str:
        if not self.owned:
            return (
                f"another Overture uses {self._folder}, and its Redis does not answer; "
                "stop it, or name another folder with OVERTURE_DATA_DIR"
            )
        logfile = self._folder / "redis.log"
        lines = logfile.read_text("utf-8", "replace").splitlines() if logfile.exists() else []
        said = lines[-1] if lines else "it wrote no log"
        return f"the private redis-server does not start: {said} (more in {logfile})"


def _socket_path(folder: Path) -> Path:
    """In the folder, or below the temporary folder where that would be too long a path."""
    path = folder / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_MAX:
        return path
    short = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    place = Path(tempfile.gettempdir()) / f"overture-{os.getuid()}-{short}"
    place.mkdir(mode=0o700, exist_ok=True)
    found = place.lstat()
    if place.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RedisUnavailableError(
            f"{place} is not a private folder of this user; remove it, "
            "or choose a shorter OVERTURE_DATA_DIR"
        )
    return place / "redis.sock"


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
