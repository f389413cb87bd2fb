"""What issue 3 asks for: each row's figure, the value it must reach and the one it aims at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Better(Enum):
    """Which way a figure is better."""

    LOWER = "≤"
    HIGHER = "≥"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A row of the table. figure: dotted name in the results; unit: as it is printed."""

    what: str
    figure: str
    must: float
    aim: float
    unit: str
    better: Better = Better.LOWER

    def measured(self, results: Mapping[str, Any]) -> float | None:
        """The figure among the results; None when it was not measured."""
        value: Any = results
        for name in self.figure.split("."):
            if not isinstance(value, Mapping) or name not in value:
                return None
            value = value[name]
        return None if value is None else float(value)

    def verdict(self, measured: float | None) -> str:
        """ "aim", "must", "NOT MET" or "not measured"."""
        if measured is None:
            return "not measured"
        if self._reaches(measured, self.aim):
            return "aim"
        return "must" if self._reaches(measured, self.must) else "NOT MET"

    def _reaches(self, measured: float, wanted: float) -> bool:
        return measured <= wanted if self.better is Better.LOWER else measured >= wanted


REQUIREMENTS = (
    Requirement(
        "voice to voice p50, 1 session, recognition free",
        "talk_1_scripted.voice_to_voice_ms.p50",
        *(280, 200),
        "ms",
    ),
    Requirement(
        "the same with the embedded recognizer",
        "talk_1_embedded.voice_to_voice_ms.p50",
        *(600, 350),
        "ms",
    ),
    Requirement(
        "sessions in one process at p50 < 500 ms, recognition free",
        "most_sessions.scripted",
        *(24, 64),
        "",
        Better.HIGHER,
    ),
    Requirement(
        "sessions at p50 < 1 s, embedded recognizer, each speaking a quarter of the time",
        "most_sessions.embedded",
        *(6, 16),
        "",
        Better.HIGHER,
    ),
    Requirement(
        "turns cut short, natural pauses", "turns.natural.cut_short_share", 0.03, 0.01, "%"
    ),
    Requirement(
        "turns cut short, 600 ms of room silence after a word that dangles",
        "turns.room.cut_short_share",
        *(0.10, 0.03),
        "%",
    ),
    Requirement(
        "turns cut short, 600 ms of digital silence after a word that dangles",
        "turns.digital.cut_short_share",
        *(0.10, 0.03),
        "%",
    ),
    Requirement(
        "first speech sample to silence, barge-in, p95", "barge_in.silent_ms.p95", 300, 180, "ms"
    ),
    Requirement("a cough, a door, cups, the agent's echo: answers lost", "noise.lost", 0, 0, ""),
    Requirement("idle session, core", "idle.quiet.core_share_per_session", 0.02, 0.005, "%"),
    Requirement("memory a session adds", "memory.per_session_mb", 5, 2, "MB"),
    Requirement(
        "RSS after 200 sessions came and went, above before", "memory.growth_share", 0.10, 0.01, "%"
    ),
    Requirement(
        "event loop lag p99 under 8 sessions", "talk_8_scripted.server.loop_lag_p99_ms", 20, 5, "ms"
    ),
    Requirement(
        "orders accepted on the clean recordings, embedded recognizer",
        "orders.accepted",
        *(0.90, 0.95),
        "%",
        Better.HIGHER,
    ),
    Requirement("script/server second start to ready", "startup.second_ms.p50", 4000, 2000, "ms"),
)


def markdown(results: Mapping[str, Any], requirements: Sequence[Requirement] = REQUIREMENTS) -> str:
    """The table, a row a requirement."""
    lines = ["| what | must | aim | measured | met |", "|---|---|---|---|---|"]
    for row in requirements:
        value = row.measured(results)
        shown = "-" if value is None else _shown(value, row.unit)
        must, aim = (f"{row.better.value} {_shown(v, row.unit)}" for v in (row.must, row.aim))
        lines.append(f"| {row.what} | {must} | {aim} | {shown} | {row.verdict(value)} |")
    return "\n".join(lines)


def _shown(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value * 100:.3g} %"
    return f"{value:.4g} {unit}".strip()
