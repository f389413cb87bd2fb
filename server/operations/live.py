"""`/v1/live` and `/v1/outreach/funnel`: who talks now, and how prompts fare."""

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from server.door import Caller, Right
from server.operations.dead_letters import ToldBus, told_bus
from server.operations.route import Operation
from server.operations.services import Operations
from server.operations.wire import Told, answer


class LiveSession(Told):
    """A live session; no words of anybody."""

    session: str
    user: str
    transport: str
    instance: str
    since: float
    active: float
    floor: str
    turns: int
    last_intent: str
    form: str
    time_zone: str
    text_only: bool


class LiveInstance(Told):
    """A server process that beats. sessions: how many."""

    instance: str
    address: str
    started: float
    draining: bool
    sessions: int
    load: float
    bus_trouble: str


class ToldLiveAll(Told):
    """Everybody on every instance. bus: as this instance sees it."""

    sessions: tuple[LiveSession, ...]
    instances: tuple[LiveInstance, ...]
    bus: ToldBus


class Funnels(Told):
    """Rule, "" for direct requests, to how many prompts came to each state."""

    rules: Mapping[str, Mapping[str, int]]


class Watching:
    """The endpoints."""

    def __init__(self, operations: Operations) -> None:
        self._presence = operations.presence
        self._ledger = operations.ledger
        self._bus = operations.bus

    def operations(self) -> Sequence[Operation]:
        """For the table."""
        return (
            Operation(
                "GET", "/v1/live", Right.OPERATE, self.live, "Who is talking", gives=ToldLiveAll
            ),
            Operation(
                "GET",
                "/v1/outreach/funnel",
                Right.OPERATE,
                self.funnel,
                "How prompts fare, by rule",
                gives=Funnels,
            ),
        )

    async def live(self, _: Request, __: Caller) -> Response:
        """From the instances' cards, a second old at most."""
        cards = await self._presence.instances()
        sessions = tuple(
            LiveSession(instance=card.instance, **session.model_dump())
            for card in cards
            for session in card.sessions
        )
        instances = tuple(
            LiveInstance(**card.model_dump(exclude={"sessions"}), sessions=len(card.sessions))
            for card in cards
        )
        return answer(ToldLiveAll(sessions=sessions, instances=instances, bus=told_bus(self._bus)))

    async def funnel(self, _: Request, __: Caller) -> Response:
        """Tests are left out."""
        return answer(Funnels(rules=await self._ledger.funnels()))
