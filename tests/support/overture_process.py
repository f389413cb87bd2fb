"""Overture as people start it: its own process, the demo agent, a free port."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 60


def free_port() -> int:
    """One that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def overture_serving(data: Path, port: int) -> Iterator[str]:
    """Yields the address once /readyz says so; stopped by SIGTERM afterwards."""
    with overture_process(data, port) as (address, _):
        yield address


@contextlib.contextmanager
def overture_process(
    data: Path, port: int, **environment: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The same, with the process, which the test may kill."""
    data.mkdir(exist_ok=True)
    log = data / "serve.log"
    overture = Path(sys.executable).parent / "overture"
    command = [str(overture), "serve", str(ROOT / "agents" / "cafe")]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=os.environ | environment | {"OVERTURE_DATA_DIR": str(data)},
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _await_ready(address, process, log)
        yield address, process
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _await_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"overture serve ended with {process.returncode}:\n{_tail(log)}")
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)  # a process's start can only be polled
    raise RuntimeError(f"overture serve was not ready in {READY_WITHIN_S} s:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
