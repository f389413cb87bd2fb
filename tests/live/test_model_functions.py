"""The client's functions, called by a real chat-completions answerer over loopback HTTP."""

import asyncio
from dataclasses import replace
from datetime import datetime

from knowledge.counts import ModelCounts
from knowledge.documents import read_documents
from knowledge.index import KnowledgeIndex
from knowledge.openai_chat import ChatClient, ChatLimits, OpenAIChatAnswerer, Persona
from knowledge.passages import Tool
from live import events as told
from live.asking import NO_OUTPUT
from live.config import ResponseRequest, SessionConfig
from live.history import Item
from tests.live.test_functions import output
from tests.support.chat_server import DONE, ChatServer, Reply, chat_server, delta, says, words
from tests.support.talking import CAFE, Talk, scripted_parts, talking

PATIENCE = 60.0
CONFIG = SessionConfig(
    audio=False, tools=(Tool("weather", "The weather now."),), tool_choice="required"
)


def model(server: ChatServer) -> OpenAIChatAnswerer:
    """A patient one."""
    return OpenAIChatAnswerer(
        ChatClient(server.url, "sk-secret"),
        "small-model",
        KnowledgeIndex(read_documents(CAFE / "knowledge")),
        Persona("Lighthouse Coffee"),
        now=lambda: datetime(2026, 11, 21, 13, 5),
        counts=ModelCounts(),
        limits=ChatLimits(PATIENCE, PATIENCE, PATIENCE, PATIENCE),
    )


def two_calls() -> Reply:
    """Words, and two calls made together."""
    made = [
        delta(
            tool_calls=[
                {"index": at, "id": f"c{at}", "function": {"name": "weather", "arguments": "{}"}}
            ]
        )
        for at in range(2)
    ]
    return Reply([*words("One moment."), *made, delta("tool_calls"), DONE])


async def ended(talk: Talk, count: int) -> None:
    """Waits for so many responses to be over."""
    while len(talk.all(told.ResponseEnded)) < count:
        await talk.session.settled()
        await asyncio.sleep(0)


async def test_calls_made_together_are_answered_together_whatever_came_back() -> None:
    async with asyncio.timeout(PATIENCE), chat_server() as server:
        server.will(two_calls(), says("It is sunny."))
        answerer = model(server)
        parts = replace(scripted_parts(), answerer=answerer, follows_instructions=True)
        async with talking(parts, CONFIG) as talk:
            talk.session.add_item(Item("typed", "user", "how is the weather"), None)
            talk.session.respond(ResponseRequest())
            await ended(talk, 1)
            assert len(talk.all(told.FunctionCalled)) == 2
            talk.session.add_item(output("c1", "sunny"), None)
            talk.session.respond(ResponseRequest(tool_choice="none"))
            await ended(talk, 2)
            assert talk.answers == ["One moment.", "It is sunny."]
        await answerer.aclose()
    first, second = server.requests
    assert first["tool_choice"] == "required"
    assert second["tool_choice"] == "none"
    roles = [message["role"] for message in second["messages"]]
    assert roles == ["system", "user", "assistant", "assistant", "tool", "tool"]
    called, *outputs = second["messages"][-3:]
    assert [call["id"] for call in called["tool_calls"]] == ["c0", "c1"]
    assert [(each["tool_call_id"], each["content"]) for each in outputs] == [
        ("c0", NO_OUTPUT),
        ("c1", "sunny"),
    ]
