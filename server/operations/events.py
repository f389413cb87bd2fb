"""`/v1/events`: something happened, told as plain JSON or as CloudEvents."""

import math
import secrets
import time as clock
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

import orjson
from pydantic import Field, JsonValue, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from outreach.inbox import Event
from server.bodies import read_body
from server.door import Caller, Right
from server.operations import cloud_events
from server.operations.cloud_events import CloudEvent
from server.operations.route import Operation
from server.operations.services import Operations
from server.operations.wire import (
    PROMPT_BYTES,
    Body,
    EventType,
    JsonObject,
    Told,
    answer,
    mistake,
    parsed,
    wanted,
)
from server.refusals import RefusedError

BATCH_BYTES = 1024 * 1024
LATEST = 4_102_444_800.0
"""The year 2100; no time of an event is later."""


class EventRequest(Body):
    """Something that happened. time: RFC 3339, or seconds since 1970; now, if left out."""

    type: EventType
    user: str = Field(default="", max_length=256)
    data: JsonObject = Field(default_factory=dict)
    id: str = Field(default="", max_length=200)
    time: Annotated[str, Field(max_length=64)] | float | int = ""
    source: str = Field(default="", max_length=500)


class EventReceipt(Told):
    """It is in Redis. duplicate: it was already."""

    id: str
    duplicate: bool


class BatchReceipt(Told):
    """Of each event of a batch, in its order."""

    events: tuple[EventReceipt, ...]


class EventOutcome(Told):
    """What came of an event; outcome is null while it waits for a scheduler."""

    id: str
    status: Literal["waiting", "done"]
    outcome: Mapping[str, JsonValue] | None


class Events:
    """The endpoints."""

    def __init__(self, operations: Operations) -> None:
        self._intake = operations.intake
        self._inbox = operations.inbox

    def operations(self) -> Sequence[Operation]:
        """For the table."""
        return (
            Operation(
                "POST",
                "/v1/events",
                Right.PUBLISH,
                self.create,
                "Something happened",
                takes=EventRequest,
                gives=EventReceipt,
                status=202,
                also=(f"{cloud_events.STRUCTURED}+json", f"{cloud_events.BATCH}+json"),
            ),
            Operation(
                "GET",
                "/v1/events/{id}",
                Right.PUBLISH,
                self.read,
                "What came of an event",
                gives=EventOutcome,
                query={"source": "of a CloudEvent: the id is then that source's own"},
            ),
        )

    async def create(self, request: Request, caller: Caller) -> Response:
        """202 once Redis has it, or all of a batch; raises RefusedError."""
        media = cloud_events.media_type(request.headers)
        if media.startswith(cloud_events.BATCH):
            body = await _json(request, media, cloud_events.BATCH, BATCH_BYTES)
            events = [_from_cloud(each) for each in cloud_events.batch(body)]
            for place, event in enumerate(events):
                _may_tell_of(caller, event.user, f"[{place}].user")
            receipts = [await self._accept(event) for event in events]
            return answer(BatchReceipt(events=tuple(receipts)), 202)
        if media.startswith(cloud_events.STRUCTURED):
            body = await _json(request, media, cloud_events.STRUCTURED, PROMPT_BYTES)
            event = _from_cloud(cloud_events.structured(body))
        elif "ce-specversion" in request.headers:
            content = await read_body(request, PROMPT_BYTES)
            event = _from_cloud(cloud_events.binary(request.headers, content))
        else:
            content = await read_body(request, PROMPT_BYTES)
            event = _from_plain(parsed(_loads(content), EventRequest))
        _may_tell_of(caller, event.user, "user")
        return answer(await self._accept(event), 202)

    async def read(self, request: Request, caller: Caller) -> Response:
        """Its outcome; raises RefusedError (404)."""
        id = request.path_params["id"]
        if source := wanted(request, "source", 500):
            id = cloud_events.event_key(source, id)
        outcome = await self._inbox.outcome(id)
        if not await self._may_read(id, caller):
            raise RefusedError(
                404, "not_found", "no event of this id was accepted in the last 7 days", "id"
            )
        status: Literal["waiting", "done"] = "waiting" if outcome is None else "done"
        return answer(EventOutcome(id=id, status=status, outcome=outcome))

    async def _may_read(self, id: str, caller: Caller) -> bool:
        """Whether there is such an event, and it is not about somebody else than the key's user."""
        if caller.user is None:
            return await self._inbox.known(id)
        event = await self._inbox.get(id)
        return event is not None and event.user == caller.user

    async def _accept(self, event: Event) -> EventReceipt:
        accepted = await self._intake.accept(event)
        return EventReceipt(id=accepted.id, duplicate=accepted.duplicate)


def _from_plain(told: EventRequest) -> Event:
    return _event(
        id=told.id or f"evt_{secrets.token_hex(12)}",
        type=told.type,
        user=told.user,
        time=_moment(told.time),
        data=told.data,
        source=told.source,
    )


def _from_cloud(told: CloudEvent) -> Event:
    return _event(
        id=told.key,
        type=told.type,
        user=told.person,
        time=_moment(told.time),
        data=told.data,
        source=told.source,
    )


def _event(**fields: object) -> Event:
    try:
        return Event.model_validate(fields)
    except ValidationError as error:
        raise mistake(error) from None


def _moment(given: str | float) -> float:
    """Seconds since 1970; now for "". Raises RefusedError."""
    if given == "":
        return clock.time()
    if isinstance(given, str):
        try:
            moment = datetime.fromisoformat(given)
            at = moment.timestamp() if moment.tzinfo is not None else math.nan
        except (ValueError, OverflowError):
            at = math.nan
    else:
        at = float(given)
    if not 0 <= at <= LATEST:
        raise RefusedError(
            400,
            "invalid_value",
            "`time` should be RFC 3339 with an offset (2026-11-21T16:00:00Z), or seconds since "
            "1970",
            "time",
        )
    return at


def _may_tell_of(caller: Caller, user: str, param: str) -> None:
    if caller.user is not None and user != caller.user:
        raise RefusedError(403, "wrong_user", "this key tells of another user only", param)


async def _json(request: Request, media: str, kind: str, most: int) -> object:
    if media != f"{kind}+json":
        raise RefusedError(
            415, "unsupported_media_type", f"CloudEvents come as {kind}+json, not as {media}"
        )
    return _loads(await read_body(request, most))


def _loads(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(400, "invalid_json", f"the body is not valid JSON: {error}") from None
