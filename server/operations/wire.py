"""Bodies in and out: typed models, and one way of telling times and mistakes."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from scheduler.model_problems import looks_like
from server.bodies import read_json
from server.door import Caller
from server.refusals import RefusedError

PROMPT_BYTES = 64 * 1024
"""An event's data or a prompt's words; what is larger belongs where the data points to."""
MAX_PARAM = 120
"""Characters of a field's path that are told back."""

UserName = Annotated[str, Field(min_length=1, max_length=256)]
EventType = Annotated[
    str, Field(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$")
]
"""Dotted, as tags of the bus are: "order.ready"."""

DEEPEST = 32
"""Of JSON that we keep: whoever reads it later, in Lua, Rust or Python, has a limit of its own."""


def shallow(value: JsonValue, room: int = DEEPEST) -> JsonValue:
    """The value itself; raises ValueError if it is nested more than DEEPEST deep."""
    if room < 0:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    inner: Iterable[JsonValue] = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    for each in inner:
        shallow(each, room - 1)
    return value


def _shallow_object(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    shallow(value)
    return value


JsonObject = Annotated[dict[str, JsonValue], AfterValidator(_shallow_object)]

M = TypeVar("M", bound=BaseModel)


class Body(BaseModel):
    """Of a request: unknown fields are refused, as a misspelled one would do nothing, silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Told(BaseModel):
    """Of an answer."""

    model_config = ConfigDict(frozen=True)


async def read_model(request: Request, model: type[M], most: int = PROMPT_BYTES) -> M:
    """The request's JSON as that model; raises RefusedError naming the field at fault."""
    return parsed(await read_json(request, most), model)


def parsed(value: object, model: type[M], where: str = "") -> M:
    """A JSON value as that model. where: its own path, put before those of its fields."""
    if not isinstance(value, dict):
        raise RefusedError(400, "invalid_type", "this should be a JSON object", where or None)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise mistake(error, where) from None


def mistake(error: ValidationError, where: str = "") -> RefusedError:
    """The first thing that is wrong with a body."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(part) for part in (where, *first["loc"]) if part != "")[:MAX_PARAM]
    if first["type"] == "extra_forbidden":
        return RefusedError(400, "unknown_parameter", f"there is no field {path!r}", path)
    if first["type"] == "missing":
        return RefusedError(400, "missing_required_parameter", f"{path!r} is missing", path)
    wrong_form = first["type"] == "string_pattern_mismatch"
    reason = (looks_like(first) if wrong_form else first["msg"].removeprefix("Value error, "))[:300]
    return RefusedError(400, "invalid_value", f"{path or 'the body'}: {reason}", path or None)


def answer(told: BaseModel, status: int = 200, **headers: str) -> Response:
    """The answer. What people said and are told is in it, so no cache keeps it."""
    return Response(
        told.model_dump_json(),
        status,
        {"Cache-Control": "no-store", **headers},
        media_type="application/json",
    )


def rfc3339(at: float) -> str:
    """A moment in UTC, to the millisecond; "" for what is no moment (0, infinity)."""
    if not math.isfinite(at) or not 0 < at < 253_402_300_800:  # the year 10000
        return ""
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def wanted(request: Request, name: str, most: int = 300) -> str:
    """A parameter of the query, "" without; raises RefusedError if it is there twice, or long."""
    given = request.query_params.getlist(name)
    if len(given) > 1:
        raise RefusedError(400, "invalid_value", f"?{name}= is there more than once", name)
    value = given[0] if given else ""
    if len(value) > most:
        raise RefusedError(400, "invalid_value", f"?{name}= has over {most} characters", name)
    return value


def wanted_number(request: Request, name: str, default: float, least: float, most: float) -> float:
    """A number of the query; raises RefusedError unless it is one from `least` to `most`."""
    value = wanted(request, name)
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise RefusedError(
            400, "invalid_value", f"?{name}= should be a number from {least:g} to {most:g}", name
        )
    return number


def path_user(request: Request) -> str:
    """The `{user}` of the path; raises RefusedError for a name that nobody has."""
    user: Any = request.path_params["user"]
    if not 1 <= len(user) <= 256:
        raise RefusedError(404, "not_found", "a user's name has 1 to 256 characters", "user")
    return str(user)


def author(caller: Caller) -> str:
    """Who did it, for stories and histories: the key's name."""
    return caller.key or "somebody on this machine"
