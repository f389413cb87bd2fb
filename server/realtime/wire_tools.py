"""Functions and bounds that a session and a single response have in common on the wire."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
)

from knowledge.passages import Tool

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
"""What language models take as a function's name."""


class FunctionTool(BaseModel):
    """A function that the client runs. parameters: a JSON schema of its one object."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    type: Literal["function"] = "function"
    name: Name
    description: Annotated[str, Field(max_length=8192)] | None = None
    parameters: dict[str, Any] | None = None

    @model_serializer(mode="wrap")
    def _as_it_came(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What was left out stays out: clients compare what they get with what they sent."""
        return {key: value for key, value in dump(self).items() if value is not None}


class FunctionChoice(BaseModel):
    """This function is to be called."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    type: Literal["function"]
    name: Name


def _each_once(tools: list[FunctionTool]) -> list[FunctionTool]:
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"there are two functions '{twice}'; give each its own name")
    return tools


Tools = Annotated[list[FunctionTool], Field(max_length=128), AfterValidator(_each_once)]
ToolChoice = Annotated[
    Annotated[Literal["auto", "none", "required"], Tag("mode")]
    | Annotated[FunctionChoice, Tag("function")],
    Discriminator(lambda choice: "mode" if isinstance(choice, str) else "function"),
]
MaxOutputTokens = Annotated[int, Field(ge=1, le=1_000_000)] | Literal["inf"]


def tools_of(wanted: Iterable[FunctionTool]) -> tuple[Tool, ...]:
    """The functions as an answerer knows them."""
    return tuple(Tool(tool.name, tool.description or "", tool.parameters) for tool in wanted)


def choice_of(wanted: str | FunctionChoice) -> str:
    """Either "auto", "none", "required", or a function's name."""
    return wanted.name if isinstance(wanted, FunctionChoice) else wanted
