"""`/v1/outreach`: one thing said to one person now, and the ledger of everything that was."""

import math
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from outreach.entry import Entry
from outreach.prompt import Priority, Something, Words
from outreach.states import OVER, TRANSITIONS, State
from server.door import Caller, Right
from server.operations.event_stream import HEARTBEAT, HEARTBEAT_S, Streams, sse
from server.operations.following import Following
from server.operations.route import EVENT_STREAM, Operation
from server.operations.services import Operations
from server.operations.story import Story, StreamedStep, Summary, story, streamed, summary
from server.operations.wire import (
    Body,
    EventType,
    Told,
    UserName,
    answer,
    author,
    read_model,
    wanted,
    wanted_number,
)
from server.refusals import RefusedError

LONGEST_TTL_S = 7 * 86400
WAITING = frozenset({State.HELD, State.PUBLISHED, State.RESERVED})
"""What can be withdrawn."""
LOOK_S = 1.0
"""How often a followed prompt is read again even if no step of it was told."""

Types = Annotated[tuple[EventType, ...], Field(max_length=20, strict=False)]


class PromptRequest(Body):
    """What is to be said, and to whom. key: the same one and user is the same prompt."""

    user: UserName
    say: Something
    missed: Words = Field(default="", max_length=2000)
    reason: Words = Field(default="", max_length=500)
    purpose: str = Field(default="service", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    priority: Priority = "normal"
    ttl_s: float = Field(default=900, ge=1, le=LONGEST_TTL_S)
    key: str = Field(default="", max_length=200)
    earcon: bool = False
    on_barge_in: Literal["resume", "again", "yield"] = "resume"
    offline: Literal["wait", "drop"] = "wait"
    attempts: int = Field(default=2, ge=1, le=10)
    cancel_on: Types = ()
    convert_on: Types = ()


class PromptReceipt(Told):
    """It is in the ledger. reason: why it is held or suppressed. url: where its story is."""

    id: str
    state: str
    reason: str
    duplicate: bool
    url: str


class Page(Told):
    """Of the ledger, newest first. next: the `before` of the next page, null at the end."""

    outreach: tuple[Summary, ...]
    next: float | None


class Prompts:
    """The endpoints."""

    def __init__(self, operations: Operations, following: Following, streams: Streams) -> None:
        self._ledger = operations.ledger
        self._engine = operations.engine
        self._following = following
        self._streams = streams

    def operations(self) -> Sequence[Operation]:
        """For the table."""
        one = "/v1/outreach/{id}"
        return (
            Operation(
                "POST",
                "/v1/outreach",
                Right.PUBLISH,
                self.create,
                "Say one thing to one person now",
                takes=PromptRequest,
                gives=PromptReceipt,
                status=202,
            ),
            Operation(
                "GET",
                "/v1/outreach",
                Right.OPERATE,
                self.search,
                "The ledger, newest first",
                gives=Page,
                query={
                    "user": "of this person",
                    "rule": "of this rule",
                    "state": "in this state",
                    "text": "with these words",
                    "before": "entered before, in seconds since 1970",
                    "limit": "1 to 200, 50 if left out",
                },
            ),
            Operation(
                "GET",
                "/v1/outreach/events",
                Right.OPERATE,
                self.follow_all,
                "Steps of all prompts from now on",
                gives=StreamedStep,
                media=EVENT_STREAM,
                query={"user": "of this person", "rule": "of this rule"},
            ),
            Operation("GET", one, Right.PUBLISH, self.read, "A prompt's whole story", gives=Story),
            Operation(
                "DELETE",
                one,
                Right.PUBLISH,
                self.cancel,
                "Withdraw a prompt that waits",
                gives=Story,
                query={"why": "for its story"},
            ),
            Operation(
                "GET",
                f"{one}/events",
                Right.PUBLISH,
                self.follow,
                "Steps of a prompt so far and as they happen",
                gives=StreamedStep,
                media=EVENT_STREAM,
            ),
        )

    async def create(self, request: Request, caller: Caller) -> Response:
        """202 once the ledger has it; raises RefusedError."""
        from scheduler.say import SayRequest  # imports what reads conditions, a quarter second

        asked = await read_model(request, PromptRequest)
        _may_speak_of(caller, asked.user)
        key = asked.key or _idempotency_key(request)
        fields = asked.model_dump(exclude={"say"}) | {"text": asked.say, "key": key}
        said = await self._engine.say(SayRequest(**fields), by=author(caller))
        entry = await self._entry(said.outreach.id, caller)
        if entry.outreach.text != asked.say:
            raise RefusedError(
                409,
                "key_used",
                f"{key!r:.80} is the key of a prompt with other words; give each its own",
                "key",
            )
        return answer(receipt(entry, duplicate=said.duplicate), 202)

    async def read(self, request: Request, caller: Caller) -> Response:
        """Everything about one; raises RefusedError (404)."""
        return answer(story(await self._entry(request.path_params["id"], caller)))

    async def search(self, request: Request, _: Caller) -> Response:
        """A page of the ledger."""
        limit = int(wanted_number(request, "limit", 50, 1, 200))
        found = await self._ledger.search(
            user=wanted(request, "user"),
            rule=wanted(request, "rule"),
            state=_state(wanted(request, "state")),
            text=wanted(request, "text"),
            before=wanted_number(request, "before", math.inf, 0, math.inf),
            limit=limit,
        )
        more = found[-1].steps[0].at if len(found) == limit else None
        return answer(Page(outreach=tuple(map(summary, found)), next=more))

    async def cancel(self, request: Request, caller: Caller) -> Response:
        """Its story, if it could be withdrawn, or was before; raises RefusedError (404, 409)."""
        entry = await self._entry(request.path_params["id"], caller)
        if entry.state in WAITING:
            why = wanted(request, "why")
            reason = f"withdrawn by {author(caller)}" + (f": {why}" if why else "")
            said = entry.outreach
            await self._ledger.move(
                said.user,
                said.id,
                State.CANCELLED,
                reason=reason,
                from_=WAITING,
                by=author(caller),
            )
            entry = await self._entry(said.id, caller)
        if entry.state is not State.CANCELLED:
            raise RefusedError(409, "outreach_not_cancellable", _too_late(entry))
        return answer(story(entry))

    async def follow(self, request: Request, caller: Caller) -> Response:
        """Server-sent events of one; raises RefusedError."""
        entry = await self._entry(request.path_params["id"], caller)
        last = request.headers.get("last-event-id", "")
        after = int(last) + 1 if last.isdecimal() and len(last) < 6 else 0
        return self._streams.open(caller, self._steps_of(entry, after))

    async def follow_all(self, request: Request, caller: Caller) -> Response:
        """Server-sent events of all; raises RefusedError."""
        user, rule = wanted(request, "user"), wanted(request, "rule", 100)
        return self._streams.open(caller, self._steps(user, rule))

    async def _steps_of(self, entry: Entry, after: int) -> AsyncGenerator[bytes, None]:
        """What is read of the ledger is sent; what is told of steps only says when to read."""
        said = entry.outreach
        with self._following.feed(lambda _, id: id == said.id) as feed:
            silent = 0.0
            while True:
                steps = entry.steps[after:]
                for n, step in enumerate(steps, start=after):
                    told = streamed(step, id=said.id, user=said.user, rule=said.rule, n=n)
                    yield sse("step", told.model_dump_json(), n)
                after += len(steps)
                if not TRANSITIONS[entry.state]:
                    return
                silent = 0.0 if steps else silent + LOOK_S
                if silent >= HEARTBEAT_S:
                    silent = 0.0
                    yield HEARTBEAT
                await feed.take(LOOK_S)
                found = await self._ledger.get(said.id)
                if found is None:  # its person was forgotten
                    return
                entry = found

    async def _steps(self, user: str, rule: str) -> AsyncGenerator[bytes, None]:
        def wants(whose: str, _: str) -> bool:
            return user in ("", whose)

        with self._following.feed(wants) as feed:
            while True:
                news, missed = await feed.take(HEARTBEAT_S)
                if missed:
                    yield sse("missed", f'{{"steps": {missed}}}')
                for whose, id, step in news:
                    known = await self._following.rule_of(id)
                    if rule in ("", known):
                        told = streamed(step, id=id, user=whose, rule=known, n=None)
                        yield sse("step", told.model_dump_json(exclude={"n"}))
                if not news:
                    yield HEARTBEAT

    async def _entry(self, id: str, caller: Caller) -> Entry:
        entry = await self._ledger.get(id)
        if entry is None or caller.user not in (None, entry.outreach.user):
            raise RefusedError(404, "not_found", "there is no such prompt", "id")
        return entry


def receipt(entry: Entry, *, duplicate: bool) -> PromptReceipt:
    """What whoever asked for it gets."""
    reason = entry.steps[-1].reason if entry.steps else ""
    return PromptReceipt(
        id=entry.outreach.id,
        state=entry.state.value,
        reason=reason,
        duplicate=duplicate,
        url=f"/v1/outreach/{entry.outreach.id}",
    )


def _state(name: str) -> State | None:
    if not name:
        return None
    try:
        return State(name)
    except ValueError:
        known = ", ".join(state.value for state in State)
        raise RefusedError(400, "invalid_value", f"?state= is one of {known}", "state") from None


def _may_speak_of(caller: Caller, user: str) -> None:
    if caller.user not in (None, user):
        raise RefusedError(403, "wrong_user", "this key is another user's", "user")


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if len(key) > 200:
        raise RefusedError(
            400, "invalid_value", "Idempotency-Key has over 200 characters", "Idempotency-Key"
        )
    return key


def _too_late(entry: Entry) -> str:
    said = entry.outreach.text[:80]
    if entry.state is State.SPEAKING:
        return f"it is being spoken now ({said!r}); the kill switch stops speech"
    if entry.state in OVER:
        return f"it is over: {entry.state.value} ({said!r})"
    return f"it is {entry.state.value} ({said!r}); ask again in a moment"
