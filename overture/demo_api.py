"""The demo's hand on the outreach API (docs/outreach-api.md), as a shop's programs have it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from overture.demo_person import NotHeardError

ANSWER_S = 10.0
SETTLED_S = 10.0
"""Longest wait for the ledger to know what has just happened."""
LOOK_S = 0.1


class Api:
    """One server's. Raises NotHeardError when it refuses, or never comes to what is waited for."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def get(self, path: str) -> Any:
        """The JSON there."""
        return self._json(await self._http.get(path))

    async def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that it answers."""
        return self._json(await self._http.put(path, json=body))

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that it answers."""
        return self._json(await self._http.post(path, json=body))

    async def story(self, outreach: str, *states: str) -> dict[str, Any]:
        """The prompt's story, once it is in one of these states."""
        try:
            async with asyncio.timeout(SETTLED_S):
                while True:
                    story: dict[str, Any] = await self.get(f"/v1/outreach/{outreach}")
                    if story["state"] in states:
                        return story
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise NotHeardError(
                f"{outreach} is {story['state']} in the ledger, not {' or '.join(states)}"
            ) from None

    async def outcome(self, event: str) -> dict[str, Any]:
        """What came of an event, once a scheduler has dealt with it."""
        try:
            async with asyncio.timeout(SETTLED_S):
                while True:
                    told = await self.get(f"/v1/events/{event}")
                    if told["status"] == "done":
                        outcome: dict[str, Any] = told["outcome"]
                        return outcome
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise NotHeardError(f"nobody has dealt with the event {event}") from None

    @staticmethod
    def _json(answer: httpx2.Response) -> Any:
        if answer.is_error:
            raise NotHeardError(f"{answer.request.url} answers {answer.status_code}: {answer.text}")
        return answer.json()


@asynccontextmanager
async def api_at(address: str) -> AsyncIterator[Api]:
    """Raises NotHeardError when the server is gone."""
    async with httpx2.AsyncClient(base_url=address, timeout=ANSWER_S, trust_env=False) as http:
        try:
            yield Api(http)
        except httpx2.TransportError as error:
            raise NotHeardError(f"the demo's server does not answer: {error!r}") from None
