"""The language model that the settings name, joined to the agent's documents."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from knowledge.counts import ModelCounts
from knowledge.index import KnowledgeIndex
from knowledge.openai_chat import (
    ChatClient,
    ChatError,
    ChatLimits,
    Failure,
    OpenAIChatAnswerer,
    Persona,
)
from knowledge.openai_chat.answerer import REFUSES_TOOLS
from knowledge.openai_chat.messages import tools_of
from knowledge.passages import Tool
from overture.agent_folder import Agent
from overture.settings import Settings

LOADING_S = 30.0
"""Seconds that a local server may take to read a model of some gigabytes from its disk."""
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


async def try_out(settings: Settings) -> tuple[float, str]:
    """Seconds until the model answers a short question, and why it refuses functions, "" if it
    takes them; raises ChatError."""
    question = {"role": "user", "content": "Say yes."}
    body: dict[str, Any] = {
        "model": settings.llm_model,
        "messages": [question],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    # Offered as agents and clients do: some models and servers refuse that.
    functions = tools_of([Tool("weather", "What the weather is like.")], "auto")
    client = chat_client(settings)
    try:
        await client.open()
        try:
            return await _first_words(client, body | functions), ""
        except ChatError as error:
            if error.status not in REFUSES_TOOLS:
                raise
            return await _first_words(client, body), error.detail or str(error)
    finally:
        await client.aclose()


async def _first_words(client: ChatClient, body: dict[str, Any]) -> float:
    began = time.monotonic()
    try:
        async with asyncio.timeout(LOADING_S), aclosing(client.chunks(body)) as chunks:
            async for chunk in chunks:
                if chunk.words.strip() or chunk.calls:
                    return time.monotonic() - began
    except TimeoutError:
        raise ChatError(Failure.STALLED, f"said nothing within {LOADING_S:g} s") from None
    raise ChatError(Failure.NOTHING_SAID, "ended without a word")


def shown(settings: Settings) -> str:
    """For start-up lines: which model, and where."""
    return f"{settings.llm_model} at {urlsplit(settings.llm_url or '').netloc}"
