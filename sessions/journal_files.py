"""The journal as files: `FOLDER/YYYY-MM-DD/SESSION.HHMMSS-ffffff.jsonl`, one a live session.

Lines are handed over on the event loop and written by one thread, every half second: that is what
a crash loses. Only their owner can read them, as they hold people's words. Days are UTC.
"""

import os
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import time

import orjson
import structlog

from sessions.journal import BROKEN_OFF, Heading, Record

log = structlog.get_logger(__name__)

SUFFIX = ".jsonl"
FLUSH_S = 0.5
"""Seconds that lines are gathered before they are written."""
MAX_WAITING = 16 << 20
"""Bytes that may wait for the disk, of all sessions: minutes of a hundred conversations."""
SWEEP_S = 3600.0
"""Seconds between two looks for days that are over."""


class _File:
    """One session's file. waiting: lines for the thread; the journal's lock guards them."""

    __slots__ = ("_journal", "broken", "made", "path", "waiting")

    def __init__(self, journal: "JournalFiles", path: Path) -> None:
        self._journal = journal
        self.path = path
        self.waiting: list[bytes] = []
        self.made = False
        self.broken = False

    def write(self, line: bytes) -> None:
        """See Lines."""
        self._journal.hand_over(self, line)

    def break_off(self, reason: str) -> None:
        """See Lines."""
        self._journal.break_off(self, reason)


class JournalFiles:
    """Records below `folder`, kept for `days`. `start` it first, `close` it last.

    max_waiting: bytes that may wait; beyond it the session that wrote last is kept no further,
        which is counted, said once in the log and at the end of its record.
    clock: Unix time.
    """

    def __init__(
        self,
        folder: Path,
        days: int,
        *,
        flush_s: float = FLUSH_S,
        max_waiting: int = MAX_WAITING,
        clock: Callable[[], float] = time,
    ) -> None:
        self._folder = folder
        self._days = days
        self._flush_s = flush_s
        self._max_waiting = max_waiting
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[_File, None] = {}
        self._waiting_bytes = 0
        self._work = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self.broken_off = 0
        """Sessions whose record could not be kept up."""

    def start(self) -> None:
        """Begins to write, and removes days that are over. Raises OSError for a bad folder."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._thread.start()

    def close(self) -> None:
        """Writes what waits; may take as long as the disk does."""
        self._closing.set()
        self._work.set()
        self._thread.join()

    def begin(self, heading: Heading) -> Record | None:
        """See Journal."""
        at = datetime.fromtimestamp(heading.began, UTC)
        name = f"{heading.session}.{at:%H%M%S-%f}{SUFFIX}"
        return Record(_File(self, self._folder / f"{at:%Y-%m-%d}" / name), heading)

    def hand_over(self, file: _File, line: bytes) -> None:
        """A line for the thread."""
        with self._lock:
            if file.broken:
                return
            fits = self._waiting_bytes + len(line) <= self._max_waiting
            if fits:
                self._put(file, line)
        if not fits:
            self.break_off(file, "the disk did not keep up")

    def break_off(self, file: _File, reason: str) -> None:
        """Nothing more of this session, but that."""
        with self._lock:
            if file.broken:
                return
            file.broken = True
            # Beyond the bound, but short, and once a session.
            self._put(file, orjson.dumps(["n", None, BROKEN_OFF, {"reason": reason}]) + b"\n")
        self._count_broken(reason)

    def _put(self, file: _File, line: bytes) -> None:
        file.waiting.append(line)
        self._waiting[file] = None
        self._waiting_bytes += len(line)
        if not self._work.is_set():
            self._work.set()

    def _count_broken(self, reason: str) -> None:
        self.broken_off += 1
        if self.broken_off == 1:
            log.error("the journal is not kept up; some sessions have none", reason=reason)

    # The thread

    def _run(self) -> None:
        swept = float("-inf")
        while True:
            if self._clock() >= swept + SWEEP_S:
                swept = self._clock()
                self._sweep()
            self._work.wait(SWEEP_S)
            self._closing.wait(self._flush_s)
            closing = self._closing.is_set()
            self._work.clear()
            self._flush()
            if closing:
                return

    def _flush(self) -> None:
        with self._lock:
            batches = []
            for file in self._waiting:
                batches.append((file, b"".join(file.waiting)))
                file.waiting.clear()
            self._waiting.clear()
        for file, lines in batches:
            try:
                self._append(file, lines)
            except FileNotFoundError:
                file.broken = True  # erased, by `overture forget` or by hand: it stays so
            except OSError as error:
                if not file.broken:
                    file.broken = True
                    self._count_broken(str(error))
            with self._lock:
                self._waiting_bytes -= len(lines)

    def _append(self, file: _File, lines: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        if not file.made:
            file.path.parent.mkdir(exist_ok=True, mode=0o700)
            flags |= os.O_CREAT | os.O_EXCL
        # Opened anew each time: sessions may be many, and open files are few.
        descriptor = os.open(file.path, flags, 0o600)
        try:
            file.made = True
            while lines:
                lines = lines[os.write(descriptor, lines) :]
        finally:
            os.close(descriptor)

    def _sweep(self) -> None:
        first = datetime.fromtimestamp(self._clock(), UTC).date() - timedelta(days=self._days)
        for folder in days(self._folder):
            if date.fromisoformat(folder.name) < first:
                try:
                    shutil.rmtree(folder)
                except OSError as error:
                    log.warning("old records cannot be removed", reason=str(error))


def days(folder: Path) -> list[Path]:
    """The folders of the days that have records, oldest first; other things are left alone."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            date.fromisoformat(path.name)
        except ValueError:
            continue
        if path.is_dir():
            found.append(path)
    return sorted(found)


def records(folder: Path) -> list[Path]:
    """Every record below the journal's folder, oldest day first."""
    return [path for day in days(folder) for path in sorted(day.glob(f"*{SUFFIX}"))]


def session_of(path: Path) -> str:
    """The session whose record that file is."""
    return path.name.removesuffix(SUFFIX).rpartition(".")[0]
