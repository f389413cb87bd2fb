"""`/v1/outreach/switch`: nothing is said first any more, anywhere."""

from collections.abc import Sequence

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from server.door import Caller, Right
from server.operations.route import Operation
from server.operations.services import Operations
from server.operations.wire import Body, Told, answer, author, read_model, rfc3339

PATH = "/v1/outreach/switch"


class SwitchRequest(Body):
    """stopped: true stops all outreach."""

    stopped: bool
    why: str = Field(default="", max_length=500)


class ToldSwitch(Told):
    """by, why, at: of the last change; empty and 0 if it was never touched."""

    stopped: bool
    by: str
    why: str
    at: float
    time: str


class KillSwitch:
    """The endpoints."""

    def __init__(self, operations: Operations) -> None:
        self._switch = operations.switch

    def operations(self) -> Sequence[Operation]:
        """For the table."""
        return (
            Operation("GET", PATH, Right.OPERATE, self.read, "The kill switch", gives=ToldSwitch),
            Operation(
                "PUT",
                PATH,
                Right.OPERATE,
                self.set,
                "Stop all outreach, or let it go on",
                takes=SwitchRequest,
                gives=ToldSwitch,
            ),
        )

    async def read(self, _: Request, __: Caller) -> Response:
        """As it is."""
        return answer(await self._told())

    async def set(self, request: Request, caller: Caller) -> Response:
        """Holds for every instance once this answers; what sounds then ends within a second."""
        asked = await read_model(request, SwitchRequest)
        change = self._switch.stop if asked.stopped else self._switch.resume
        await change(author(caller), asked.why)
        return answer(await self._told())

    async def _told(self) -> ToldSwitch:
        state = await self._switch.state()
        return ToldSwitch(
            stopped=state.stopped,
            by=state.by,
            why=state.why,
            at=state.at,
            time=rfc3339(state.at),
        )
