"""What a live session tells whoever carries it: a socket, the command line, a test.

Given to the session's `listener`, one call an event, on the event loop, in order.
Positions in audio are milliseconds of the session's input or of the item's own audio.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from conversation import Floor
from knowledge.passages import Passage, TokenUsage
from live.config import ResponseRequest, SessionConfig
from live.history import Item
from voice.audio import Pcm

Status: TypeAlias = Literal["completed", "cancelled", "failed", "incomplete"]
ItemStatus: TypeAlias = Literal["completed", "incomplete"]


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user is speaking, for certain. item_id: what the turn will be called."""

    item_id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The user's turn has ended."""

    item_id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class InterimWords:
    """What was recognized so far of a turn that may go on; replaces earlier ones."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class TurnCommitted:
    """The user's turn is an item of the conversation. `Transcribed` or `TranscriptionFailed`
    follows."""

    item: Item
    previous_item_id: str | None


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The words of a committed turn, "" if there were none. seconds: its audio's length."""

    item_id: str
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TranscriptionFailed:
    """The words of a committed turn will never be known. reason: for the developer."""

    item_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResponseBegun:
    """The agent is going to say something. audio False: in text only.

    metadata: the client's own, or {"outreach_id": ...} when the agent speaks first.
    in_conversation: False when nothing of it becomes part of the conversation.
    voice: "" for the session's. max_output_tokens: None for no bound.
    """

    response_id: str
    audio: bool
    metadata: Mapping[str, str] = field(default_factory=dict)
    in_conversation: bool = True
    voice: str = ""
    max_output_tokens: int | None = None


def response_begun(
    response_id: str, config: SessionConfig, request: ResponseRequest, metadata: Mapping[str, str]
) -> ResponseBegun:
    """The event for what was asked for in a session of these settings."""
    bound = request.max_output_tokens or config.max_output_tokens
    return ResponseBegun(
        response_id,
        config.audio if request.audio is None else request.audio,
        metadata,
        request.in_conversation,
        request.voice.name if request.voice is not None else "",
        bound if isinstance(bound, int) else None,
    )


@dataclass(frozen=True, slots=True)
class AgentItemBegun:
    """The response's item exists; comes before its first audio or text."""

    response_id: str
    item: Item
    previous_item_id: str | None


@dataclass(frozen=True, slots=True)
class FunctionCalled:
    """The client is to run a function. item: of kind "function_call", complete.

    Comes after the response's message has begun, if there is one.
    """

    response_id: str
    item: Item
    previous_item_id: str | None


@dataclass(frozen=True, slots=True)
class TextSent:
    """The next words of the item, at the moment their audio begins."""

    response_id: str
    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class AudioSent:
    """The next audio of the item: 24 kHz PCM, in real time, at most 80 ms ahead of the ear."""

    response_id: str
    item_id: str
    samples: Pcm


@dataclass(frozen=True, slots=True)
class SourcesFound:
    """What the answer rests on."""

    response_id: str
    item_id: str
    sources: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class PlayoutPaused:
    """The user made a sound: play no more of this item until it is resumed or truncated."""

    item_id: str


@dataclass(frozen=True, slots=True)
class PlayoutResumed:
    """It was nothing: go on."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ItemTruncated:
    """Only this much of the item was heard. text: the words that were."""

    item_id: str
    audio_end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """The response is over. item: as it is remembered, None if nothing came of it.

    reason: "" | "turn_detected" | "client_cancelled" | "max_output_tokens" | "content_filter" | an
        error's text when failed.
    usage: tokens that its answer cost, none where no language model answered.
    """

    response_id: str
    item: Item | None
    status: Status
    reason: str = ""
    usage: TokenUsage = field(default_factory=TokenUsage)


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A function of the agent's own was run. failed: why it failed, "" if it did not."""

    name: str
    seconds: float
    failed: str = ""


@dataclass(frozen=True, slots=True)
class TurnMeasured:
    """How long each stage of a turn took, in ms. See `live.stages` for what each means."""

    item_id: str
    stages_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FloorChanged:
    """Who has the floor now."""

    floor: Floor


@dataclass(frozen=True, slots=True)
class IdleTimedOut:
    """Nobody has said anything for the session's idle time-out; a response may follow.

    item: the silence, as an item of the conversation without words.
    """

    item: Item
    previous_item_id: str | None


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the developer of the client should know; not an error."""

    message: str


@dataclass(frozen=True, slots=True)
class CardShown:
    """Something is said to the person of the agent's own accord: what, and why.

    spoken_here: in this session; False: in another one of theirs.
    """

    outreach_id: str
    text: str
    reason: str
    rule: str
    purpose: str
    spoken_here: bool


@dataclass(frozen=True, slots=True)
class CardGone:
    """It was withdrawn, or the person wants no more of its kind."""

    outreach_id: str


@dataclass(frozen=True, slots=True)
class Replied:
    """The person has answered it. kind: of `intents.replies`; when_s: of "not_now"."""

    outreach_id: str
    kind: str
    when_s: float | None = None


LiveEvent: TypeAlias = (
    SpeechStarted
    | SpeechStopped
    | InterimWords
    | TurnCommitted
    | Transcribed
    | TranscriptionFailed
    | ResponseBegun
    | AgentItemBegun
    | FunctionCalled
    | TextSent
    | AudioSent
    | SourcesFound
    | PlayoutPaused
    | PlayoutResumed
    | ItemTruncated
    | ResponseEnded
    | ToolCalled
    | TurnMeasured
    | FloorChanged
    | IdleTimedOut
    | Warned
    | CardShown
    | CardGone
    | Replied
)
