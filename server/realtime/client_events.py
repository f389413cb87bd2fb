"""The client events we understand, as typed models.

Our own and not `openai.types.realtime`: importing those costs 1.9 s of CPU, because the package
`openai` comes with them, and they describe what a client may send, without any limits.
tests/server/test_outgoing.py holds everything that we send against them instead.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from server.realtime.wire_tools import MaxOutputTokens, ToolChoice, Tools

Id = Annotated[str, Field(min_length=1, max_length=128)]
MetadataKey = Annotated[str, Field(max_length=64)]
MetadataValue = Annotated[str, Field(max_length=512)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)]
Modalities = Annotated[list[Literal["text", "audio"]], Field(min_length=1, max_length=2)]


class _Event(BaseModel):
    # Unknown fields are let pass: the protocol grows, and stock clients send what is new.
    model_config = ConfigDict(frozen=True, strict=True)


class SessionUpdate(_Event):
    """Changes the fields that are there."""

    type: Literal["session.update"]
    session: dict[str, Any]


class BufferCommit(_Event):
    """Ends the user's turn."""

    type: Literal["input_audio_buffer.commit"]


class BufferClear(_Event):
    """Forgets audio that was not committed."""

    type: Literal["input_audio_buffer.clear"]


class ItemCreate(_Event):
    """Adds an item. previous_item_id: None for the end, "root" for the beginning."""

    type: Literal["conversation.item.create"]
    item: dict[str, Any]
    previous_item_id: Id | None = None


class ItemRetrieve(_Event):
    """Asks for an item as the server has it."""

    type: Literal["conversation.item.retrieve"]
    item_id: Id


class ItemDelete(_Event):
    """Forgets an item."""

    type: Literal["conversation.item.delete"]
    item_id: Id


class ItemTruncate(_Event):
    """Keeps only what was heard of the agent's audio."""

    type: Literal["conversation.item.truncate"]
    item_id: Id
    content_index: Literal[0] = 0
    audio_end_ms: int = Field(ge=0)


class VoiceId(_Event):
    """A voice by its id."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    id: Annotated[str, Field(max_length=128)]


AnyVoice = Annotated[str, Field(max_length=128)] | VoiceId


class ResponseOutput(_Event):
    """How one response sounds. format: only the session's own."""

    voice: AnyVoice | None = None
    format: dict[str, Any] | None = None


class ResponseAudio(_Event):
    """The audio of one response."""

    output: ResponseOutput | None = None


class ResponseParams(_Event):
    """What a client asks of one response; null: as the session has it.

    input: items, or references to items, instead of the conversation.
    """

    output_modalities: Modalities | None = None
    instructions: str | None = Field(default=None, max_length=64_000)
    metadata: Metadata | None = None
    conversation: Literal["auto", "none"] | None = None
    input: Annotated[list[dict[str, Any]], Field(max_length=1000)] | None = None
    audio: ResponseAudio | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    max_output_tokens: MaxOutputTokens | None = None


class ResponseCreate(_Event):
    """Asks for a response."""

    type: Literal["response.create"]
    response: ResponseParams | None = None


class ResponseCancel(_Event):
    """Stops a response."""

    type: Literal["response.cancel"]
    response_id: Id | None = None


class PlayoutReport(_Event):
    """How much of an item the client has played; only with extras."""

    type: Literal["overture.playout"]
    item_id: Id
    content_index: Literal[0] = 0
    played_ms: int = Field(ge=0)


class OutreachShown(_Event):
    """The client shows a prompt to the person; only with extras."""

    type: Literal["overture.outreach.shown"]
    outreach_id: Id


class OutreachStop(_Event):
    """The person wants no more prompts of this one's kind; only with extras."""

    type: Literal["overture.outreach.stop"]
    outreach_id: Id


ClientEvent = (
    SessionUpdate
    | BufferCommit
    | BufferClear
    | ItemCreate
    | ItemRetrieve
    | ItemDelete
    | ItemTruncate
    | ResponseCreate
    | ResponseCancel
    | PlayoutReport
    | OutreachShown
    | OutreachStop
)
