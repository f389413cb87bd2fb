"""What agent.yaml says: the model of the file."""

import zoneinfo
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from scheduler.model_problems import nearest


def _time_zone(name: str) -> str:
    known = zoneinfo.available_timezones()
    if name not in known:
        near = nearest(name, sorted(known))
        hint = f"did you mean {near}?" if near else "use an IANA name such as Europe/Amsterdam"
        raise ValueError(f"there is no time zone '{name}'; {hint}")
    return name


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VoiceSettings(_Model):
    """How the agent sounds."""

    name: str = Field(
        default="", description="The engine's name of the voice; empty for its default."
    )
    speed: float = Field(
        default=1.0, ge=0.5, le=2.0, description="1.0 is normal, 2.0 twice as fast."
    )


class EndpointingSettings(_Model):
    """How long a silence ends a person's turn, in milliseconds, by how complete the words are."""

    complete_ms: int = Field(
        default=128,
        ge=96,
        le=3000,
        description='After words from which hardly anybody goes on: "with milk and sugar".',
    )
    likely_ms: int = Field(
        default=160,
        ge=96,
        le=3000,
        description='After words that can stand: "when do you close".',
    )
    unsure_ms: int = Field(default=352, ge=96, le=3000, description="Without evidence either way.")
    dangling_ms: int = Field(
        default=1200,
        ge=96,
        le=3000,
        description='After words that clearly go on: "I\'d like a large".',
    )

    @model_validator(mode="after")
    def _in_order(self) -> "EndpointingSettings":
        if not self.complete_ms <= self.likely_ms <= self.unsure_ms <= self.dangling_ms:
            raise ValueError(
                "the more complete the words, the shorter the silence: "
                "complete_ms <= likely_ms <= unsure_ms <= dangling_ms"
            )
        return self


class EngineSettings(_Model):
    """Which engines to use when the operator leaves the choice (OVERTURE_RECOGNIZER=auto etc.)."""

    recognizer: Literal["auto", "pocketsphinx", "whisper", "openai", "scripted"] = Field(
        default="auto", description="Speech to words; `auto` takes the best there is."
    )
    synthesizer: Literal["auto", "flite", "espeak", "piper", "openai", "scripted"] = Field(
        default="auto", description="Words to speech; `auto` takes the best there is."
    )
    answerer: Literal["auto", "openai", "extractive", "scripted"] = Field(
        default="auto", description="Questions to answers; `auto` takes the best there is."
    )


class AgentSettings(_Model):
    """agent.yaml."""

    name: str = Field(min_length=1, max_length=80, description="what people see the agent called")
    language: str = Field(
        default="en",
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="What it hears and speaks, as a BCP 47 tag such as en or en-GB.",
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        default="UTC", description="IANA name, such as Europe/Amsterdam."
    )
    voice: VoiceSettings = Field(default=VoiceSettings(), description="How it sounds.")
    instructions: str = Field(
        default="",
        max_length=8000,
        description="How a language model should behave; without one they have no effect.",
    )
    greeting: str = Field(
        default="", max_length=500, description="Said when a conversation begins; empty: it waits."
    )
    examples: tuple[Annotated[str, StringConstraints(min_length=1, max_length=120)], ...] = Field(
        default=(), max_length=6, description="Things to say to it, shown on the page."
    )
    unknown_answer: str = Field(
        default="Sorry, I don't know that.",
        min_length=1,
        max_length=500,
        description="Said when nothing in the agent's folder answers a question.",
    )
    endpointing: EndpointingSettings = Field(
        default=EndpointingSettings(), description="How long a silence ends a person's turn."
    )
    engines: EngineSettings = Field(
        default=EngineSettings(), description="Engines to use where the operator leaves the choice."
    )
