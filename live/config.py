"""What a client may set for its own session."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from conversation import TurnPolicy
from voice.synthesis import Voice


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """One session's settings; replaced whole by `LiveSession.update`.

    audio: speak (True) or answer in text only.
    vad_threshold: speech probability from which a frame counts as speech, 0 to 1.
    prefix_padding_ms: audio kept from before the speech's first frame.
    transcription_model: "" for the server's own recognizer, "scripted" for a script in `prompt`.
    transcription_prompt: words to expect.
    """

    audio: bool = True
    instructions: str = ""
    voice: Voice = field(default_factory=Voice)
    policy: TurnPolicy = field(default_factory=TurnPolicy)
    vad_threshold: float = 0.5
    prefix_padding_ms: int = 300
    transcription_model: str = ""
    transcription_prompt: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """What a client asks for with `response.create`; None: as the session has it."""

    audio: bool | None = None
    instructions: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
