"""Prompts over the wire: a real server with everything behind it, in silence."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from outreach.entry import Entry
from outreach.states import State
from overture.settings import Settings
from scheduler.say import SayRequest
from tests.support.serving import PATIENCE, Serving, Stage
from tests.support.wire_client import Event, WireClient, wire_client

READY = "Your latte is ready at the counter."


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The café with a recognizer that needs no start, and everything for speaking first."""
    folder: Path = tmp_path_factory.mktemp("d")
    stage = Stage(Settings(data_dir=folder, recognizer="scripted"), speaks_first=True)
    stage.open()
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def serving(stage: Stage) -> Iterator[Serving]:
    with stage.serving() as serving:
        yield serving


class First:
    """Says things to people, as a program would."""

    def __init__(self, stage: Stage, serving: Serving) -> None:
        self._first = stage.first
        self._serving = serving

    async def say(self, user: str, text: str = READY, **more: object) -> str:
        """Its id."""
        request = SayRequest.model_validate(
            {"user": user, "text": text, "purpose": "orders", "reason": "You ordered it."} | more
        )

        async def say() -> str:
            said = await self._first.scheduler.engine.say(request, "test")
            return said.outreach.id

        return await asyncio.to_thread(self._serving.on_loop, say)

    async def becomes(self, prompt_id: str, state: State) -> Entry:
        """The entry once it is in that state."""

        async def wait() -> Entry:
            async with asyncio.timeout(PATIENCE):
                while True:
                    entry = await self._first.scheduler.ledger.get(prompt_id)
                    if entry is not None and entry.state is state:
                        return entry
                    await asyncio.sleep(0.02)

        return await asyncio.to_thread(self._serving.on_loop, wait)


@pytest.fixture
def first(stage: Stage, serving: Serving) -> First:
    return First(stage, serving)


@asynccontextmanager
async def in_text(serving: Serving, user: str, **query: str) -> AsyncIterator[WireClient]:
    async with wire_client(serving, user=user, **query) as client:
        session = {"type": "realtime", "output_modalities": ["text"]}
        await client.send({"type": "session.update", "session": session})
        await client.until("session.updated")
        yield client


async def until_spoken(client: WireClient, prompt_id: str) -> Event:
    """The `response.done` of that prompt."""
    async with asyncio.timeout(PATIENCE):
        while True:
            done = await client.until("response.done")
            if done["response"]["metadata"] == {"outreach_id": prompt_id}:
                return done


async def test_a_stock_client_hears_a_response_that_it_did_not_ask_for(
    serving: Serving, first: First
) -> None:
    async with wire_client(serving, user="stock") as client:
        prompt_id = await first.say("stock")
        done = await until_spoken(client, prompt_id)
        assert done["response"]["status"] == "completed"
        entry = await first.becomes(prompt_id, State.HEARD)
        assert entry.steps[-1].evidence["by"] == "clock"
        assert "response.output_audio.delta" in client.types()
        assert not [name for name in client.types() if name.startswith("overture.")]


async def test_our_own_page_gets_a_card_and_says_that_it_showed_it(
    serving: Serving, first: First
) -> None:
    async with in_text(serving, "page", extras="1") as client:
        prompt_id = await first.say("page")
        card = await client.until("overture.outreach.card")
        shown = {name: card[name] for name in ("outreach_id", "text", "reason", "spoken_here")}
        assert shown == {
            "outreach_id": prompt_id,
            "text": READY,
            "reason": "You ordered it.",
            "spoken_here": True,
        }
        await until_spoken(client, prompt_id)
        await client.send({"type": "overture.outreach.shown", "outreach_id": prompt_id})
        entry = await first.becomes(prompt_id, State.HEARD)
        assert entry.steps[-1].evidence["by"] == "acknowledged"


async def test_the_cards_button_stops_these(serving: Serving, first: First) -> None:
    async with in_text(serving, "tired", extras="1") as client:
        prompt_id = await first.say("tired")
        await until_spoken(client, prompt_id)
        await client.send(
            {"type": "overture.outreach.shown", "outreach_id": prompt_id},
            {"type": "overture.outreach.stop", "outreach_id": prompt_id},
        )
        gone = await client.until("overture.outreach.gone")
        assert gone["outreach_id"] == prompt_id
        await first.becomes(prompt_id, State.OPTED_OUT)
        again = await first.say("tired", "One more thing.")
        await first.becomes(again, State.SUPPRESSED)


async def test_not_now_is_typed_and_understood(serving: Serving, first: First) -> None:
    async with in_text(serving, "busy") as client:
        prompt_id = await first.say("busy")
        await until_spoken(client, prompt_id)
        done = await client.say("in ten minutes")
        text = done["response"]["output"][0]["content"][0]["text"]
        assert text == "All right, in ten minutes."
        entry = await first.becomes(prompt_id, State.DEFERRED)
        later = entry.steps[-1].evidence["later"]
        assert isinstance(later, str)
        held = await first.becomes(later, State.HELD)
        assert 500 < held.until - time.time() <= 610


async def test_who_comes_later_hears_it_then(serving: Serving, first: First) -> None:
    prompt_id = await first.say("late")
    await first.becomes(prompt_id, State.PUBLISHED)
    async with in_text(serving, "late") as client:
        await until_spoken(client, prompt_id)
        await first.becomes(prompt_id, State.HEARD)


async def test_a_clients_zone_is_known_from_then_on(serving: Serving, stage: Stage) -> None:
    async with in_text(serving, "traveller", time_zone="Asia/Tokyo"):

        async def zone() -> str:
            async with asyncio.timeout(PATIENCE):
                while (person := await stage.first.scheduler.people.get("traveller")) is None:
                    await asyncio.sleep(0.01)
                return person.time_zone

        assert await asyncio.to_thread(serving.on_loop, zone) == "Asia/Tokyo"
