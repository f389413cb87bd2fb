"""One operation of the API: how it is reached, who may, and what goes in and out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from outreach.errors import OutreachUnavailableError
from server.door import Caller, Door, Endpoint, Right
from server.refusals import RefusedError
from sessions.store import StoreUnavailableError

EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path.

    takes, gives: models of the bodies, None for none. status: of success. query: parameters and
    what they mean. media: of the answer. also: further media types of the request's body.
    """

    method: str
    path: str
    right: Right
    endpoint: Endpoint
    summary: str
    takes: type[BaseModel] | None = None
    gives: type[BaseModel] | None = None
    status: int = 200
    query: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"
    also: tuple[str, ...] = ()

    def route(self, door: Door) -> Route:
        """As the application has it."""
        guarded = door.guard(self.right, _told_when_away(self.endpoint))
        return Route(self.path, guarded, methods=[self.method])


def _told_when_away(endpoint: Endpoint) -> Endpoint:
    """Redis away is no mistake of anybody's: 503, with when to ask again."""

    async def told(request: Request, caller: Caller) -> Response:
        try:
            return await endpoint(request, caller)
        except (OutreachUnavailableError, StoreUnavailableError) as error:
            raise RefusedError(
                503, "server_error", f"this cannot be done now ({error}); try again"
            ) from None

    return told
