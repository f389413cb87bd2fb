"""`overture ask`: questions through the whole loop, shown for people or as JSON lines."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from overture.agent_folder import Agent, load_agent
from overture.ask import Outcome, ask_recording, ask_text, save_audio
from overture.compose import assemble
from overture.logs import set_up_logging
from overture.settings import Settings


def ask(
    settings: Settings,
    folder: Path,
    recordings: Sequence[Path],
    texts: Sequence[str],
    *,
    as_json: bool,
    save: Path | None,
) -> int:
    """Asks each question on its own and prints what came of it as it comes; the exit code."""
    # Routine would get between the answers; what the operator asked for by name is shown.
    level = settings.log_level if "log_level" in settings.model_fields_set else "warning"
    set_up_logging(level=level, format=settings.log_format, words=settings.log_words)
    agent = load_agent(folder)
    if not recordings:
        # Nothing is to be heard, so the seconds that the recognizer's start takes can be saved.
        settings = settings.model_copy(update={"recognizer": "scripted"})

    async def run() -> None:
        first = True
        async for outcome in _outcomes(settings, agent, recordings, texts):
            if as_json:
                print(json.dumps(outcome.as_json(), ensure_ascii=False), flush=True)
            else:
                print(("" if first else "\n") + for_people(outcome), flush=True)
            if save is not None:
                save_audio(outcome, save)
            first = False

    asyncio.run(run())
    return 0


async def _outcomes(
    settings: Settings, agent: Agent, recordings: Sequence[Path], texts: Sequence[str]
) -> AsyncIterator[Outcome]:
    async with assemble(settings, agent) as assembly:
        for path in recordings:
            yield await ask_recording(assembly, path)
        for text in texts:
            yield await ask_text(assembly, text)


def for_people(outcome: Outcome) -> str:
    """The outcome as a few lines, without what there is none of."""
    slots = ", ".join(f"{name} {value}" for name, value in outcome.slots.items())
    sources = "; ".join(
        f"{source['document']}, line {source['line']}"
        + (f" ({source['title']})" if source["title"] else "")
        for source in outcome.sources
    )
    stages = " · ".join(
        f"{name.replace('_', ' ')} {ms:.0f} ms" for name, ms in outcome.stages_ms.items()
    )
    rows = [
        ("heard", outcome.heard or "(no words)"),
        ("meant", f"{outcome.intent}: {slots}" if slots else outcome.intent or ""),
        ("answer", outcome.answer or "(none)"),
        ("source", sources),
        ("stages", stages),
    ]
    lines = [f"{name:>8}  {value}" for name, value in rows if value]
    return "\n".join([outcome.file, *lines] if outcome.file else lines)
