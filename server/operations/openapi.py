"""The API's description, OpenAPI 3.1, from the same models that read and write its bodies."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.door import RIGHTS, Right
from server.operations.cloud_events import BATCH, STRUCTURED, CloudEvent
from server.operations.events import BatchReceipt
from server.operations.route import Operation
from server.operations.rules import WrongRule
from server.operations.wire import Told

REFS = "#/components/schemas/{model}"

PLAIN = (
    ("get", "/healthz", None, "The process is alive", ("200",)),
    ("get", "/readyz", None, "Whether sessions can begin, and what is degraded", ("200", "503")),
    ("get", "/metrics", Right.OPERATE, "For Prometheus", ("200",)),
    ("get", "/v1/openapi.json", None, "This document", ("200",)),
    ("get", "/v1/agent", None, "Who is there to talk to", ("200",)),
    ("get", "/v1/realtime", Right.TALK, "A conversation, as a WebSocket", ("101", "426")),
    (
        "post",
        "/v1/realtime/client_secrets",
        Right.MINT,
        "A secret for one person's browser",
        ("200", "400"),
    ),
    ("post", "/v1/realtime/calls", Right.TALK, "A conversation by WebRTC", ("201", "400")),
    (
        "post",
        "/v1/realtime/calls/{call_id}/hangup",
        Right.TALK,
        "End a call",
        ("200", "404"),
    ),
)
"""What is described elsewhere (docs/realtime.md, docs/webrtc.md), so that nothing is missing."""


class ErrorFields(Told):
    """What was wrong. param: the field at fault."""

    type: str
    code: str
    message: str
    param: str | None


class Error(Told):
    """Every answer of 400 and above."""

    error: ErrorFields


def document(operations: Sequence[Operation]) -> bytes:
    """As JSON."""
    models: set[type[BaseModel]] = {Error, WrongRule, CloudEvent, BatchReceipt}
    for operation in operations:
        models |= {model for model in (operation.takes, operation.gives) if model is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    modes: list[tuple[type[BaseModel], Literal["serialization", "validation"]]] = [
        (model, "serialization" if issubclass(model, Told) else "validation") for model in ordered
    ]
    _, schemas = models_json_schema(modes, ref_template=REFS)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    for method, path, right, summary, statuses in PLAIN:
        paths.setdefault(path, {})[method] = _plain(path, right, summary, statuses)
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Overture",
                "version": "1",
                "description": "A voice agent that can also speak first. See docs/outreach-api.md.",
            },
            "paths": paths,
            "components": {
                "schemas": schemas["$defs"],
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _described(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        **_who(operation.right, operation.summary),
        "operationId": _id(operation.method, operation.path),
        "parameters": [
            *_in_path(operation.path),
            *(
                {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}
                for name, meaning in operation.query.items()
            ),
        ],
        "responses": {
            str(operation.status): _answer(operation),
            "default": _content("What was wrong", Error),
        },
    }
    if operation.takes is not None:
        told["requestBody"] = {"required": True, "content": _bodies(operation)}
    if "application/yaml" in operation.also:
        told["responses"]["422"] = _content("The rule has mistakes", WrongRule)
    return told


def _answer(operation: Operation) -> dict[str, Any]:
    assert operation.gives is not None
    described = _content("Done", operation.gives, operation.media)
    if f"{BATCH}+json" in operation.also:
        either = [_ref(operation.gives), _ref(BatchReceipt)]
        described["content"][operation.media]["schema"] = {"anyOf": either}
    return described


def _bodies(operation: Operation) -> dict[str, Any]:
    assert operation.takes is not None
    bodies: dict[str, Any] = {"application/json": {"schema": _ref(operation.takes)}}
    for media in operation.also:
        if media == f"{STRUCTURED}+json":
            schema: dict[str, Any] = _ref(CloudEvent)
        elif media == f"{BATCH}+json":
            schema = {"type": "array", "items": _ref(CloudEvent), "maxItems": 100}
        else:
            schema = {"type": "string"}
        bodies[media] = {"schema": schema}
    return bodies


def _plain(path: str, right: Right | None, summary: str, statuses: Iterable[str]) -> dict[str, Any]:
    return {
        **_who(right, summary),
        "parameters": _in_path(path),
        "responses": {status: {"description": "See the guides"} for status in statuses},
    }


def _who(right: Right | None, summary: str) -> dict[str, Any]:
    """x-roles: of the keys that may."""
    if right is None:
        return {"summary": summary, "security": []}
    roles = [role.value for role, rights in RIGHTS.items() if right in rights]
    return {"summary": summary, "security": [{"key": []}], "x-roles": roles}


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _id(method: str, path: str) -> str:
    return re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_")


def _content(
    description: str, model: type[BaseModel], media: str = "application/json"
) -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": _ref(model)}}}


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": REFS.format(model=model.__name__)}
