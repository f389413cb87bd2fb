"""Logging: structured, with session and turn ids, and without what people said unless asked."""

import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

WORD_KEYS = frozenset(
    {"answer", "form", "heard", "instructions", "question", "said", "slots", "text", "transcript"}
)
"""Log fields that hold what people or the agent say. A field of another name must not."""

NOISY = ("websockets", "asyncio", "httpx")
"""Libraries whose routine is of no interest here."""


def set_up_logging(
    *,
    level: str = "info",
    format: Literal["console", "json"] = "console",
    words: bool = False,
    stream: TextIO | None = None,
) -> None:
    """Sends structlog's and the standard library's records, uvicorn's included, to one place.

    words: whether the fields of WORD_KEYS appear as they are, rather than as their length.
    stream: standard error by default; standard output belongs to answers.
    """
    out = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if not words:
        shared.append(without_words)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(format, colors=out.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        # uvicorn brings handlers of its own; its records come through ours instead.
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def without_words(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replaces what was said by how long it was: enough to find a fault, too little to read."""
    for key in WORD_KEYS.intersection(event):
        value = event[key]
        event[key] = f"({len(value)} characters)" if isinstance(value, str) else "(not logged)"
    return event


def _rendering(
    format: Literal["console", "json"], *, colors: bool
) -> list[structlog.typing.Processor]:
    if format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # Tracebacks without the values of local variables: those hold what people said.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
