"""What each client event does to the live session."""

from collections.abc import Iterator
from typing import Any, assert_never

from live.config import SessionConfig
from live.history import HistoryError
from live.session import LiveSession, SessionError
from server.realtime.client_events import (
    BufferClear,
    BufferCommit,
    ClientEvent,
    ItemCreate,
    ItemDelete,
    ItemRetrieve,
    ItemTruncate,
    OutreachShown,
    OutreachStop,
    PlayoutReport,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from server.realtime.errors import ClientError
from server.realtime.incoming import typed
from server.realtime.items import item_from_wire, item_to_wire
from server.realtime.microphone import Microphone
from server.realtime.outgoing import Encoder
from server.realtime.session_config import session_config
from server.realtime.telling import Teller
from server.realtime.wire_response import Asking, response_request
from server.realtime.wire_session import changed
from voice.audio import Pcm

_PARAMS = {
    "conversation_already_has_active_response": None,
    "response_cancel_not_active": None,
    "input_audio_buffer_commit_empty": None,
}
"""Errors of the live session that are about no field of the event."""


class Requests:
    """One connection's: carries events out, and yields what is to be answered at once."""

    def __init__(
        self,
        live: LiveSession,
        teller: Teller,
        encoder: Encoder,
        base: SessionConfig,
        voices: frozenset[str],
        *,
        extras: bool,
    ) -> None:
        self._live = live
        self._teller = teller
        self._encoder = encoder
        self._base = base
        self._voices = voices
        self._extras = extras
        self._microphone = Microphone()

    @property
    def input_rate(self) -> int:
        """Samples a second of the audio that the client sends."""
        return self._microphone.rate

    def decode(self, event: dict[str, Any]) -> Pcm:
        """An append event's audio, at `input_rate`; raises ClientError."""
        return self._microphone.decode(event.get("audio"))

    def hear(self, samples: Pcm) -> None:
        """Takes decoded audio in; raises ClientError."""
        resampled = self._microphone.hear(samples)
        self._teller.heard_ms = self._microphone.received_ms
        try:
            self._live.hear(resampled)
        except SessionError as error:
            raise ClientError(error.code, str(error), "audio") from None

    def carry_out(self, event: dict[str, Any]) -> Iterator[str]:
        """Any other event; raises ClientError."""
        try:
            yield from self._carry_out(typed(event, extras=self._extras))
        except SessionError as error:
            param = _PARAMS.get(error.code, "audio_end_ms")
            raise ClientError(error.code, str(error), param) from None
        except HistoryError as error:
            raise ClientError("invalid_value", str(error), _item_param(event)) from None

    def _carry_out(self, event: ClientEvent) -> Iterator[str]:
        match event:
            case SessionUpdate():
                yield self._update(event)
            case BufferCommit():
                self._live.commit()
            case BufferClear():
                self._live.clear()
                yield self._encoder.event("input_audio_buffer.cleared")
            case ItemCreate():
                yield from self._create(event)
            case ItemRetrieve(item_id=item_id):
                item = item_to_wire(self._live.history.get(item_id))
                yield self._encoder.event("conversation.item.retrieved", item=item)
            case ItemDelete(item_id=item_id):
                self._live.delete_item(item_id)
                yield self._encoder.event("conversation.item.deleted", item_id=item_id)
            case ItemTruncate(item_id=item_id, audio_end_ms=audio_end_ms):
                self._live.truncate(item_id, audio_end_ms)
            case ResponseCreate():
                self._respond(event)
            case ResponseCancel(response_id=response_id):
                self._live.cancel(response_id)
            case PlayoutReport(item_id=item_id, played_ms=played_ms):
                self._live.report_playout(item_id, played_ms)
            case OutreachShown(outreach_id=outreach_id):
                self._live.prompts.acknowledge(outreach_id)
            case OutreachStop(outreach_id=outreach_id):
                self._live.prompts.refuse(outreach_id)
            case _:
                assert_never(event)

    def _update(self, event: SessionUpdate) -> str:
        session = changed(self._teller.session, event.session)
        self._teller.session = session
        self._microphone.take_format(session.audio.input.format.type)
        self._live.update(session_config(session, self._base, self._voices))
        return self._encoder.event("session.updated", session=session.model_dump())

    def _respond(self, event: ResponseCreate) -> None:
        asking = Asking(self._teller.session, self._base.voice, self._voices, self._live.history)
        self._live.respond(response_request(event.response, asking))

    def _create(self, event: ItemCreate) -> Iterator[str]:
        item = item_from_wire(event.item)
        previous = self._live.add_item(item, event.previous_item_id)
        wire = item_to_wire(item)
        for step in ("added", "done"):
            yield self._encoder.event(
                f"conversation.item.{step}", previous_item_id=previous, item=wire
            )


def _item_param(event: dict[str, Any]) -> str:
    """Which field named an item that is not there, or is there already."""
    if event["type"] != "conversation.item.create":
        return "item_id"
    return "previous_item_id" if event.get("previous_item_id") else "item.id"
