"""All operations in one table, and what runs behind them while the application does."""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.door import Caller, Door
from server.operations.dead_letters import DeadLetters
from server.operations.event_stream import Streams
from server.operations.events import Events
from server.operations.following import Following
from server.operations.live import Watching
from server.operations.people import People
from server.operations.prompts import Prompts
from server.operations.route import Operation
from server.operations.rules import Rules
from server.operations.services import Operations
from server.operations.switch import KillSwitch


class Table:
    """The API of one application."""

    def __init__(self, services: Operations, in_force: Callable[[Caller], bool]) -> None:
        self._following = Following(services.ledger)
        self._bus = services.bus
        self._document = b""
        self.streams = Streams(in_force)
        # Before /v1/outreach/{id}, which would take these for ids.
        rooms = (
            KillSwitch(services),
            Watching(services),
            Events(services),
            Prompts(services, self._following, self.streams),
            Rules(services),
            People(services),
            DeadLetters(services),
        )
        self.operations: Sequence[Operation] = [
            operation for room in rooms for operation in room.operations()
        ]

    def routes(self, door: Door) -> list[Route]:
        """Of the API, and of its description."""
        described = Route("/v1/openapi.json", self.describe)
        return [*(operation.route(door) for operation in self.operations), described]

    def degraded(self) -> list[str]:
        """What does not work although sessions can begin."""
        trouble = self._bus.trouble
        return [f"the bus ({self._bus.name}): {trouble}"] if trouble else []

    async def aclose(self) -> None:
        """Follows nothing more."""
        await self._following.aclose()

    async def describe(self, _: Request) -> Response:
        """OpenAPI 3.1, made when it is first asked for."""
        if not self._document:
            from server.operations.openapi import document

            self._document = document(self.operations)
        return Response(self._document, media_type="application/json")
