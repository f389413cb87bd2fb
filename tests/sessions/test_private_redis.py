"""The private redis-server: its life is tied to ours, and two never share one file."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from sessions.connect import connect
from sessions.private_redis import PrivateRedis, RedisUnavailableError
from tests.support.redis_server import PROGRAM, RedisServer, needs_redis

pytestmark = needs_redis

STARTER = """
import asyncio, sys
from pathlib import Path
from sessions.connect import connect

async def main():
    connection = await connect(None, Path(sys.argv[1]))
    await connection.client.set("said", "hello")
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def start_other(data_dir: Path) -> subprocess.Popen[str]:
    """Another process that keeps a private Redis on `data_dir`; returns once it answers."""
    other = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    return other


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "redis/redis.pid").read_text())


async def until_gone(pid: int) -> None:
    """Returns when the process has ended; zombies count as ended."""
    status = Path(f"/proc/{pid}/stat")
    while status.exists() and ") Z " not in status.read_text():
        await asyncio.sleep(0.01)


async def until_it_answers(client: Redis) -> None:
    while True:
        try:
            await client.ping()
            return
        except (RedisError, OSError):
            await asyncio.sleep(0.01)


async def test_what_was_stored_is_there_after_a_restart(short_folder: Path) -> None:
    first = await connect(None, short_folder)
    await first.client.set("said", "hello")
    await first.aclose()
    second = await connect(None, short_folder)
    assert await second.client.get("said") == b"hello"
    assert second.durable
    await second.aclose()


async def test_it_opens_no_tcp_port_and_never_evicts(short_folder: Path) -> None:
    connection = await connect(None, short_folder)
    config = await connection.client.config_get("port", "maxmemory-policy", "appendonly")
    assert config == {"port": "0", "maxmemory-policy": "noeviction", "appendonly": "yes"}
    mode = (short_folder / "redis/redis.sock").stat().st_mode
    assert mode & 0o077 == 0
    await connection.aclose()


async def test_closing_ends_the_server(short_folder: Path) -> None:
    connection = await connect(None, short_folder)
    pid = server_pid(short_folder)
    await connection.aclose()
    assert not Path(f"/proc/{pid}").exists()


async def test_it_ends_when_its_process_is_killed_outright(short_folder: Path) -> None:
    other = start_other(short_folder)
    pid = server_pid(short_folder)
    other.kill()
    other.communicate()
    await until_gone(pid)
    after = await connect(None, short_folder)
    assert await after.client.get("said") == b"hello"
    await after.aclose()


async def test_a_server_left_behind_is_ended_before_another_opens_its_file(
    short_folder: Path,
) -> None:
    folder = short_folder / "redis"
    folder.mkdir()
    left_options = ("--unixsocket", f"{folder}/redis.sock", "--pidfile", f"{folder}/redis.pid")
    left = RedisServer(folder, *left_options)
    left.url = f"unix://{folder}/redis.sock"
    left.start()
    left.freeze()
    pid = server_pid(short_folder)
    connection = await connect(None, short_folder)
    await until_gone(pid)
    assert server_pid(short_folder) != pid
    left.kill()
    await connection.aclose()


async def test_a_stranger_with_the_number_of_a_past_server_is_left_alone(
    short_folder: Path,
) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    (short_folder / "redis").mkdir()
    (short_folder / "redis/redis.pid").write_text(str(stranger.pid))
    connection = await connect(None, short_folder)
    assert stranger.poll() is None
    await connection.aclose()
    stranger.kill()
    stranger.wait()


async def test_a_second_process_uses_the_firsts_server_and_takes_over_when_it_ends(
    short_folder: Path,
) -> None:
    other = start_other(short_folder)
    ours = await connect(None, short_folder)
    assert "shared with another Overture" in ours.description
    assert await ours.client.get("said") == b"hello"
    pid = server_pid(short_folder)
    other.kill()
    other.communicate()
    await until_gone(pid)
    await until_it_answers(ours.client)
    assert await ours.client.get("said") == b"hello"
    assert server_pid(short_folder) != pid
    await ours.aclose()


async def test_a_server_that_crashes_is_started_again(short_folder: Path) -> None:
    connection = await connect(None, short_folder)
    await connection.client.set("said", "hello")
    pid = server_pid(short_folder)
    os.kill(pid, signal.SIGTERM)
    await until_gone(pid)
    await until_it_answers(connection.client)
    assert await connection.client.get("said") == b"hello"
    await connection.aclose()


async def test_closing_insists_where_a_cancellation_is_swallowed(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PROGRAM is not None
    server = PrivateRedis(Path(PROGRAM), short_folder / "redis")
    await server.start()
    process = server._server
    assert process is not None
    waiting = process.wait

    async def swallowing() -> int:
        try:
            return await waiting()
        except asyncio.CancelledError:
            return await waiting()

    monkeypatch.setattr(process, "wait", swallowing)
    await asyncio.sleep(0)  # its keeper begins to wait
    async with asyncio.timeout(30):
        await server.aclose()
    assert process.returncode is not None


async def test_a_stopped_server_is_still_closed(short_folder: Path) -> None:
    connection = await connect(None, short_folder)
    pid = server_pid(short_folder)
    os.kill(pid, signal.SIGSTOP)
    await connection.aclose()
    assert not Path(f"/proc/{pid}").exists()


async def test_a_data_folder_with_a_long_path_works(tmp_path: Path) -> None:
    assert PROGRAM is not None
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    server = PrivateRedis(Path(PROGRAM), deep)
    await server.start()
    assert len(str(server.socket)) < 100
    assert server.socket.parent.stat().st_mode & 0o077 == 0
    await server.aclose()
    server.socket.parent.rmdir()


async def test_a_server_that_cannot_start_is_reported_with_what_it_said(
    short_folder: Path,
) -> None:
    folder = short_folder / "redis/appendonlydir"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(RedisUnavailableError, match=r"does not start: .* \(more in .*redis.log\)"):
        await connect(None, short_folder)


async def test_a_data_folder_that_cannot_be_made_is_reported(short_folder: Path) -> None:
    (short_folder / "file").touch()
    with pytest.raises(RedisUnavailableError, match="name another folder with OVERTURE_DATA_DIR"):
        await connect(None, short_folder / "file")
