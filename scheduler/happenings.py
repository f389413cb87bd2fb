"""What other rooms tell the scheduler of over the bus: topic "happenings"."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Kind = Literal[
    "session_started",
    "intent",
    "turn",
    "session_ended",
    "knowledge_changed",
    "job_done",
]


class Happening(BaseModel):
    """at: Unix time. intent, slots: of "intent". data: of a job, or {"document": ...}.

    id: of a job or change, the same if it is told twice.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Kind
    user: str = Field(default="", max_length=256)
    session: str = Field(default="", max_length=128)
    at: float = Field(ge=0, le=1e11, allow_inf_nan=False)
    intent: str = Field(default="", max_length=100)
    slots: Mapping[str, JsonValue] = Field(default_factory=dict)
    form: str = Field(default="", max_length=100)
    id: str = Field(default="", max_length=200)
    data: Mapping[str, JsonValue] = Field(default_factory=dict)
