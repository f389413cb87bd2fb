"""What a client may set for its own session."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from conversation import TurnPolicy
from knowledge.passages import Tool
from live.history import Item
from voice.synthesis import Voice


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """One session's settings; replaced whole by `LiveSession.update`.

    audio: speak (True) or answer in text only.
    vad_threshold: speech probability from which a frame counts as speech, 0 to 1.
    prefix_padding_ms: audio kept from before the speech's first frame.
    transcription_model: "" for the server's own recognizer, "scripted" for a script in `prompt`.
    transcription_prompt: words to expect.
    tools: functions that the client runs. tool_choice: as `knowledge.passages.Question` has it.
    max_output_tokens: of one answer; None for no bound.
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
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    max_output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """What a client asks for with `response.create`; None: as the session has it.

    tools: in place of the session's; the agent's own stay.
    in_conversation: False for a response out of the conversation: nothing of it is remembered, no
        form is filled by it, and in text it needs no floor.
    items: what it is an answer to, instead of the conversation.
    say: its sentences, where they are known already: the rest of an answer that broke off.
    """

    audio: bool | None = None
    instructions: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    voice: Voice | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: str | None = None
    max_output_tokens: int | Literal["inf"] | None = None
    in_conversation: bool = True
    items: tuple[Item, ...] | None = None
    say: tuple[str, ...] = ()
