"""One response on the wire, from `response.created` to `response.done`."""

from collections.abc import Iterator, Mapping
from typing import Any

from knowledge.passages import TokenUsage
from live.events import (
    AgentItemBegun,
    AudioSent,
    FunctionCalled,
    ResponseBegun,
    ResponseEnded,
    TextSent,
)
from live.history import Item
from server.realtime.audio_formats import FORMATS
from server.realtime.items import begun_item, item_to_wire
from server.realtime.loudspeaker import Loudspeaker
from server.realtime.outgoing import Encoder
from server.realtime.wire_session import AudioOutput


def _usage(tokens: TokenUsage) -> Mapping[str, Any]:
    """Always whole, as stock clients add every field up. All tokens are text: speech is made from
    it, and costs none."""
    cached = min(tokens.cached_tokens, tokens.input_tokens)
    return {
        "total_tokens": tokens.input_tokens + tokens.output_tokens,
        "input_tokens": tokens.input_tokens,
        "output_tokens": tokens.output_tokens,
        "input_token_details": {
            "text_tokens": tokens.input_tokens,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": cached,
            "cached_tokens_details": {
                "text_tokens": cached,
                "audio_tokens": 0,
                "image_tokens": 0,
            },
        },
        "output_token_details": {"text_tokens": tokens.output_tokens, "audio_tokens": 0},
    }


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
        self._calls: list[dict[str, Any]] = []

    def created(self) -> Iterator[str]:
        """It exists."""
        yield self._encoder.event("response.created", response=self._object("in_progress", None))

    def item_begun(self, event: AgentItemBegun) -> Iterator[str]:
        """Its one item, and the item's one part."""
        self._item = event.item
        self._previous_item_id = event.previous_item_id
        item = begun_item(event.item)
        yield self._of_response("response.output_item.added", item=item)
        yield from self._of_conversation("added", event.previous_item_id, item)
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

    def called(self, event: FunctionCalled) -> Iterator[str]:
        """A function that the client is to run: an item of its own, after the message if any."""
        item = event.item.raw
        index = len(self._calls) + (self._item is not None)
        self._calls.append(item)
        begun = item | {"status": "in_progress", "arguments": ""}
        of_call = {"item_id": event.item.id, "call_id": item["call_id"]}
        part, arguments = "response.function_call_arguments", item["arguments"]
        yield self._of_response("response.output_item.added", index, item=begun)
        yield from self._of_conversation("added", event.previous_item_id, begun)
        yield self._of_response(f"{part}.delta", index, delta=arguments, **of_call)
        yield self._of_response(
            f"{part}.done", index, name=item["name"], arguments=arguments, **of_call
        )
        yield self._of_response("response.output_item.done", index, item=item)
        yield from self._of_conversation("done", event.previous_item_id, item)

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
        yield from self._of_conversation("done", self._previous_item_id, wire)

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

    def _of_conversation(
        self, step: str, previous_item_id: str | None, item: Mapping[str, Any]
    ) -> Iterator[str]:
        """What a response out of the conversation does not have."""
        if self._begun.in_conversation:
            yield self._encoder.event(
                f"conversation.item.{step}", previous_item_id=previous_item_id, item=item
            )

    def _of_response(self, event_type: str, output_index: int = 0, **fields: Any) -> str:
        return self._encoder.event(
            event_type, response_id=self._begun.response_id, output_index=output_index, **fields
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
        done = self._object(event.status, details, usage=_usage(event.usage))
        output = [] if item is None else [item_to_wire(item)]
        return done | {"output": [*output, *self._calls]}

    def _object(
        self, status: str, details: dict[str, Any] | None, usage: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        output = self._output.model_dump(include={"format", "voice"})
        if self._begun.voice:
            output["voice"] = self._begun.voice
        return {
            "object": "realtime.response",
            "id": self._begun.response_id,
            "status": status,
            "status_details": details,
            "output": [],
            "conversation_id": self._conversation_id if self._begun.in_conversation else None,
            "output_modalities": ["audio"] if self._begun.audio else ["text"],
            "max_output_tokens": self._begun.max_output_tokens or "inf",
            "audio": {"output": output},
            "usage": usage,
            "metadata": dict(self._begun.metadata) or None,
        }
