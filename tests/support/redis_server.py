"""A plain redis-server for tests: started by hand on a Unix socket, stopped and brought back."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

PROGRAM = shutil.which("redis-server")

needs_redis = pytest.mark.skipif(PROGRAM is None, reason="needs redis-server")


class RedisServer:
    """A redis-server with its files in `folder`, which should have a short path."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/r.sock"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        assert PROGRAM is not None
        own = ["--port", "0", "--unixsocket", f"{self.folder}/r.sock", "--dir", str(self.folder)]
        keep = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        self._process = subprocess.Popen(
            [PROGRAM, *own, *keep, *self._options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        with Redis.from_url(self.url) as client:
            while self._process.poll() is None:
                try:
                    client.ping()
                    return
                except (AuthenticationError, ResponseError):
                    return
                except (RedisError, OSError):
                    continue
        raise AssertionError("redis-server ended at once")

    def kill(self) -> None:
        """As a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)
