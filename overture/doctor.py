"""`overture doctor`: looks at everything Overture needs, and says what to do about it."""

import asyncio
import contextlib
import http.client
import importlib
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from overture.doctor_door import examine_door, https_connection
from overture.errors import UserError
from overture.findings import Finding, Status
from overture.settings import Settings, load_settings, unknown_variables

LOW_DISK_MB = 500
"""Free space from which on a warning is due: models and journals of a week's talk fit into it."""


def examine(agent: Path | None, *, port: int | None = None) -> Iterator[Finding]:
    """Each finding as it is made. agent: its folder, None for the demo agent."""
    # An older Python than is needed would not have come this far.
    yield Finding(Status.OK, f"Python {sys.version.split()[0]}")
    try:
        settings = load_settings(port=port)
        yield Finding(Status.OK, "settings")
    except UserError as error:
        for line in str(error).splitlines():
            yield Finding(Status.FAIL, f"setting {line.partition('=')[0]}", line)
        return
    for name, meant in unknown_variables().items():
        advice = f"did you mean {meant}?" if meant else "unset it; docs/settings.md lists them all"
        yield Finding(Status.WARN, f"{name} means nothing", advice)
    yield from _agent(agent)
    yield from _engines(settings)
    yield _audio_files()
    yield from _data_folder(settings.data_dir)
    yield _redis(settings)
    yield from examine_door(settings)
    yield _port(settings)
    yield _clock()


def report(findings: Iterator[Finding]) -> int:
    """Prints the findings as they come; 1 if any is a failure, else 0."""
    worst = 0
    for finding in findings:
        print(f"{finding.status.value:>4}  {finding.what}", flush=True)
        if finding.advice:
            print(f"      -> {finding.advice}")
        worst = max(worst, int(finding.status is Status.FAIL))
    return worst


def _agent(folder: Path | None) -> Iterator[Finding]:
    from overture.agent_folder import AgentFolderError, load_agent
    from overture.cli import default_agent

    try:
        folder = folder or default_agent()
        agent = load_agent(folder)
    except AgentFolderError as error:
        for problem in error.problems:
            yield Finding(Status.FAIL, f"agent folder {folder}", str(problem))
    except UserError as error:
        yield Finding(Status.FAIL, "agent folder", str(error))
    else:
        counts = f"{len(agent.documents)} documents, {len(agent.intents)} intents files"
        yield Finding(Status.OK, f"agent {agent.name}: {counts}")
        for notice in agent.notices:
            yield Finding(Status.WARN, notice)
        yield from _tools(folder / "tools.py")


def _tools(path: Path) -> Iterator[Finding]:
    from overture.tools import ToolsError, load_tools

    if not path.is_file():
        return
    try:
        names = [tool.name for tool in load_tools(path).tools]
    except ToolsError as error:
        for problem in error.problems:
            yield Finding(Status.FAIL, "the agent's functions", str(problem))
    else:
        yield Finding(Status.OK, f"the agent's functions: {', '.join(names) or 'none'}")


def _engines(settings: Settings) -> Iterator[Finding]:
    locked = "install the locked packages: script/server does"
    yield _module("voice activity", "onnxruntime", locked)
    from overture.speech_doctor import speech_findings
    from voice.silero_model import SileroModelError, model_path

    try:
        model_path()
    except SileroModelError as error:
        yield Finding(Status.FAIL, "voice activity model", str(error))
    yield _module("recognizer pocketsphinx", "pocketsphinx", locked)
    yield from speech_findings(settings)
    yield _module("search", "tantivy", locked)
    if settings.llm_url is not None:
        yield _language_model(settings)


def _module(what: str, name: str, advice: str) -> Finding:
    """Imported for real: a package can be there and its library not load."""
    try:
        importlib.import_module(name)
    except Exception as error:  # whatever a broken package does at import is what we look for
        return Finding(Status.FAIL, f"{what}: {name} does not load ({error})", advice)
    return Finding(Status.OK, what)


def _language_model(settings: Settings) -> Finding:
    """Asks it one short question: only an answer shows that URL, model and key are right."""
    from knowledge.openai_chat import ChatError
    from knowledge.openai_chat.answerer import TOOLS_ADVICE
    from overture.language_model import shown, try_out

    what = f"language model {shown(settings)}"
    try:
        seconds, refusal = asyncio.run(try_out(settings))
    except ChatError as error:
        key = settings.llm_key.get_secret_value()
        said = error.detail.replace(key, "***") if key else error.detail
        advice = f"it says: {said}" if said else "is it running, and is OVERTURE_LLM_URL right?"
        return Finding(Status.FAIL, f"{what} {error}", advice)
    told = f"{what}: first words after {seconds:.1f} s"
    advice = f"it refuses functions ({refusal}): {TOOLS_ADVICE}" if refusal else ""
    if seconds > settings.llm_timeout_s:
        advice = (
            "slower than OVERTURE_LLM_TIMEOUT_S, so the documents would answer; ask again now that "
            "it is loaded, or take a smaller model"
        )
    return Finding(Status.WARN if advice else Status.OK, told, advice)


def _audio_files() -> Finding:
    advice = (
        "install the locked packages, and on systems without wheels: apt-get install libsndfile1"
    )
    for name in ("soundfile", "soxr"):
        finding = _module("audio files (soundfile, soxr)", name, advice)
        if finding.status is Status.FAIL:
            return finding
    return finding


def _data_folder(folder: Path) -> Iterator[Finding]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        advice = "make it writable, or name another with OVERTURE_DATA_DIR"
        yield Finding(Status.FAIL, f"data folder {folder}: {error.strerror}", advice)
        return
    yield Finding(Status.OK, f"data folder {folder}")
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < LOW_DISK_MB:
        advice = "make room, or name a folder elsewhere with OVERTURE_DATA_DIR"
        yield Finding(Status.WARN, f"{free_mb} MB are free for {folder}", advice)


def _redis(settings: Settings) -> Finding:
    from sessions.connect import connect
    from sessions.private_redis import RedisUnavailableError

    async def look() -> Finding:
        connection = await connect(settings.redis_url, settings.data_dir)
        await connection.aclose()
        if connection.durable:
            return Finding(Status.OK, connection.description)
        what, _, advice = connection.description.partition(". ")
        return Finding(Status.WARN, f"Redis: {what}", advice)

    try:
        return asyncio.run(look())
    except RedisUnavailableError as error:
        return Finding(Status.FAIL, "Redis", str(error))


def _port(settings: Settings) -> Finding:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    place = f"port {settings.port} on {settings.host}"
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
            return Finding(Status.OK, f"{place} is free")
        except OSError as error:
            reason = error.strerror or str(error)
    if _overture_runs_at(settings):
        return Finding(Status.OK, f"{place}: an Overture is running there")
    advice = "choose another with --port or OVERTURE_PORT, or stop what uses it"
    return Finding(Status.FAIL, f"{place}: {reason}", advice)


def _overture_runs_at(settings: Settings) -> bool:
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=2)
    if settings.tls_cert is not None:
        connection = https_connection(settings)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/readyz")
        return connection.getresponse().status in {200, 503}
    return False


def _clock() -> Finding:
    """A clock before our own files were written makes every expiry and log line wrong."""
    written = Path(__file__).stat().st_mtime
    now = time.time()
    if now < written - 86_400:
        shown = time.strftime("%Y-%m-%d", time.gmtime(now))
        return Finding(Status.FAIL, f"the clock says {shown}", "set it: timedatectl set-ntp true")
    return Finding(Status.OK, "clock")
