"""Which Redis is taken, and what is said about one that will not do."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sessions.connect import connect
from sessions.private_redis import RedisUnavailableError
from tests.support.redis_server import RedisServer


async def test_a_named_redis_is_used(redis_server: RedisServer) -> None:
    connection = await connect(redis_server.url, redis_server.folder)
    assert connection.durable
    assert connection.description == f"Redis at {redis_server.url}"
    await connection.aclose()


async def test_without_redis_server_the_line_says_that_nothing_survives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    connection = await connect(None, tmp_path)
    assert not connection.durable
    assert "nothing survives a restart" in connection.description
    assert "apt-get install redis-server" in connection.description
    await connection.client.set("a", "b")
    assert await connection.client.get("a") == b"b"
    await connection.aclose()


async def test_a_redis_that_evicts_is_refused_with_the_command_that_helps(
    start_redis: Callable[..., RedisServer],
) -> None:
    server = start_redis("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
    with pytest.raises(RedisUnavailableError, match="CONFIG SET maxmemory-policy noeviction"):
        await connect(server.url, server.folder)


async def test_a_policy_without_a_limit_never_evicts_and_is_accepted(
    start_redis: Callable[..., RedisServer],
) -> None:
    server = start_redis("--maxmemory-policy", "allkeys-lru")
    connection = await connect(server.url, server.folder)
    await connection.aclose()


async def test_a_missing_redis_is_reported_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(RedisUnavailableError, match="no Redis answers at") as missing:
        await connect("redis://user:secret@127.0.0.1:1/0", tmp_path)
    assert "secret" not in str(missing.value)


async def test_a_refused_login_is_told_from_a_missing_server(
    start_redis: Callable[..., RedisServer],
) -> None:
    server = start_redis("--requirepass", "secret")
    with pytest.raises(RedisUnavailableError, match=r"refuses the login.*USER:PASSWORD"):
        await connect(server.url, server.folder)


async def test_a_frozen_redis_is_reported_rather_than_waited_for(
    redis_server: RedisServer,
) -> None:
    redis_server.freeze()
    with pytest.raises(RedisUnavailableError, match="no Redis answers at"):
        await connect(redis_server.url, redis_server.folder)
    redis_server.thaw()


def test_fakeredis_is_not_imported_where_it_is_not_needed() -> None:
    code = "import sys, sessions.connect; sys.exit('fakeredis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
