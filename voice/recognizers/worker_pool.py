"""A few worker processes that turn bytes into bytes, for engines that hold the GIL.

A message is its length in four bytes, little-endian, then the message. A worker reads requests
on standard input and answers each on standard output, in order; it says READY once. When the
parent dies, however it dies, the worker's input ends and it exits.
"""

import asyncio
import contextlib
import logging
import os
import struct
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

READY = b"ready"
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""Four minutes of 16 kHz PCM; a longer length is a broken stream, not a message."""

_LENGTH = struct.Struct("<I")
_ROOT = Path(__file__).resolve().parents[2]
_RESTART_PAUSE = 0.5  # seconds between starts that fail, so that a broken engine costs little

log = logging.getLogger(__name__)


class WorkerError(Exception):
    """A worker died, hung or could not start; or the pool is full or closed."""


def read_message(stream: BinaryIO) -> bytes | None:
    """In a worker: the next request, None when the parent is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None


def write_message(stream: BinaryIO, message: bytes) -> None:
    """In a worker: answers one request."""
    stream.write(_LENGTH.pack(len(message)) + message)
    stream.flush()


@dataclass(slots=True)
class _Job:
    request: bytes
    answer: asyncio.Future[bytes] = field(default_factory=asyncio.Future)


class WorkerPool:
    """Owned worker processes behind one bounded queue.

    Jobs are taken in order. A job whose caller was cancelled is dropped when it has not begun;
    one that has begun runs out and its answer is dropped. A worker that dies or hangs fails the
    job it had, and is replaced.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        workers: int,
        max_waiting: int = 64,
        job_timeout: float = 20.0,
        start_timeout: float = 20.0,
    ) -> None:
        """module: run with `python -m` and `arguments`. The timeouts are seconds."""
        self._command = (sys.executable, "-P", "-m", module, *arguments)
        self._job_timeout = job_timeout
        self._start_timeout = start_timeout
        self._max_waiting = max_waiting
        self._waiting: deque[_Job] = deque()
        self._work = asyncio.Condition()
        self._workers = workers
        self._tasks: list[asyncio.Task[None]] = []
        self._processes: set[asyncio.subprocess.Process] = set()
        self._closed = False

    @property
    def process_ids(self) -> frozenset[int]:
        """Of the workers that live now."""
        return frozenset(p.pid for p in self._processes if p.returncode is None)

    async def start(self) -> None:
        """Returns when every worker is ready; raises WorkerError with what the first one said."""
        try:
            async with asyncio.TaskGroup() as starting:
                starts = [starting.create_task(self._spawn()) for _ in range(self._workers)]
        except* WorkerError as errors:
            await self.aclose()
            raise errors.exceptions[0] from None
        self._tasks = [asyncio.create_task(self._serve(start.result())) for start in starts]

    async def ask(self, request: bytes) -> bytes:
        """A worker's answer. Raises WorkerError; cancelling gives the job up."""
        if self._closed or not self._tasks:
            raise WorkerError("the workers are not running; start the recognizer first")
        if len(self._waiting) >= self._max_waiting:
            raise WorkerError(f"{self._max_waiting} jobs wait already; add workers or talk less")
        job = _Job(request)
        self._waiting.append(job)
        async with self._work:
            self._work.notify()
        return await job.answer

    async def aclose(self) -> None:
        """Kills the workers and fails what waits."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in list(self._processes):
            await self._kill(process)
        while self._waiting:
            _fail(self._waiting.popleft(), "the recognizer was closed")

    async def _serve(self, process: asyncio.subprocess.Process) -> None:
        """One worker's life: takes jobs until cancelled, and replaces the process when it fails."""
        while True:
            job = await self._next_job()
            try:
                answer = await self._exchange(process, job.request)
            except WorkerError as error:
                log.warning("worker %d replaced: %s", process.pid, error)
                _fail(job, str(error))
                await self._kill(process)
                process = await self._replace()
            except asyncio.CancelledError:
                _fail(job, "the recognizer was closed")
                raise
            else:
                if not job.answer.done():
                    job.answer.set_result(answer)

    async def _next_job(self) -> _Job:
        async with self._work:
            while True:
                while self._waiting:
                    job = self._waiting.popleft()
                    if not job.answer.done():
                        return job
                await self._work.wait()

    async def _exchange(self, process: asyncio.subprocess.Process, request: bytes) -> bytes:
        assert process.stdin is not None
        try:
            async with asyncio.timeout(self._job_timeout):
                process.stdin.write(_LENGTH.pack(len(request)) + request)
                await process.stdin.drain()
                return await _read(process)
        except TimeoutError:
            raise WorkerError(f"the worker hung for {self._job_timeout:g} s") from None
        except OSError as error:
            raise WorkerError(f"the worker died ({error})") from error

    async def _replace(self) -> asyncio.subprocess.Process:
        while True:
            try:
                return await self._spawn()
            except WorkerError as error:
                log.error("a worker does not start again: %s", error)
                while self._waiting:
                    _fail(self._waiting.popleft(), str(error))
                await asyncio.sleep(_RESTART_PAUSE)

    async def _spawn(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1"},
        )
        self._processes.add(process)
        try:
            async with asyncio.timeout(self._start_timeout):
                first = await _read(process)
            if first != READY:
                raise WorkerError(f"the worker could not start: {first.decode(errors='replace')}")
        except TimeoutError:
            await self._kill(process)
            raise WorkerError(f"the worker was not ready in {self._start_timeout:g} s") from None
        except BaseException:
            await self._kill(process)
            raise
        return process

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        self._processes.discard(process)


async def _read(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    try:
        (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
        if length > MAX_MESSAGE_BYTES:
            raise WorkerError(f"the worker answered with {length} bytes, which cannot be")
        return await process.stdout.readexactly(length)
    except asyncio.IncompleteReadError:
        raise WorkerError(f"the worker died (exit status {await process.wait()})") from None


def _fail(job: _Job, reason: str) -> None:
    if not job.answer.done():
        job.answer.set_exception(WorkerError(reason))
