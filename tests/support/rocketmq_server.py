"""A real RocketMQ for tests, by script/rocketmq: one for a whole run, killed and started again.

Where it cannot run (no Java or Maven), tests that need it are left out and say so; in CI they fail.
"""

import atexit
import functools
import os
import random
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "script" / "rocketmq"
START_S = 600
"""The first start on a machine fetches 100 MB."""
# What lies how far from the gRPC port: proxy's remoting, name server, broker's three.
OTHER_PORTS = (-1, 1795, 2828, 2830, 2831)


def unable() -> str:
    """Why no RocketMQ can run here, "" if one can."""
    missing = [program for program in ("java", "javac", "mvn") if shutil.which(program) is None]
    return f"needs {', '.join(missing)} to start a real RocketMQ" if missing else ""


def skip_unless_able() -> None:
    """Leaves the test out where RocketMQ cannot run; in CI it must."""
    if why := unable():
        if os.environ.get("CI"):
            pytest.fail(f"{why}: apt-get install default-jdk-headless maven")
        pytest.skip(f"left out: the bus over RocketMQ. It {why}")


class RocketMQServer:
    """One process of about 400 MB, on ports of its own, with its data in a temporary folder."""

    def __init__(self) -> None:
        self._data = Path(tempfile.mkdtemp(prefix="ov-rocketmq-"))
        self.port = _free_port()
        self.url = f"rocketmq://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when clients may come."""
        done = self._script("start")
        if done.returncode:
            log = self._data / "log"
            more = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise AssertionError(f"script/rocketmq start failed:\n{done.stderr}\n{more}")

    def kill(self) -> None:
        """As a crash would: with -9, by its own process id."""
        done = self._script("stop")
        assert done.returncode == 0, done.stderr

    def status(self) -> str:
        """What the script says of it."""
        return self._script("status").stderr

    def remove(self) -> None:
        """Ends it, and its data."""
        self.kill()
        shutil.rmtree(self._data, ignore_errors=True)

    def _script(self, action: str) -> subprocess.CompletedProcess[str]:
        # To a file, not a pipe: the server inherits what the script writes to, and lives on.
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(
                [SCRIPT, action, "--port", str(self.port), "--data", str(self._data)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                timeout=START_S,
                check=False,
            )
            said.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, "", said.read())


@functools.cache
def shared_rocketmq() -> RocketMQServer:
    """One for all tests of this process. Each uses topics of its own; who kills it, mends it."""
    server = RocketMQServer()
    atexit.register(server.remove)
    server.start()
    return server


def _free_port() -> int:
    """A gRPC port whose other ports are free as well."""
    for _ in range(200):
        # Below what the system gives to outgoing connections, which could take one meanwhile.
        port = random.randrange(10_000, 29_000)
        if all(_is_free(port + other) for other in (0, *OTHER_PORTS)):
            return port
    raise AssertionError("no free ports for RocketMQ")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
