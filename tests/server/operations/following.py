"""Waiting for what a server does in its own time."""

import time
from collections.abc import Callable
from typing import TypeVar

from tests.support.serving import PATIENCE

T = TypeVar("T")


def until(ask: Callable[[], T], is_so: Callable[[T], bool]) -> T:
    """Asks until the answer is so; fails after PATIENCE."""
    end = time.monotonic() + PATIENCE
    while not is_so(told := ask()):
        assert time.monotonic() < end, told
    return told
