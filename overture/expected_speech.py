"""What people are expected to say to an agent: the corpus that its recognizer is built from."""

from collections.abc import Iterable
from pathlib import Path

from intents.sampling import spoken_sentences
from overture.agent_folder import Agent
from voice.corpus import SpokenCorpus

SAMPLED_SENTENCES = 20_000
"""Of the intents' templates. From 20,000 on, another seed changes nothing that can be measured."""

QUESTIONS_SHARE = 0.25
"""Of all that is said to an agent with intents, by weight: questions about what it knows."""

DOCUMENTS_SHARE = 0.02
"""So that names and words that stand only in a document can be heard, but seldom are."""

QUESTIONS_FILE = "questions.txt"
"""In the knowledge folder: what people may ask, one question a line, "#" begins a comment."""


def expected_speech(agent: Agent, seed: int = 0) -> SpokenCorpus:
    """Sentences of the agent's intents, questions about its knowledge, and its documents' words."""
    intents = SpokenCorpus.from_texts(spoken_sentences(agent.intents, SAMPLED_SENTENCES, seed))
    questions = SpokenCorpus.from_texts(
        (line, 1.0)
        for path in agent.documents
        if path.name == QUESTIONS_FILE
        for line in _lines(path)
    )
    documents = SpokenCorpus.from_texts(
        (line, 1.0) for path in agent.documents if path.suffix == ".md" for line in _lines(path)
    )
    return (
        intents.scaled(SAMPLED_SENTENCES)
        + questions.scaled(SAMPLED_SENTENCES * QUESTIONS_SHARE)
        + documents.scaled(SAMPLED_SENTENCES * DOCUMENTS_SHARE)
    )


def _lines(path: Path) -> Iterable[str]:
    text = path.read_text(encoding="utf-8")
    return (line for line in text.splitlines() if not line.startswith("#"))
