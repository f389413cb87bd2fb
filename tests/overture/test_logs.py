"""Logging: one place, ids of the session, no words unless asked."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from overture.logs import set_up_logging


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # A server that another test ran in this process has set uvicorn's level.
    logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def logged(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_what_people_said_is_only_measured() -> None:
    set_up_logging(format="json", stream=(out := io.StringIO()))
    structlog.get_logger("x").info("turn", heard="my name is Ann", slots={"name": "Ann"}, ms=12)
    assert "Ann" not in out.getvalue()
    [entry] = logged(out)
    assert entry["heard"] == "(14 characters)"
    assert entry["ms"] == 12


def test_words_appear_when_asked_for() -> None:
    set_up_logging(format="json", words=True, stream=(out := io.StringIO()))
    structlog.get_logger("x").info("turn", heard="a latte")
    assert logged(out)[0]["heard"] == "a latte"


def test_the_session_and_turn_are_on_every_line_within_them() -> None:
    set_up_logging(format="json", stream=(out := io.StringIO()))
    with structlog.contextvars.bound_contextvars(session="s1", turn="t1"):
        structlog.get_logger("x").info("inside")
        logging.getLogger("library").warning("also %s", "inside")
    structlog.get_logger("x").info("outside")
    assert [(e.get("session"), e.get("turn")) for e in logged(out)] == [
        ("s1", "t1"),
        ("s1", "t1"),
        (None, None),
    ]
    assert logged(out)[1]["event"] == "also inside"


def test_uvicorns_records_come_through_the_same_place() -> None:
    set_up_logging(format="json", stream=(out := io.StringIO()))
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    assert logged(out)[0]["event"] == "Started server process [7]"


def test_less_severe_lines_are_left_out() -> None:
    set_up_logging(level="warning", format="json", stream=(out := io.StringIO()))
    structlog.get_logger("x").info("routine")
    structlog.get_logger("x").warning("trouble")
    assert [entry["event"] for entry in logged(out)] == ["trouble"]


@pytest.mark.parametrize("format", ["console", "json"])
def test_a_traceback_does_not_show_what_local_variables_hold(format: Any) -> None:
    def fails() -> None:
        heard = "my name is " + "Ann"
        raise ZeroDivisionError(len(heard))

    set_up_logging(format=format, stream=(out := io.StringIO()))
    try:
        fails()
    except ZeroDivisionError:
        structlog.get_logger("x").exception("broken")
    assert "ZeroDivisionError: 14" in out.getvalue()
    assert "my name is Ann" not in out.getvalue()
