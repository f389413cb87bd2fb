"""The server that is measured: started here or found by its address, and what it costs."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import psutil

from bench.wire import Target

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT = 60.0
"""Seconds to become ready: the first start builds the recognizer's language model."""

OVERTURE = (str(Path(sys.executable).parent / "overture"),)
"""The program as people start it."""


class NoServerError(RuntimeError):
    """The server is not there or did not start; the message says why and shows its last lines."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The process tree's use so far. cpu_seconds: user and system; rss: resident bytes."""

    cpu_seconds: float
    rss: int
    main_rss: int


class ServerUnderTest:
    """A running server. pid is None when it is on another machine: then costs are unknown.

    model: what it is asked for. key: for a server that wants one. other: not Overture, so that
    nothing of ours is asked of it.
    """

    def __init__(
        self,
        base: str,
        pid: int | None,
        *,
        model: str = "cafe",
        key: str = "",
        other: bool = False,
    ) -> None:
        """base: `http://HOST:PORT`."""
        self.base = base
        self.pid = pid
        self.model = model
        self.other = other
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def target(self, user: str) -> Target:
        """Where a client of that name connects."""
        asked = {"model": self.model} | ({} if self.other else {"user": user})
        return Target(self.base, urlencode(asked), self._headers)

    def cost(self) -> Cost | None:
        """CPU and memory of the server and its children; None when they cannot be seen."""
        if self.pid is None:
            return None
        try:
            main = psutil.Process(self.pid)
            tree = [main, *main.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise NoServerError(f"the server (pid {self.pid}) has ended") from None
        cpu, rss = 0.0, 0
        for process in tree:
            try:
                times, memory = process.cpu_times(), process.memory_info()
            except psutil.NoSuchProcess:
                continue
            cpu += times.user + times.system
            rss += memory.rss
        return Cost(cpu, rss, main.memory_info().rss)

    async def loop_lag(self) -> dict[float, float]:
        """Cumulative counts of the event loop's lag by upper bound in seconds; {} if unknown."""
        if self.other:
            return {}
        async with httpx.AsyncClient() as http:
            try:
                text = (await http.get(f"{self.base}/metrics", timeout=5)).text
            except httpx.HTTPError:
                return {}
        counts: dict[float, float] = {}
        for line in text.splitlines():
            if line.startswith("overture_event_loop_lag_seconds_bucket{"):
                labels, value = line.rsplit(" ", 1)
                bound = labels.split('le="')[1].split('"')[0]
                counts[float(bound)] = counts.get(float(bound), 0.0) + float(value)
        return counts


@asynccontextmanager
async def server(
    url: str | None,
    recognizer: str,
    program: Sequence[str] = OVERTURE,
    *,
    agent: str = "agents/cafe",
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[ServerUnderTest]:
    """The server at `url` (http or ws), or one started for this and stopped afterwards.

    recognizer: "embedded" or "scripted"; only matters to a server that is started here.
    program: what starts it. agent: its folder. settings: more environment for it.
    Raises NoServerError.
    """
    if url is not None:
        yield found(url)
        return
    with tempfile.TemporaryDirectory(prefix="overture-bench-") as folder:
        port = free_port()
        environment = os.environ | {
            "OVERTURE_PORT": str(port),
            "OVERTURE_HOST": "127.0.0.1",
            "OVERTURE_DATA_DIR": folder,
            "OVERTURE_RECOGNIZER": "scripted" if recognizer == "scripted" else "pocketsphinx",
            **(settings or {}),
        }
        command = [*program, "serve", agent]
        log = Path(folder) / "bench-server.log"
        process = launch(command, environment, log)
        try:
            under_test = ServerUnderTest(f"http://127.0.0.1:{port}", process.pid)
            await ready(under_test.base, process, log)
            yield under_test
        finally:
            stop(process)


def launch(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Starts a server from the checkout's root, its output in `log`."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )


async def ready(base: str, process: subprocess.Popen[bytes], log: Path) -> float:
    """Waits for /readyz to answer 200; the seconds it took. Raises NoServerError."""
    began = time.monotonic()
    async with httpx.AsyncClient() as http:
        while time.monotonic() - began < START_LIMIT:
            if process.poll() is not None:
                break
            try:
                if (await http.get(f"{base}/readyz", timeout=2)).status_code == 200:
                    return time.monotonic() - began
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.02)
    tail = await asyncio.to_thread(_last_lines, log)
    raise NoServerError("\n".join([f"{base} did not become ready; its last lines:", *tail]))


def _last_lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-15:]


def stop(process: subprocess.Popen[bytes]) -> None:
    """Asks the server to stop; after ten seconds it is made to."""
    if process.poll() is not None:
        return
    children = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in children:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue


def found(url: str, *, model: str = "cafe", key: str = "", other: bool = False) -> ServerUnderTest:
    """The server at `url`; its process is known when it listens on this machine."""
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if scheme not in ("http", "https") or parts.hostname is None:
        raise NoServerError(f"{url} is no address; give it as http://127.0.0.1:8000")
    port = parts.port or (443 if scheme == "https" else 80)
    pid = listener(parts.hostname, port)
    base = f"{scheme}://{parts.hostname}:{port}"
    return ServerUnderTest(base, pid, model=model, key=key, other=other)


def listener(host: str, port: int) -> int | None:
    """The process that listens on `port` of this machine; None when it cannot be seen."""
    if host not in ("127.0.0.1", "localhost", "::1"):
        return None
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and port in connection.laddr[1:]:
            return connection.pid
    return None


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
