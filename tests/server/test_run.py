"""Starting and stopping for good: the port, SIGTERM."""

import signal
import socket
import subprocess
import sys

import pytest

from server.run import bind

PROGRAM = """
import asyncio, sys
import uvloop
from starlette.applications import Starlette
from server.host import Limits
from server.run import bind, serve

async def main():
    listening = bind("127.0.0.1", 0)
    await serve(Starlette(), listening, Limits(), lambda: print("ready", flush=True))
    print("engines closed", flush=True)

uvloop.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_rest_of_the_program_close_what_it_opened(number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    assert output == "engines closed\n"
    assert process.returncode == 0


def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    with bind("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use"):
        bind("127.0.0.1", taken.getsockname()[1])


def test_loopback_of_either_family_can_be_bound() -> None:
    with bind("::1", 0) as listening:
        assert listening.family == socket.AF_INET6
