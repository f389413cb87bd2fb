"""One response on the wire, from `response.created` to `response.done`."""

from collections.abc import Iterator, Mapping
from typing import Any

from live.events import AgentItemBegun, AudioSent, ResponseBegun, ResponseEnded, TextSent
from live.history import Item
from server.realtime.audio_formats import FORMATS
from server.realtime.items import begun_item, item_to_wire
from server.realtime.loudspeaker import Loudspeaker
from server.realtime.outgoing import Encoder
from server.realtime.wire_session import AudioOutput

_NO_USAGE: Mapping[str, Any] = {
    "total_tokens": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_token_details": {
        "text_tokens": 0,
        "audio_tokens": 0,
        "image_tokens": 0,
        "cached_tokens": 0,
        "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
}
"""Stock clients add usage up and fail without it; no tokens are counted here."""


class WireResponse:
    """Holds what has been sent of a response, so that its end can say it all again."""

    def __init__(
        self, encoder: Encoder, begun: ResponseBegun, conversation_id: str, output: AudioOutput
    ) -> None:
        self._encoder = encoder
        self._begun = begun
        self._conversation_id = conversation_id
        self._output = output
        self._loudspeaker = Loudspeaker(FORMATS[output.format.type])
        self._item: Item | None = None
        self._previous_item_id: str | None = None
        self._words: list[str] = []

    def created(self) -> Iterator[str]:
        """It exists."""
        yield self._encoder.event("response.created", response=self._object("in_progress", None))

    def item_begun(self, event: AgentItemBegun) -> Iterator[str]:
        """Its one item, and the item's one part."""
        self._item = event.item
        self._previous_item_id = event.previous_item_id
        item = begun_item(event.item)
        yield self._of_response("response.output_item.added", item=item)
        yield self._encoder.event(
            "conversation.item.added", previous_item_id=event.previous_item_id, item=item
        )
        yield self._of_part("response.content_part.added", part=self._part(""))

    def text(self, event: TextSent) -> Iterator[str]:
        """More words."""
        self._words.append(event.text)
        name = "output_audio_transcript" if self._begun.audio else "output_text"
        yield self._of_part(f"response.{name}.delta", delta=event.text)

    def audio(self, event: AudioSent) -> Iterator[str]:
        """More audio."""
        if audio := self._loudspeaker.encode(event.samples):
            yield self._encoder.audio(event.response_id, event.item_id, audio)

    def ended(self, event: ResponseEnded) -> Iterator[str]:
        """Everything that was begun is done: parts, item, response."""
        item = event.item or self._unheard()
        if self._item is not None and item is not None:
            if event.status == "completed" and (rest := self._loudspeaker.rest()):
                yield self._encoder.audio(event.response_id, item.id, rest)
            yield from self._item_done(item)
        yield self._encoder.event("response.done", response=self._object_at_end(event, item))

    def _item_done(self, item: Item) -> Iterator[str]:
        words = "".join(self._words)
        if self._begun.audio:
            yield self._of_part("response.output_audio.done")
            yield self._of_part("response.output_audio_transcript.done", transcript=words)
        else:
            yield self._of_part("response.output_text.done", text=words)
        yield self._of_part("response.content_part.done", part=self._part(words))
        wire = item_to_wire(item)
        yield self._of_response("response.output_item.done", item=wire)
        yield self._encoder.event(
            "conversation.item.done", previous_item_id=self._previous_item_id, item=wire
        )

    def _unheard(self) -> Item | None:
        """The item of a response of which nothing is remembered."""
        if self._item is None:
            return None
        spoken = self._begun.audio
        return Item(self._item.id, "assistant", spoken=spoken, status="incomplete")

    def _part(self, words: str) -> dict[str, str]:
        if self._begun.audio:
            return {"type": "audio", "transcript": words}
        return {"type": "text", "text": words}

    def _of_response(self, event_type: str, **fields: Any) -> str:
        return self._encoder.event(
            event_type, response_id=self._begun.response_id, output_index=0, **fields
        )

    def _of_part(self, event_type: str, **fields: Any) -> str:
        assert self._item is not None  # the live session begins the item first
        return self._of_response(event_type, item_id=self._item.id, content_index=0, **fields)

    def _object_at_end(self, event: ResponseEnded, item: Item | None) -> dict[str, Any]:
        details: dict[str, Any] = {"type": event.status}
        if event.status == "failed":
            message = event.reason or "the response could not be made"
            details["error"] = {"type": "server_error", "code": "failed", "message": message}
        elif event.reason:
            details["reason"] = event.reason
        done = self._object(event.status, details, usage=_NO_USAGE)
        return done | {"output": [] if item is None else [item_to_wire(item)]}

    def _object(
        self, status: str, details: dict[str, Any] | None, usage: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": self._begun.response_id,
            "status": status,
            "status_details": details,
            "output": [],
            "conversation_id": self._conversation_id,
            "output_modalities": ["audio"] if self._begun.audio else ["text"],
            "max_output_tokens": "inf",
            "audio": {"output": self._output.model_dump(include={"format", "voice"})},
            "usage": usage,
            "metadata": dict(self._begun.metadata) or None,
        }
