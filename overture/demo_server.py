"""A server for a demo: `overture serve` on a copy of an agent, its data in a folder that goes."""

import asyncio
import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from overture.errors import UserError
from overture.settings import PREFIX

READY_S = 60.0
"""The first start on a machine builds what the speech engines need."""
STOP_S = 15.0
_LISTENING = re.compile(r"is listening at (\S+)$")


@dataclass(frozen=True, slots=True)
class DemoServer:
    """It runs. address: http://127.0.0.1:PORT. agent: the copy, which may be edited."""

    address: str
    agent: Path


@asynccontextmanager
async def demo_server(
    agent: Path, changes: Mapping[str, tuple[str, str]], **settings: str
) -> AsyncIterator[DemoServer]:
    """Starts one on a free loopback port, and ends it with all its data.

    changes: by file of the agent's folder, a piece of its text and what stands there instead in
    the copy. settings: OVERTURE_... variables; those of this process do not count. Raises UserError
    when it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="overture-demo-", ignore_cleanup_errors=True) as folder:
        copy = _copied(agent, Path(folder), changes)
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        data = {"OVERTURE_DATA_DIR": str(Path(folder) / "data")}
        log = Path(folder) / "serve.log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "import overture.cli as c; raise SystemExit(c.main())"),
                *("serve", str(copy), "--port", "0"),
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=own | data | settings,
            )
        try:
            yield DemoServer(await _address(process, log), copy)
        finally:
            await _stop(process)


def _copied(agent: Path, folder: Path, changes: Mapping[str, tuple[str, str]]) -> Path:
    copy = folder / agent.resolve().name
    shutil.copytree(agent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for file, (before, after) in changes.items():
        replace_in(copy / file, before, after)
    return copy


def replace_in(file: Path, before: str, after: str) -> None:
    """Edits a file of the copy; raises UserError if it is not what the demo takes it for."""
    text = file.read_text(encoding="utf-8")
    if text.count(before) != 1:
        raise UserError(f"{file.name}: the demo looks for '{before}' in it, once")
    file.write_text(text.replace(before, after), encoding="utf-8")


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            async for line in process.stdout:
                if found := _LISTENING.search(line.decode(errors="replace").rstrip()):
                    return found[1]
    except TimeoutError:
        pass
    raise UserError(f"the demo's server did not start:\n{_last_lines(log)}")


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
