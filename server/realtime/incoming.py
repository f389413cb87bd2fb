"""Bytes from a client, made into typed events; whatever is wrong with them is named."""

from typing import Any, get_args

import orjson
from pydantic import BaseModel, ValidationError

from server.realtime.client_events import ClientEvent
from server.realtime.errors import ClientError

APPEND = "input_audio_buffer.append"
"""Handled apart from the others: 25 a second and session, without any model."""
AFTER_AUDIO = ("input_audio_buffer.commit", "input_audio_buffer.clear")
"""Mean the audio sent before them, which may still wait to be looked at."""

_MODELS: dict[str, type[BaseModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(ClientEvent)
}
EXTRAS = frozenset({"overture.playout", "overture.outreach.shown", "overture.outreach.stop"})
"""Understood only from a client that asked for extras."""


def parse(message: str | bytes) -> dict[str, Any]:
    """A client event with a `type`; raises ClientError. Nesting is limited to 1024 by orjson."""
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise ClientError("invalid_json", f"the message is not valid JSON: {error}") from None
    if not isinstance(event, dict):
        raise ClientError("invalid_type", "the message should be a JSON object with a 'type'")
    if "type" not in event:
        message = "the event has no 'type'"
        raise ClientError("missing_required_parameter", message, "type", event_id_of(event))
    return event


def event_id_of(event: dict[str, Any]) -> str | None:
    """The client's own name of the event, for errors about it."""
    event_id = event.get("event_id")
    return event_id[:512] if isinstance(event_id, str) else None


def typed(event: dict[str, Any], *, extras: bool) -> ClientEvent:
    """The event as its model; raises ClientError naming the field at fault."""
    name = event["type"]
    known = isinstance(name, str) and name in _MODELS and (extras or name not in EXTRAS)
    if not known:
        names = sorted({APPEND, *_MODELS} - (set() if extras else EXTRAS))
        raise ClientError(
            "invalid_value",
            f"unknown event type {str(name)[:80]!r}; this server knows {', '.join(names)}",
            "type",
        )
    return validated(_MODELS[name], event)  # type: ignore[return-value]  # the table's own classes


def validated(model: type[BaseModel], data: object, prefix: str = "") -> BaseModel:
    """An instance of `model`; raises ClientError. prefix: path of `data` inside the event."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        param = _path(data, prefix, first["loc"])
        raise ClientError(_code(first["type"]), f"{param}: {first['msg']}", param) from None


def _path(data: object, prefix: str, loc: tuple[int | str, ...]) -> str:
    """The field's path as the client wrote it, without pydantic's names of union members."""
    path = [prefix] if prefix else []
    for step in loc:
        if isinstance(data, dict) and (step in data or step == loc[-1]):
            path.append(str(step))
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int):
            path.append(str(step))
            data = data[step] if step < len(data) else None
    return ".".join(path)


def _code(kind: str) -> str:
    if kind == "missing":
        return "missing_required_parameter"
    return "invalid_type" if kind.endswith("_type") else "invalid_value"
