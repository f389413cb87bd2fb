"""Command line options that the benches share, and where their results go."""

import argparse
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

import uvloop

from bench.figures import Figures, ratios
from bench.machine import facts
from bench.realtime_client import NoEventError
from bench.recordings import RecordingsError, default_folder
from bench.server_under_test import NoServerError, ServerUnderTest, found, server
from bench.text_socket import ConnectionFailedError
from bench.transports import TRANSPORTS

PROBLEMS = (NoServerError, ConnectionFailedError, NoEventError, RecordingsError)
"""What a person can mend: told in a line, without a traceback."""


def parser(description: str | None, *, chooses_server: bool = True) -> argparse.ArgumentParser:
    """--data, --json, --compare; and --url, --recognizer if it `chooses_server`."""
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--data",
        type=Path,
        default=default_folder(),
        metavar="DIR",
        help="folder with labels.json and audio/ (default: the shared spoken-orders)",
    )
    options.add_argument("--json", type=Path, metavar="OUT", help="write everything there")
    options.add_argument("--compare", type=Path, metavar="EARLIER", help="print ratios to it")
    if chooses_server:
        _add_server(options)
    return options


def _add_server(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--url", help="a running server, http://127.0.0.1:8000; without it one is started"
    )
    options.add_argument(
        "--recognizer",
        choices=("embedded", "scripted"),
        default="scripted",
        help="scripted: the words cost nothing and are known as they are spoken; a running "
        "server must have been started with OVERTURE_RECOGNIZER=scripted",
    )


def add_wire(options: argparse.ArgumentParser) -> None:
    """--transport, and what it takes to measure a server that is not Overture."""
    options.add_argument("--transport", choices=tuple(TRANSPORTS), default="websocket")
    options.add_argument(
        "--server",
        choices=("overture", "other"),
        default="overture",
        help="other: any server of the protocol, at --url, e.g. https://api.openai.com; it listens "
        "by itself, as nothing can tell it what is said",
    )
    options.add_argument("--model", help="what --server other is asked for")
    options.add_argument(
        "--key-variable",
        default="REALTIME_KEY",
        metavar="NAME",
        help="environment variable with the key for --server other (default REALTIME_KEY)",
    )


def chosen_server(
    arguments: argparse.Namespace,
) -> AbstractAsyncContextManager[ServerUnderTest]:
    """The server that `add_wire` and `parser` were told of. Raises NoServerError."""
    if arguments.server == "overture":
        return server(arguments.url, arguments.recognizer)
    if not arguments.url or not arguments.model:
        raise NoServerError("--server other needs --url and --model")
    key = os.environ.get(arguments.key_variable, "")
    return nullcontext(found(arguments.url, model=arguments.model, key=key, other=True))


def scripted(arguments: argparse.Namespace) -> bool:
    """Whether the server is told the words."""
    return bool(arguments.server == "overture" and arguments.recognizer == "scripted")


def say(line: str) -> None:
    """How far a long bench has got; beside what it prints as its result."""
    print(line, file=sys.stderr, flush=True)


def report(figures: Figures, out: Path | None, earlier: Path | None) -> None:
    """Writes the figures with the machine's facts, and prints them beside an earlier run."""
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps({"machine": facts(), **figures}, indent=1) + "\n")
    if earlier is not None:
        before = json.loads(earlier.read_text())
        print(f"\nbeside {earlier.name} ({before.get('machine', {}).get('revision')}):")
        for name, ratio in ratios(figures, before).items():
            print(f"  {name:48} x {ratio:.3f}")


def run(
    main: Callable[[argparse.Namespace], Awaitable[None]], arguments: argparse.Namespace
) -> None:
    """Runs a bench; what a person can mend ends it with one line instead of a traceback."""

    async def bench() -> None:
        await main(arguments)

    try:
        uvloop.run(bench())
    except* PROBLEMS as problems:
        lines = "\n".join(str(problem) for problem in each_of(problems))
        sys.exit(f"{Path(sys.argv[0]).name}: {lines}")


def each_of(problems: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The exceptions of a group and of the groups inside it."""
    found: list[BaseException] = []
    for problem in problems.exceptions:
        found += each_of(problem) if isinstance(problem, BaseExceptionGroup) else [problem]
    return found
