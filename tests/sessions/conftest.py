"""A real redis-server for the tests of this room."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.redis_server import PROGRAM, RedisServer


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A temporary folder whose path leaves room for a socket's name."""
    folder = Path(tempfile.mkdtemp(prefix="ov"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start_redis(short_folder: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts a redis-server with further options; it ends with the test."""
    if PROGRAM is None:
        pytest.skip("needs redis-server")
    started: list[RedisServer] = []

    def start(*options: str) -> RedisServer:
        started.append(RedisServer(short_folder, *options))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def redis_server(start_redis: Callable[..., RedisServer]) -> RedisServer:
    """A running redis-server that the test may stop and start."""
    return start_redis()
