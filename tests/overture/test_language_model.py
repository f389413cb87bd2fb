"""A language model behind the real server: from a person's words to the model and back."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from overture.settings import Settings
from tests.overture.test_cli import overture
from tests.support.chat_server import (
    ChatServer,
    Cut,
    Reply,
    Stall,
    calls,
    chat_server_beside,
    says,
    words,
)
from tests.support.recordings import speak
from tests.support.serving import PATIENCE, Serving, Stage
from tests.support.wire_client import Event, WireClient, append, pcm_24k, silence, wire_client
from voice.audio import SPEAKING_RATE

SHORT, LONG = 0.5, 6.0
"""Patience with the model: for tests in which it stalls, and for all others."""


@pytest.fixture(scope="module")
def model() -> Iterator[ChatServer]:
    with chat_server_beside() as server:
        yield server


def serving_with(model: ChatServer, folder: Path, patience: float) -> Iterator[Serving]:
    stage = Stage(
        Settings(
            data_dir=folder,
            recognizer="scripted",
            synthesizer="scripted",
            llm_url=model.url,
            llm_model="small",
            llm_key=SecretStr("sk-secret"),
            llm_timeout_s=patience,
        )
    )
    stage.open()
    try:
        with stage.serving() as serving:
            yield serving
    finally:
        stage.close()


@pytest.fixture(scope="module")
def serving(model: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    yield from serving_with(model, tmp_path_factory.mktemp("d"), LONG)


@pytest.fixture(scope="module")
def impatient(model: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    yield from serving_with(model, tmp_path_factory.mktemp("d"), SHORT)


def said(client: WireClient) -> str:
    """The words of the last answer."""
    done = [e for e in client.seen if e["type"] == "response.done"][-1]
    return " ".join(
        content.get("transcript") or content.get("text")
        for item in done["response"]["output"]
        if item["type"] == "message"
        for content in item["content"]
    )


async def asked(serving: Serving, text: str, **response: object) -> tuple[WireClient, Event]:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        return client, await client.say(text, output_modalities=["text"], **response)


async def test_a_typed_question_is_answered_by_the_model_and_its_price_told(
    model: ChatServer, serving: Serving
) -> None:
    model.will(says("We close at five. Come early!", usage=(200, 9)))
    client, done = await asked(serving, "when do you close on Sunday")
    assert said(client) == "We close at five. Come early!"
    assert model.keys[-1] == "Bearer sk-secret"
    assert "You are the voice of Lighthouse Coffee." in model.told
    assert "On Sunday we open at 9 am and close at 5 pm." in model.told
    usage = done["response"]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (200, 9)


async def test_a_spoken_question_is_answered_aloud(model: ChatServer, serving: Serving) -> None:
    model.will(says("Yes, dogs are welcome."))
    question = pcm_24k(speak("can I bring my dog"))
    told = ["can", "I", "bring", "my", "dog"]
    timed = [[word, 0.4 + 0.1 * at, 0.5 + 0.1 * at] for at, word in enumerate(told)]
    transcription = {"model": "scripted", "prompt": json.dumps(timed)}
    session = {"type": "realtime", "audio": {"input": {"transcription": transcription}}}
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send({"type": "session.update", "session": session})
        frames = np.array_split(np.concatenate([question, silence(3.0)]), 40)
        await client.send(*(append(frame) for frame in frames))
        await client.until("response.done")
    assert said(client) == "Yes, dogs are welcome."
    assert model.asked == "can I bring my dog"
    spoken = [e for e in client.seen if e["type"] == "response.output_audio.delta"]
    assert sum(len(b64decode(e["delta"])) for e in spoken) > SPEAKING_RATE


async def test_the_model_uses_the_agent_s_own_function(model: ChatServer, serving: Serving) -> None:
    call = calls("opening_status", '{"at": "2026-11-22T10:00"}')
    model.will(call, says("We are open until five."))
    client, _ = await asked(serving, "could I come by at ten on Sunday")
    assert said(client) == "We are open until five."
    offered, after = model.requests[-2:]
    assert [tool["function"]["name"] for tool in offered["tools"]] == ["opening_status"]
    assistant, output = after["messages"][-2:]
    assert assistant["tool_calls"][0]["function"]["name"] == "opening_status"
    assert json.loads(output["content"]) == {"open": True, "closes": "Sunday at 5 pm"}
    # How it was found out is the agent's own business.
    assert not any("function_call" in event["type"] for event in client.seen)


async def test_a_client_s_instructions_reach_the_model(model: ChatServer, serving: Serving) -> None:
    model.will(says("Arr, at five."))
    client, _ = await asked(serving, "when do you close today", instructions="Talk like a pirate.")
    assert "Talk like a pirate." in model.told
    assert said(client) == "Arr, at five."


@pytest.mark.parametrize("steps", [[Stall()], [*words("Well, "), Stall()]])
async def test_the_documents_answer_when_the_model_stalls(
    model: ChatServer, impatient: Serving, steps: list[bytes | Stall]
) -> None:
    model.will(Reply(steps))
    client, done = await asked(impatient, "when do you close on Sunday")
    assert said(client) == "On Sunday we open at 9 am and close at 5 pm."
    assert done["response"]["status"] == "completed"


async def test_a_model_that_breaks_off_is_owned_up_to(model: ChatServer, serving: Serving) -> None:
    model.will(Reply([*words("We close at five. And on Mon"), Cut()]))
    client, _ = await asked(serving, "when do you close on Sunday")
    assert said(client) == "We close at five. I'm sorry, I lost the rest of that."


def test_ask_answers_by_the_model(model: ChatServer, tmp_path: Path) -> None:
    model.will(says("We close at five."))
    answered = overture(
        "ask",
        "--json",
        "--text",
        "when do you close on Sunday",
        OVERTURE_DATA_DIR=str(tmp_path),
        OVERTURE_LLM_URL=model.url,
        OVERTURE_LLM_MODEL="small",
    )
    outcome = json.loads(answered.stdout)
    assert outcome["answer"] == "We close at five."
    assert outcome["sources"][0]["document"] == "opening-hours.md"


def test_ask_says_what_is_missing(tmp_path: Path) -> None:
    refused = overture(
        "ask", "--text", "hello", OVERTURE_DATA_DIR=str(tmp_path), OVERTURE_ANSWERER="openai"
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith("overture: OVERTURE_LLM_URL='': should say where")
