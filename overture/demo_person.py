"""A person in a demo: types into a conversation over the wire, and listens to what is said."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

ANSWER_S = 20.0
"""Longest wait for an answer to a typed turn, and until it has been spoken."""


@dataclass(slots=True)
class Speech:
    """Something that the agent said. outreach: the prompt's id, "" of an answer."""

    outreach: str
    text: str = ""


class NotHeardError(Exception):
    """What should have been heard was not; the message says what and how long it was waited for."""


class Person:
    """on_words: told of each sentence of the agent's as its sound begins, with the speech."""

    def __init__(self, socket: ClientConnection, on_words: Callable[[Speech, str], None]) -> None:
        self._socket = socket
        self._on_words = on_words
        self._speaking: dict[str, Speech] = {}
        self._spoken: dict[bool, asyncio.Queue[Speech]] = {
            True: asyncio.Queue(),
            False: asyncio.Queue(),
        }
        """What was said to the end: of its own accord, and as an answer."""

    async def says(self, text: str) -> Speech:
        """Types a turn; returns the answer, once it was spoken. Raises NotHeardError."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        for event in (
            {"type": "conversation.item.create", "item": item},
            {"type": "response.create"},
        ):
            await self._socket.send(json.dumps(event))
        return await self._next(False, ANSWER_S, f'an answer to "{text}"')

    async def is_told(self, what: str, within_s: float) -> Speech:
        """The next thing that the agent says of its own accord. Raises NotHeardError."""
        return await self._next(True, within_s, what)

    async def _next(self, first: bool, within_s: float, what: str) -> Speech:
        try:
            async with asyncio.timeout(within_s):
                return await self._spoken[first].get()
        except TimeoutError:
            raise NotHeardError(f"{what} was not heard within {within_s:g} s") from None

    async def listen(self) -> None:
        """Until the connection ends."""
        async for message in self._socket:
            self._take(json.loads(message))

    def _take(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "response.created":
                response = event["response"]
                metadata = response.get("metadata") or {}
                self._speaking[response["id"]] = Speech(metadata.get("outreach_id", ""))
            case "response.output_audio_transcript.delta":
                speech = self._speaking[event["response_id"]]
                speech.text += event["delta"]
                self._on_words(speech, event["delta"].strip())
            case "response.done":
                speech = self._speaking.pop(event["response"]["id"])
                if event["response"]["status"] == "completed" and speech.text:
                    self._spoken[bool(speech.outreach)].put_nowait(speech)


@asynccontextmanager
async def person_at(
    address: str, user: str, time_zone: str, on_words: Callable[[Speech, str], None]
) -> AsyncIterator[Person]:
    """Connects, as any client of the protocol does; raises NotHeardError if it breaks off."""
    query = urlencode({"model": "cafe", "user": user, "time_zone": time_zone})
    url = f"{address.replace('http', 'ws', 1)}/v1/realtime?{query}"
    # The transcript is what is looked at; the sound comes all the same, in real time.
    async with connect(url, compression=None, max_size=1 << 24) as socket:
        person = Person(socket, on_words)
        listening = asyncio.create_task(person.listen())
        try:
            yield person
        except ConnectionClosed as closed:
            raise NotHeardError(f"the server ended the conversation: {closed}") from None
        finally:
            listening.cancel()
