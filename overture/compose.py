"""The one place where parts are chosen and joined."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from conversation import Endpointing, TurnPolicy
from intents.engine import IntentEngine
from knowledge.counts import ModelCounts
from knowledge.documents import read_documents
from knowledge.extractive import ExtractiveAnswerer
from knowledge.fallback import FallbackAnswerer
from knowledge.index import KnowledgeIndex
from knowledge.passages import Answerer
from knowledge.scripted import ScriptedAnswerer
from live.config import SessionConfig
from live.parts import Parts
from live.prompts_port import NoDesk
from live.tools import NoTools, Toolbox
from overture.agent_folder import Agent
from overture.errors import UserError
from overture.settings import Settings
from overture.speech_engines import first_choice, start_recognizer, start_voice
from overture.tools import load_tools
from sessions.client_secrets import SecretStore
from sessions.context import SessionContext, UnreadableContextError
from sessions.journal import Journal, NoJournal, software
from sessions.journal_files import JournalFiles
from sessions.store import StoreUnavailableError
from sessions.writer import SessionWriter
from voice.pacing import OutputClock
from voice.recognition import Recognizer
from voice.recognizers.scripted import ScriptedRecognizer
from voice.silero import SileroVoiceActivity
from voice.synthesis import Synthesizer, Voice
from voice.synthesizers.cached import CachedSynthesizer

if TYPE_CHECKING:
    from overture.speaking_first import SpeakingFirst

log = structlog.get_logger(__name__)


KEPT_SPEECH = 3 << 20
"""Bytes of sentences already said that are kept: the fifteen or so that an agent says most. What is
prepared for a turn must outlive only the turn."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What was chosen for a port. better: how to get a better one, "" if there is none."""

    port: str
    name: str
    better: str = ""


@dataclass(frozen=True, slots=True)
class Assembly:
    """Everything that answers, joined and started. model_counts: None without a language model.

    first: what makes it speak first, None where only questions are asked.
    queues: how much waits, by what for.
    """

    agent: Agent
    parts: Parts
    engines: tuple[Engine, ...]
    memory: str
    durable: bool
    config: SessionConfig
    client_secrets: SecretStore
    model_counts: ModelCounts | None
    index: KnowledgeIndex
    first: "SpeakingFirst | None"
    queues: Mapping[str, Callable[[], float]]


class _Memory:
    """Contexts for live sessions: one that cannot be had in time is a new conversation."""

    def __init__(self, writer: SessionWriter) -> None:
        self._writer = writer

    async def load(self, session_id: str) -> SessionContext | None:
        try:
            return await self._writer.load(session_id)
        except (StoreUnavailableError, UnreadableContextError) as error:
            log.warning("context_not_loaded", session=session_id, reason=str(error))
            return None

    def save(self, context: SessionContext) -> None:
        self._writer.save(context)

    @property
    def waiting(self) -> int:
        return self._writer.waiting


@asynccontextmanager
async def assemble(
    settings: Settings, agent: Agent, *, speaks_first: bool = False
) -> AsyncIterator[Assembly]:
    """Chooses, starts and joins the parts; stops them in the end.

    speaks_first: with rules, the bus and delivery of prompts.
    Raises UserError when something that was asked for is not there.
    """
    async with AsyncExitStack() as stack:
        index = KnowledgeIndex(read_documents(agent.knowledge_folder))
        async with _starting() as starting:
            memory = starting.create_task(_memory(settings, agent, stack, first=speaks_first))
            recognizers = starting.create_task(_recognizers(settings, agent, stack))
            synthesizer = starting.create_task(_synthesizer(settings, agent, stack))
            answering = starting.create_task(_answerer(settings, agent, index, stack))
            toolbox = starting.create_task(_toolbox(agent))
        activity = SileroVoiceActivity()
        stack.push_async_callback(activity.aclose)
        keeper, client_secrets, where, durable, first = memory.result()
        heard, hears = recognizers.result()
        voice, speaks = synthesizer.result()
        answerer, answers, model_counts = answering.result()
        parts = Parts(
            agent=agent.name,
            agent_version=agent.version,
            activity=activity,
            recognizers=heard,
            synthesizer=voice,
            intents=IntentEngine(agent.intents),
            answerer=answerer,
            memory=keeper,
            clock=OutputClock(),
            greeting=agent.settings.greeting,
            follows_instructions=model_counts is not None,
            toolbox=toolbox.result(),
            journal=await _journal(settings, stack),
            desk=NoDesk() if first is None else first.desk,
            reminds=(lambda: False) if first is None else first.scheduler.reminds,
            time_zone=agent.settings.time_zone,
        )
        yield Assembly(
            agent,
            parts,
            (hears, speaks, answers),
            where,
            durable,
            session_config(agent),
            client_secrets,
            model_counts,
            index,
            first,
            {"session_writes": lambda: keeper.waiting},
        )


@asynccontextmanager
async def _starting() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group whose UserErrors are told as one, since that is what a person can read."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        told, others = failed.split(UserError)
        if told is None or others is not None:
            raise
        raise UserError("\n".join(map(str, told.exceptions))) from None


def session_config(agent: Agent) -> SessionConfig:
    """What a session of this agent begins with."""
    ending = agent.settings.endpointing
    endpointing = Endpointing(
        ending.complete_ms, ending.likely_ms, ending.unsure_ms, ending.dangling_ms
    )
    voice = Voice(agent.settings.voice.name, agent.settings.voice.speed)
    return SessionConfig(
        voice=voice,
        policy=TurnPolicy(endpointing),
        language=agent.settings.language,
    )


async def _journal(settings: Settings, stack: AsyncExitStack) -> Journal:
    if settings.journal_days == 0:
        return NoJournal()
    journal = JournalFiles(settings.data_dir / "journal", settings.journal_days)
    try:
        journal.start()
    except OSError as error:
        raise UserError(
            f"cannot keep the journal in {settings.data_dir / 'journal'}: {error.strerror}; "
            "name another folder with OVERTURE_DATA_DIR, or set OVERTURE_JOURNAL_DAYS=0"
        ) from None
    stack.push_async_callback(asyncio.to_thread, journal.close)
    await asyncio.to_thread(software)
    return journal


async def _memory(
    settings: Settings, agent: Agent, stack: AsyncExitStack, *, first: bool
) -> "tuple[_Memory, SecretStore, str, bool, SpeakingFirst | None]":
    # Importing redis takes half a second: here it is hidden behind the recognizer's start.
    await asyncio.to_thread(importlib.import_module, "sessions.connect")
    from sessions.connect import connect
    from sessions.private_redis import RedisUnavailableError
    from sessions.redis import RedisSessionStore
    from sessions.redis_client_secrets import RedisSecretStore

    try:
        redis = await connect(settings.redis_url, settings.data_dir)
    except RedisUnavailableError as error:
        raise UserError(str(error)) from None
    stack.push_async_callback(redis.aclose)
    store = RedisSessionStore(redis.client, settings.session_ttl_s)
    writer = await stack.enter_async_context(SessionWriter(store))
    client_secrets = RedisSecretStore(redis.client)
    speaking = None
    if first:
        joined = await asyncio.to_thread(importlib.import_module, "overture.speaking_first")
        speaking = await joined.speaking_first(settings, agent, redis, stack)
    return _Memory(writer), client_secrets, redis.description, redis.durable, speaking


async def _recognizers(
    settings: Settings, agent: Agent, stack: AsyncExitStack
) -> tuple[dict[str, Recognizer], Engine]:
    scripted = ScriptedRecognizer()
    await scripted.start()
    recognizers: dict[str, Recognizer] = {"": scripted, "scripted": scripted}
    if first_choice(settings.recognizer, agent.settings.engines.recognizer) == "scripted":
        return recognizers, Engine("recognizer", "scripted", "unset OVERTURE_RECOGNIZER to listen")
    recognizer, better = await start_recognizer(settings, agent)
    stack.push_async_callback(recognizer.aclose)
    recognizers[""] = recognizer
    return recognizers, Engine("recognizer", recognizer.name, better)


async def _synthesizer(
    settings: Settings, agent: Agent, stack: AsyncExitStack
) -> tuple[Synthesizer, Engine]:
    name = first_choice(settings.synthesizer, agent.settings.engines.synthesizer)
    engine, better = await start_voice(settings, name)
    cached = CachedSynthesizer(engine, max_bytes=KEPT_SPEECH)
    stack.push_async_callback(cached.aclose)
    return cached, Engine("synthesizer", engine.name, better)


async def _answerer(
    settings: Settings, agent: Agent, index: KnowledgeIndex, stack: AsyncExitStack
) -> tuple[Answerer, Engine, ModelCounts | None]:
    name = first_choice(settings.answerer, agent.settings.engines.answerer)
    if name == "scripted":
        return ScriptedAnswerer(), Engine("answerer", "scripted"), None
    zone = ZoneInfo(agent.settings.time_zone)
    documents = ExtractiveAnswerer(
        index, agent.settings.unknown_answer, today=lambda: datetime.now(zone).date()
    )
    if settings.llm_url is None:
        if name == "openai":
            raise UserError(
                f"{agent.folder}/agent.yaml asks for answerer: openai; say with OVERTURE_LLM_URL "
                "and OVERTURE_LLM_MODEL where it is, or set OVERTURE_ANSWERER=extractive"
            )
        better = "" if name == "extractive" else "a language model: docs/language-model.md"
        return documents, Engine("answerer", documents.name, better), None
    if name == "extractive":
        return documents, Engine("answerer", documents.name), None
    from overture.language_model import language_model, shown

    counts = ModelCounts()
    model = language_model(settings, agent, index, lambda: datetime.now(zone), counts)
    stack.push_async_callback(model.aclose)
    await model.open()
    answerer = FallbackAnswerer(model, documents, counts)
    return answerer, Engine("answerer", shown(settings)), counts


async def _toolbox(agent: Agent) -> Toolbox:
    path = agent.folder / "tools.py"
    # In a thread, since the file may import whatever it likes.
    return await asyncio.to_thread(load_tools, path) if path.is_file() else NoTools()
