"""The description is OpenAPI 3.1, complete, and true to what the server answers."""

import re
from typing import Any

import httpx
import pytest

from tests.support.serving import Serving

METHODS = {"get", "put", "post", "delete"}
TYPES = {"string", "number", "integer", "boolean", "array", "object", "null"}


@pytest.fixture(scope="module")
def described(api: httpx.Client) -> dict[str, Any]:
    answer = api.get("/v1/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def test_it_has_what_the_specification_asks_for(described: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d", described["openapi"])
    assert {"title", "version"} <= set(described["info"])
    ids = []
    for path, item in described["paths"].items():
        assert path.startswith("/")
        assert set(item) <= METHODS
        for operation in item.values():
            names = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
            assert names == re.findall(r"\{(\w+)\}", path)
            assert all(each["required"] for each in operation["parameters"] if each["in"] == "path")
            assert operation["responses"]
            assert all(re.fullmatch(r"\d{3}|default", code) for code in operation["responses"])
            assert all(each["description"] for each in operation["responses"].values())
            ids += [operation["operationId"]] if "operationId" in operation else []
    assert len(ids) == len(set(ids))


def test_every_reference_leads_somewhere_and_every_schema_is_one(
    described: dict[str, Any],
) -> None:
    schemas = described["components"]["schemas"]

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for each in node:
                walk(each)
        if not isinstance(node, dict):
            return
        if isinstance(reference := node.get("$ref"), str):
            assert reference.removeprefix("#/components/schemas/") in schemas
        if isinstance(kind := node.get("type"), str) and "in" not in node and "scheme" not in node:
            assert kind in TYPES
        for each in node.values():
            walk(each)

    walk(described["paths"])
    walk(schemas)
    assert {"EventRequest", "PromptRequest", "Story", "CloudEvent", "Error"} <= set(schemas)


def test_every_route_of_the_server_is_described(
    described: dict[str, Any], open_api: Serving
) -> None:
    pages = {"/", "/console", "/static"}
    found = {
        (route.path, method.lower())
        for route in open_api.app.routes
        for method in (getattr(route, "methods", None) or {"GET"})
        if method != "HEAD" and route.path not in pages
    }
    told = {(path, method) for path, item in described["paths"].items() for method in item}
    assert told == found


def test_it_says_who_may(described: dict[str, Any]) -> None:
    paths = described["paths"]
    assert paths["/v1/events"]["post"]["x-roles"] == ["service", "operator"]
    assert paths["/v1/rules"]["get"]["x-roles"] == ["operator"]
    assert paths["/readyz"]["get"]["security"] == []


def fits(value: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """As much of JSON Schema as the models use."""
    if "$ref" in schema:
        return fits(value, schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return any(fits(value, each, schemas) for each in schema["anyOf"])
    if "enum" in schema and value not in schema["enum"]:
        return False
    match schema.get("type"):
        case "object":
            known = schema.get("properties", {})
            other = schema.get("additionalProperties", True)
            return (
                isinstance(value, dict)
                and set(schema.get("required", ())) <= set(value)
                and all(
                    fits(each, known[name], schemas)
                    if name in known
                    else other is not False and (other is True or fits(each, other, schemas))
                    for name, each in value.items()
                )
            )
        case "array":
            return isinstance(value, list) and all(
                fits(each, schema["items"], schemas) for each in value
            )
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int)
        case "number":
            return isinstance(value, int | float)
        case "null":
            return value is None
    return True


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/rules", "/v1/live", "/v1/users", "/v1/dead-letters"),
        *("/v1/outreach", "/v1/outreach/switch", "/v1/outreach/funnel"),
    ],
)
def test_answers_have_the_form_that_is_described(
    api: httpx.Client, described: dict[str, Any], path: str
) -> None:
    answer = described["paths"][path]["get"]["responses"]
    schemas = described["components"]["schemas"]
    told = api.get(path).json()
    assert fits(told, answer["200"]["content"]["application/json"]["schema"], schemas)
    assert not fits({"else": 1}, answer["200"]["content"]["application/json"]["schema"], schemas)
    wrong = api.get("/v1/outreach", params={"limit": "x"}).json()
    assert fits(wrong, answer["default"]["content"]["application/json"]["schema"], schemas)
