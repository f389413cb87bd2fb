"""`/v1/users`: what is known of a person, and what they agreed to hear."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field, JsonValue, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from server.door import Caller, Right
from server.operations.route import Operation
from server.operations.services import Operations
from server.operations.wire import (
    Body,
    JsonObject,
    Told,
    answer,
    author,
    mistake,
    path_user,
    read_model,
    rfc3339,
    wanted,
    wanted_number,
)
from server.refusals import RefusedError

if TYPE_CHECKING:
    from outreach.people import Person


class PersonRequest(Body):
    """What is left out stays as it is."""

    time_zone: str | None = Field(default=None, max_length=64)
    name: str | None = Field(default=None, max_length=200)
    attributes: JsonObject | None = None


class ConsentRequest(Body):
    """Whether they want to be told about a purpose."""

    agreed: bool
    why: str = Field(default="", max_length=500)


class ToldConsent(Told):
    """Somebody's last word on a purpose."""

    agreed: bool
    at: float
    time: str
    by: str
    why: str


class ToldLive(Told):
    """A session of theirs. active: when it was last used."""

    session: str
    instance: str
    active: float
    text_only: bool


class ToldPerson(Told):
    """All that is known. live: the session that is spoken in stands first."""

    user: str
    time_zone: str
    name: str
    attributes: Mapping[str, JsonValue]
    consent: Mapping[str, ToldConsent]
    live: tuple[ToldLive, ...]


class Users(Told):
    """Known people. next: the `cursor` of the next page, null at the end."""

    users: tuple[str, ...]
    next: str | None


class People:
    """The endpoints."""

    def __init__(self, operations: Operations) -> None:
        self._people = operations.people
        self._consent = operations.consent
        self._presence = operations.presence
        self._ledger = operations.ledger

    def operations(self) -> Sequence[Operation]:
        """For the table."""
        one = "/v1/users/{user}"
        return (
            Operation(
                "GET",
                "/v1/users",
                Right.OPERATE,
                self.list,
                "Who is known",
                gives=Users,
                query={"limit": "1 to 1000, 100 if left out", "cursor": "of the page before"},
            ),
            Operation(
                "GET", one, Right.OPERATE, self.read, "What is known of one", gives=ToldPerson
            ),
            Operation(
                "PUT",
                one,
                Right.OPERATE,
                self.write,
                "Change what is known of one",
                takes=PersonRequest,
                gives=ToldPerson,
            ),
            Operation(
                "PUT",
                f"{one}/consent/{{purpose}}",
                Right.OPERATE,
                self.agree,
                "Record that they want to hear of a purpose, or not",
                takes=ConsentRequest,
                gives=ToldPerson,
            ),
        )

    async def list(self, request: Request, _: Caller) -> Response:
        """A page of names."""
        limit = int(wanted_number(request, "limit", 100, 1, 1000))
        # Encoded and in braces, three characters for each of a name's bytes at most.
        users, cursor = await self._people.users(limit, wanted(request, "cursor", 4000))
        return answer(Users(users=tuple(users), next=cursor or None))

    async def read(self, request: Request, _: Caller) -> Response:
        """Raises RefusedError (404) for somebody of whom nothing is known."""
        user = path_user(request)
        return answer(await self._told(user, await self._people.get(user)))

    async def write(self, request: Request, _: Caller) -> Response:
        """As they are afterwards."""
        from outreach.people import Person

        user = path_user(request)
        asked = await read_model(request, PersonRequest)
        known = await self._people.get(user)
        before = known.model_dump() if known is not None else {"user": user}
        try:
            person = Person.model_validate(before | asked.model_dump(exclude_none=True))
        except ValidationError as error:
            raise mistake(error) from None
        await self._people.put(person)
        return answer(await self._told(user, person))

    async def agree(self, request: Request, caller: Caller) -> Response:
        """A refusal withdraws what waits of the purpose."""
        from outreach.people import TooManyPurposesError

        user, purpose = path_user(request), request.path_params["purpose"]
        asked = await read_model(request, ConsentRequest)
        by = author(caller)
        try:
            if asked.agreed:
                await self._consent.agree(user, purpose, by)
            else:
                await self._consent.refuse(user, purpose, by, asked.why)
        except ValidationError:
            raise RefusedError(
                400, "invalid_value", "a purpose is a name such as orders, or *", "purpose"
            ) from None
        except TooManyPurposesError as error:
            raise RefusedError(409, "too_many_purposes", str(error), "purpose") from None
        if not asked.agreed:
            await self._ledger.cancel_purpose(user, purpose, f"consent withdrawn by {by}")
        return answer(await self._told(user, await self._people.get(user)))

    async def _told(self, user: str, person: "Person | None") -> ToldPerson:
        consent = await self._consent.of(user)
        live = await self._presence.of(user)
        if person is None and not consent and not live:
            raise RefusedError(404, "not_found", "nothing is known of this person", "user")
        return ToldPerson(
            user=user,
            time_zone=person.time_zone if person else "",
            name=person.name if person else "",
            attributes=person.attributes if person else {},
            consent={
                purpose: ToldConsent(
                    agreed=word.agreed,
                    at=word.at,
                    time=rfc3339(word.at),
                    by=word.by,
                    why=word.why,
                )
                for purpose, word in consent.items()
            },
            live=tuple(
                ToldLive(
                    session=each.session,
                    instance=each.instance,
                    active=each.active,
                    text_only=each.text_only,
                )
                for each in live
            ),
        )
