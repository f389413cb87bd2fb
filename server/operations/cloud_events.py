"""CloudEvents 1.0 over HTTP: structured, batch and binary (HTTP protocol binding, section 3)."""

import base64
import binascii
import hashlib
import re
from typing import Annotated, Literal
from urllib.parse import unquote

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.datastructures import Headers

from server.operations.wire import EventType, JsonObject, parsed, shallow
from server.refusals import RefusedError

STRUCTURED = "application/cloudevents"
BATCH = "application/cloudevents-batch"
MAX_BATCH = 100
PREFIX = "ce-"

_ESCAPED = re.compile(r"\\(.)")


class CloudEvent(BaseModel):
    """The context attributes, and the data as a JSON object. Extensions besides `user` are let be,
    as the specification asks of those who do not know them."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    specversion: Literal["1.0"]
    id: Annotated[str, Field(min_length=1, max_length=200)]
    source: Annotated[str, Field(min_length=1, max_length=500)]
    type: EventType
    subject: str = Field(default="", max_length=256)
    user: str = Field(default="", max_length=256)
    time: str = Field(default="", max_length=64)
    datacontenttype: str = Field(default="", max_length=200)
    dataschema: str = Field(default="", max_length=500)
    data: JsonObject = Field(default_factory=dict)
    data_base64: str = Field(default="", max_length=1 << 20)

    @property
    def key(self) -> str:
        """Unique: an id is its source's own."""
        return event_key(self.source, self.id)

    @property
    def person(self) -> str:
        """Whom it is about."""
        return self.user or self.subject


def event_key(source: str, id: str) -> str:
    """The id under which an event of a source is kept."""
    digest = hashlib.blake2b(f"{source}\x1f{id}".encode(), digest_size=16)
    return f"evt_{digest.hexdigest()}"


def structured(value: object, where: str = "") -> CloudEvent:
    """One event in the JSON format; raises RefusedError."""
    known = value
    if isinstance(value, dict):
        known = {name: each for name, each in value.items() if each is not None}
        if "data" in known and "data_base64" in known:
            raise RefusedError(
                400, "invalid_value", "either `data` or `data_base64`, not both", _at(where, "data")
            )
        if "data" in known and not isinstance(known["data"], dict):
            raise RefusedError(
                400, "invalid_type", "`data` should be a JSON object", _at(where, "data")
            )
    event = parsed(known, CloudEvent, where)
    if not event.data_base64:
        return event
    return event.model_copy(update={"data": _decoded(event.data_base64, where), "data_base64": ""})


def batch(value: object) -> list[CloudEvent]:
    """A batch, of which every event is right; raises RefusedError."""
    if not isinstance(value, list):
        raise RefusedError(400, "invalid_type", "a batch should be a JSON array of events")
    if len(value) > MAX_BATCH:
        raise RefusedError(413, "request_too_large", f"a batch has {MAX_BATCH} events at most")
    return [structured(each, f"[{place}]") for place, each in enumerate(value)]


def binary(headers: Headers, body: bytes) -> CloudEvent:
    """One event whose attributes are headers and whose data is the body; raises RefusedError."""
    attributes: dict[str, object] = {}
    for name, value in headers.items():
        if not name.startswith(PREFIX):
            continue
        attribute = name.removeprefix(PREFIX)
        if attribute in attributes:
            raise RefusedError(400, "invalid_value", f"{name} is there more than once", name)
        attributes[attribute] = _unescaped(name, value)
    attributes.pop("data", None)
    attributes.pop("data_base64", None)
    media = headers.get("content-type", "")
    if body.strip():
        if not _is_json(media):
            raise RefusedError(
                415,
                "unsupported_media_type",
                "the data should be a JSON object, with Content-Type: application/json",
            )
        attributes["data"] = _object(body, "data")
    return parsed(attributes, CloudEvent)


def media_type(headers: Headers) -> str:
    """Of the body, without its parameters, in small letters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media.endswith(("/json", "+json"))


def _unescaped(name: str, value: str) -> str:
    """A header's value: perhaps quoted, and percent-encoded UTF-8 (section 3.1.3.2)."""
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = _ESCAPED.sub(r"\1", text[1:-1])
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise RefusedError(400, "invalid_value", f"{name} is not UTF-8", name) from None


def _decoded(data: str, where: str) -> dict[str, JsonValue]:
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(
            400, "invalid_value", "`data_base64` is not Base64", _at(where, "data_base64")
        ) from None
    return _object(content, _at(where, "data_base64"))


def _object(content: bytes, where: str) -> dict[str, JsonValue]:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise RefusedError(400, "invalid_json", f"the data is not JSON: {error}", where) from None
    if not isinstance(value, dict):
        raise RefusedError(400, "invalid_type", "the data should be a JSON object", where)
    try:
        shallow(value)
    except ValueError as error:
        raise RefusedError(400, "invalid_value", f"the data: {error}", where) from None
    return value


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
