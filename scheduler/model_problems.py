"""Reads YAML into a pydantic model and says every mistake with its place and what is right."""

from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from rapidfuzz import process

from scheduler.yaml_source import Problem, YamlPath, YamlSource

ModelT = TypeVar("ModelT", bound=BaseModel)

NEAR = 70
"""rapidfuzz score (0 to 100) from which a name is offered as the one that was meant: "greting"
has 93 to "greeting", unrelated keys of ours are below 60 to each other."""


def read_model(model: type[ModelT], source: YamlSource) -> tuple[ModelT | None, list[Problem]]:
    """The model, or None and every problem of the file, the YAML's own ones included."""
    if source.problems:
        return None, source.problems
    if source.data is None:
        keys = ", ".join(model.model_fields)
        return None, [source.problem((), f"is empty; it should have some of: {keys}")]
    try:
        return model.model_validate(source.data), []
    except ValidationError as error:
        return None, problems_of(model, source, error.errors())


def nearest(name: str, known: list[str]) -> str | None:
    """The known name that was probably meant."""
    found = process.extractOne(name, known, score_cutoff=NEAR)
    return found[0] if found else None


def problems_of(
    model: type[BaseModel], source: YamlSource, errors: list[ErrorDetails], base: YamlPath = ()
) -> list[Problem]:
    """What pydantic found, in words and with its place. base: where in the file the model is."""
    problems = []
    meant: set[YamlPath] = set()
    for error in errors:
        if error["type"] != "extra_forbidden":
            continue
        *above, key = error["loc"]
        known = list(_fields_at(model, tuple(above)))
        near = nearest(str(key), known)
        hint = f"did you mean '{near}'?" if near else f"known here: {', '.join(known)}"
        problems.append(
            source.problem((*base, *error["loc"]), f"unknown key '{key}'; {hint}", at_key=True)
        )
        if near:
            meant.add((*above, near))
    for error in errors:
        # A key that is missing because it was misspelled is one mistake, not two.
        if error["type"] == "extra_forbidden" or error["loc"] in meant:
            continue
        at_key = bool(error["loc"]) and error["loc"][-1] == "[key]"
        path = error["loc"][:-1] if at_key else error["loc"]
        problems.append(source.problem((*base, *path), _what_is_right(model, error), at_key=at_key))
    return problems


def _what_is_right(model: type[BaseModel], error: ErrorDetails) -> str:
    """One sentence in words that someone who never saw pydantic understands."""
    given = "nothing" if error["input"] is None else repr(error["input"])
    match error["type"]:
        case "missing":
            key = str(error["loc"][-1])
            description = _fields_at(model, error["loc"][:-1]).get(key, "")
            return f"'{key}' is missing" + (f"; it is: {description}" if description else "")
        case "string_type" if isinstance(error["input"], bool | int | float):
            return f"should be text, but YAML reads it as {given}; put it in quotes"
        case "string_type":
            return f"should be text, not {given}"
        case "int_parsing" | "int_type" | "int_from_float":
            return f"should be a whole number, not {given}"
        case "float_parsing" | "float_type":
            return f"should be a number, not {given}"
        case "bool_parsing" | "bool_type":
            return f"should be true or false, not {given}"
        case "model_type" | "dict_type" | "mapping_type" | "model_attributes_type":
            return "should be a mapping: lines of `key: value`"
        case "list_type" | "tuple_type":
            return "should be a list: lines that start with `-`"
        case "literal_error":
            return f"should be one of {error['ctx']['expected']}, not {given}"
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case "string_pattern_mismatch":
            return f"{looks_like(error)}, not {given}"
        case _:
            return f"{error['msg'].removeprefix('Input ')}, not {given}"


def looks_like(error: ErrorDetails) -> str:
    """What a text that does not match its pattern should be, for people who read no patterns."""
    pattern = str(error["ctx"]["pattern"])
    if pattern.startswith("^[a-z][a-z0-9_]"):
        return "should be small letters, digits and '_', beginning with a letter"
    if r"\." in pattern:
        return "should be a word, or words with dots between them, such as order.ready"
    return error["msg"].removeprefix("String ")


def _fields_at(model: type[BaseModel], path: YamlPath) -> dict[str, str]:
    """Keys of the model that `path` leads to inside `model`, each with its description."""
    found: Any = model
    for step in path:
        found = _step_into(found, step)
    inner = next((part for part in _alternatives(found) if _is_model(part)), None)
    return {n: f.description or "" for n, f in inner.model_fields.items()} if inner else {}


def _step_into(annotation: Any, step: str | int) -> Any:
    """The annotation of what lies at `step` inside a value of `annotation`."""
    for part in _alternatives(annotation):
        if _is_model(part) and str(step) in part.model_fields:
            return part.model_fields[str(step)].annotation
        origin = get_origin(part)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return get_args(part)[1]
        if isinstance(origin, type) and issubclass(origin, Sequence):
            return get_args(part)[0]
    return None


def _alternatives(annotation: Any) -> list[Any]:
    """`Model | None` and `Annotated[Model, ...]` taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return [a for part in get_args(annotation) for a in _alternatives(part)]
    return [annotation]


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)
