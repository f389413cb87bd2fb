"""`overture scheduler` as its own process."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from outreach.inbox import Event, Inbox
from outreach.ledger import Ledger
from outreach.states import State
from overture.cli import main
from tests.support.overture_process import ROOT
from tests.support.redis_server import PROGRAM, RedisServer, needs_redis

PATIENCE = 60.0


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    if PROGRAM is None:
        pytest.skip("needs redis-server")
    folder = Path(tempfile.mkdtemp(prefix="ov"))
    server = RedisServer(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)


async def test_it_handles_events_and_ends_when_asked_to(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    overture = Path(sys.executable).parent / "overture"
    process = subprocess.Popen(
        [str(overture), "scheduler", str(ROOT / "agents" / "cafe")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ
        | {"OVERTURE_REDIS_URL": redis_server.url, "OVERTURE_DATA_DIR": str(tmp_path)},
    )
    redis = Redis.from_url(redis_server.url)
    try:
        inbox, ledger = Inbox(redis), Ledger(redis, "test")
        seconds, _ = await redis.time()
        told = Event(
            id="e1", type="order.ready", user="u42", time=float(seconds), data={"drink": "latte"}
        )
        await inbox.accept(told)
        async with asyncio.timeout(PATIENCE):
            while await inbox.outcome("e1") is None:
                assert process.poll() is None, process.stdout and process.stdout.read()
                await asyncio.sleep(0.05)
        (entry,) = await ledger.search(user="u42")
        assert (entry.outreach.rule, entry.state) == ("order_ready", State.PUBLISHED)
        await ledger.aclose()
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.to_thread(process.communicate, timeout=PATIENCE)
        assert process.returncode == 0, output.decode()
        assert "the scheduler of Lighthouse Coffee runs" in output.decode()
        assert "Traceback" not in output.decode()
    finally:
        process.kill()
        process.wait()
        await redis.aclose()


@needs_redis
def test_alone_it_needs_a_bus_that_others_are_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERTURE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OVERTURE_BUS", "memory")
    assert main(["scheduler", str(ROOT / "agents" / "cafe")]) == 2
    assert "OVERTURE_BUS=memory" in capsys.readouterr().err
