"""An agent's expected speech, kept between starts: drawing it takes longer than all else."""

import hashlib
import json
import tempfile
from pathlib import Path

from overture.agent_folder import Agent
from overture.expected_speech import expected_speech
from voice.corpus import SpokenCorpus

MADE_BY = ("intents", "knowledge", "voice/corpus.py", "overture/expected_speech.py")
"""The code that the corpus comes from: when it changes, what was kept no longer counts."""
KEPT = 8
"""Corpora of earlier states of agents; the oldest are removed."""


def kept_expected_speech(agent: Agent, folder: Path) -> SpokenCorpus:
    """The agent's corpus from `folder`, drawn and kept there if it is not there yet.

    A folder that cannot be written to costs the time of drawing, nothing else.
    """
    path = folder / f"corpus-{_key(agent)}.json"
    try:
        return SpokenCorpus(tuple((text, weight) for text, weight in json.loads(path.read_bytes())))
    except (OSError, ValueError, TypeError):
        corpus = expected_speech(agent)
        _keep(corpus, path)
        return corpus


def _key(agent: Agent) -> str:
    digest = hashlib.sha256(agent.version.encode())
    root = Path(__file__).resolve().parent.parent
    for name in MADE_BY:
        made_by = root / name
        for source in sorted(made_by.glob("*.py")) if made_by.is_dir() else [made_by]:
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _keep(corpus: SpokenCorpus, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        older = sorted(path.parent.glob("corpus-*.json"), key=lambda kept: kept.stat().st_mtime)
        for kept in older[: max(0, len(older) - KEPT + 1)]:
            kept.unlink(missing_ok=True)
        # Whole or not at all: another start may read it at the same moment.
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(json.dumps(corpus.sentences).encode())
        Path(file.name).replace(path)
    except OSError:
        return
