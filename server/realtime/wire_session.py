"""The session object as the wire has it: every default filled in, every change checked whole."""

from copy import deepcopy
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from server.realtime.client_events import AnyVoice, Modalities
from server.realtime.errors import ClientError
from server.realtime.incoming import validated
from server.realtime.wire_tools import MaxOutputTokens, ToolChoice, Tools


class _Part(BaseModel):
    # What we do not know is kept and echoed: clients set what the protocol has and we ignore.
    model_config = ConfigDict(frozen=True, strict=True, extra="allow")


class Pcm24k(_Part):
    """16-bit little-endian mono PCM."""

    type: Literal["audio/pcm"] = "audio/pcm"
    rate: Literal[24000] = 24000


class Pcmu(_Part):
    """G.711 µ-law at 8 kHz."""

    type: Literal["audio/pcmu"]


class Pcma(_Part):
    """G.711 A-law at 8 kHz."""

    type: Literal["audio/pcma"]


Format = Annotated[Pcm24k | Pcmu | Pcma, Field(discriminator="type")]
"""What `server.realtime.audio_formats` has by the same names."""


class ServerVad(_Part):
    """Turns ended by the server. silence_duration_ms 500, the protocol's default, means that the
    agent's own endpointing decides from the words; any other value is taken literally."""

    type: Literal["server_vad"] = "server_vad"
    threshold: float = Field(default=0.5, ge=0, le=1)
    prefix_padding_ms: int = Field(default=300, ge=0, le=5000)
    silence_duration_ms: int = Field(default=500, ge=0, le=10_000)
    create_response: bool = True
    interrupt_response: bool = True
    idle_timeout_ms: int | None = Field(default=None, ge=1000, le=3_600_000)


class SemanticVad(_Part):
    """Turns ended by what was said."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


class Transcription(_Part):
    """model "scripted": words come from a script in `prompt`; any other: the server's own."""

    model: Annotated[str, Field(max_length=128)] | None = None
    language: Annotated[str, Field(max_length=35)] | None = None
    prompt: Annotated[str, Field(max_length=200_000)] | None = None


class AudioInput(_Part):
    """The microphone's side."""

    format: Format = Pcm24k()
    noise_reduction: dict[str, Any] | None = None
    transcription: Transcription | None = Transcription()
    turn_detection: Annotated[ServerVad | SemanticVad, Field(discriminator="type")] | None = (
        ServerVad()
    )


class AudioOutput(_Part):
    """The loudspeaker's side."""

    format: Format = Pcm24k()
    voice: AnyVoice = "default"
    speed: float = Field(default=1.0, ge=0.25, le=1.5)


class Audio(_Part):
    """Both sides."""

    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class WireSession(_Part):
    """What `session.created` and `session.updated` carry."""

    type: Literal["realtime"] = "realtime"
    object: Literal["realtime.session"] = "realtime.session"
    id: str
    model: Annotated[str, Field(max_length=128)]
    output_modalities: Modalities = ["audio"]
    instructions: str = Field(default="", max_length=64_000)
    audio: Audio = Audio()
    tools: Tools = []
    tool_choice: ToolChoice = "auto"
    max_output_tokens: MaxOutputTokens = "inf"
    truncation: str | dict[str, Any] = "auto"
    tracing: str | dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None
    include: list[str] | None = None


_NULLABLE = frozenset(
    {"turn_detection", "transcription", "noise_reduction", "idle_timeout_ms"}
    | {"tracing", "prompt", "include"}
)
"""Fields that null switches off; for all others null means "as it was"."""

_NESTED = frozenset({"audio", "input", "output", "format", "turn_detection", "transcription"})
"""Objects that are changed field by field; any other is replaced whole."""

_BETA = {
    "modalities": "output_modalities",
    "voice": "audio.output.voice",
    "speed": "audio.output.speed",
    "input_audio_format": "audio.input.format",
    "output_audio_format": "audio.output.format",
    "input_audio_transcription": "audio.input.transcription",
    "input_audio_noise_reduction": "audio.input.noise_reduction",
    "turn_detection": "audio.input.turn_detection",
}
"""Where the beta protocol's fields have gone; let pass, they would be ignored without a word."""


def changed(session: WireSession, patch: dict[str, Any]) -> WireSession:
    """The session with the patch's fields in place; raises ClientError naming what is wrong."""
    for field, place in _BETA.items():
        if field in patch:
            raise ClientError(
                "unknown_parameter",
                f"session.{field} is the beta protocol's; send session.{place}",
                f"session.{field}",
            )
    own = {key: value for key, value in patch.items() if key not in {"id", "object"}}
    merged = _merge(session.model_dump(), own)
    result = validated(WireSession, merged, "session")
    assert isinstance(result, WireSession)
    if len(result.output_modalities) > 1:
        raise ClientError(
            "invalid_value",
            "session.output_modalities: ask for audio, which comes with its transcript, or text",
            "session.output_modalities",
        )
    return result


def _merge(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    merged = deepcopy(old)
    for key, value in patch.items():
        before = merged.get(key)
        if value is None and key not in _NULLABLE:
            continue
        if key in _NESTED and isinstance(value, dict) and isinstance(before, dict):
            merged[key] = value if _is_other_kind(before, value) else _merge(before, value)
        else:
            merged[key] = value
    return merged


def _is_other_kind(before: dict[str, Any], value: dict[str, Any]) -> bool:
    """A turn detection or format of another type begins from that type's own defaults."""
    return "type" in value and value["type"] != before.get("type")
