"""The language model that the settings name, joined to the agent's documents."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from knowledge.counts import ModelCounts
from knowledge.index import KnowledgeIndex
from knowledge.openai_chat import ChatClient, ChatLimits, OpenAIChatAnswerer, Persona
from overture.agent_folder import Agent
from overture.settings import Settings

SENTENCE_GRACE_S = 3.0
"""Seconds from a model's first word to its first sentence: thirty words of a slow model."""


def language_model(
    settings: Settings,
    agent: Agent,
    index: KnowledgeIndex,
    now: Callable[[], datetime],
    counts: ModelCounts,
) -> OpenAIChatAnswerer:
    """The answerer; nothing is connected yet. OVERTURE_LLM_URL must be set."""
    said = agent.settings
    persona = Persona(said.name, said.language, said.unknown_answer, said.instructions)
    patience = settings.llm_timeout_s
    limits = replace(
        ChatLimits(),
        first_words_s=patience,
        first_sentence_s=patience + SENTENCE_GRACE_S,
        between_words_s=patience,
    )
    client = chat_client(settings)
    return OpenAIChatAnswerer(
        client, settings.llm_model, index, persona, now=now, counts=counts, limits=limits
    )


def chat_client(settings: Settings) -> ChatClient:
    """Speaks to the server that OVERTURE_LLM_URL names."""
    assert settings.llm_url is not None
    return ChatClient(settings.llm_url, settings.llm_key.get_secret_value())


def shown(settings: Settings) -> str:
    """For start-up lines: which model, and where."""
    return f"{settings.llm_model} at {urlsplit(settings.llm_url or '').netloc}"
