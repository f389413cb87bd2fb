"""`overture forget`: beside a server that runs, and when nothing does."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from overture.cli import main
from sessions.connect import connect
from sessions.context import SessionContext, new_context
from sessions.redis import RedisSessionStore
from tests.support.redis_server import needs_redis


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder with a record of two people; its path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="ov") as folder:
        monkeypatch.setenv("OVERTURE_DATA_DIR", folder)
        day = Path(folder) / "journal/2026-05-04"
        day.mkdir(parents=True)
        for session, user in (("sess_a", "u42"), ("sess_b", "u43")):
            path = day / f"{session}.120000-000000.jsonl"
            path.write_text(f'{{"format": 1, "user": "{user}"}}\n')
        yield Path(folder)


def context(session_id: str, user: str) -> SessionContext:
    return new_context(session_id=session_id, user=user, agent="cafe", agent_version="abc")


async def keep(data: Path, *contexts: SessionContext) -> None:
    """As a server would that ran before."""
    redis = await connect(None, data)
    for each in contexts:
        await RedisSessionStore(redis.client).save(each)
    await redis.aclose()


async def kept(data: Path, *session_ids: str) -> list[bool]:
    """Whether a server that is started now would know them."""
    redis = await connect(None, data)
    store = RedisSessionStore(redis.client)
    found = [await store.load(session_id) is not None for session_id in session_ids]
    await redis.aclose()
    return found


def record_names(data: Path) -> list[str]:
    return sorted(path.name.partition(".")[0] for path in data.glob("journal/*/*.jsonl"))


@needs_redis
def test_a_person_is_erased_when_nothing_runs(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(keep(data, context("sess_a", "u42"), context("sess_b", "u43")))
    assert main(["forget", "u42", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "would be erased  overture:session:{sess_a}" in said
    assert "u42: 1 keys, 1 records would be erased" in said
    assert asyncio.run(kept(data, "sess_a", "sess_b")) == [True, True]
    assert record_names(data) == ["sess_a", "sess_b"]
    assert main(["forget", "u42"]) == 0
    assert "u42: 1 keys, 1 records erased" in capsys.readouterr().out
    assert asyncio.run(kept(data, "sess_a", "sess_b")) == [False, True]
    assert record_names(data) == ["sess_b"]


@needs_redis
async def test_a_person_is_erased_beside_a_server_that_runs_and_talks_to_them(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = await connect(None, data)
    store = RedisSessionStore(running.client)
    live = context("sess_a", "u42")
    await store.save(live)
    await store.save(context("sess_b", "u43"))
    assert await asyncio.to_thread(main, ["forget", "u42"]) == 0
    assert "u42: 1 keys, 1 records erased" in capsys.readouterr().out
    await store.save(live)
    assert await store.load("sess_a") is None
    assert await store.load("sess_b") is not None
    await running.aclose()


def test_without_a_redis_server_the_records_go_and_it_says_what_stays(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["forget", "u42"]) == 0
    said = capsys.readouterr().out
    assert "u42: 0 keys, 1 records erased" in said
    assert "a server that runs keeps sessions in its own memory" in said
    assert record_names(data) == ["sess_b"]


def test_a_redis_that_is_away_is_told_and_nothing_is_said_to_be_erased(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERTURE_REDIS_URL", f"unix://{data}/nobody.sock")
    assert main(["forget", "u42"]) == 2
    said = capsys.readouterr()
    assert "'u42' is not forgotten: no Redis answers" in said.err
    assert "erased" not in said.out
    assert record_names(data) == ["sess_a", "sess_b"]
