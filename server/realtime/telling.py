"""What the live session tells, as server events in the protocol's order."""

from collections.abc import Iterator
from typing import Any, assert_never

from live import events as told
from server.realtime.items import item_to_wire
from server.realtime.outgoing import Encoder
from server.realtime.responses import WireResponse
from server.realtime.wire_session import ServerVad, WireSession


class Teller:
    """One connection's translation. extras: the client asked for our own events too.

    session: replaced whenever the client changes it. heard_ms: input audio received so far.
    """

    def __init__(self, encoder: Encoder, session: WireSession, *, extras: bool) -> None:
        self._encoder = encoder
        self._extras = extras
        self._responses: dict[str, WireResponse] = {}
        self.session = session
        self.heard_ms = 0.0

    def tell(self, event: told.LiveEvent) -> Iterator[str]:
        """The server events that this becomes, none or several."""
        match event:
            case told.ResponseBegun():
                yield from self._begin(event)
            case told.AgentItemBegun():
                yield from self._responses[event.response_id].item_begun(event)
            case told.TextSent():
                yield from self._responses[event.response_id].text(event)
            case told.AudioSent():
                yield from self._responses[event.response_id].audio(event)
            case told.FunctionCalled():
                yield from self._responses[event.response_id].called(event)
            case told.ResponseEnded():
                yield from self._responses.pop(event.response_id).ended(event)
            case told.SpeechStarted() | told.SpeechStopped():
                yield from self._speech(event)
            case told.TurnCommitted():
                yield from self._committed(event)
            case told.Transcribed():
                yield from self._transcribed(event)
            case told.TranscriptionFailed():
                yield from self._transcription_failed(event)
            case told.ItemTruncated():
                yield from self._truncated(event)
            case told.IdleTimedOut():
                yield from self._idle(event)
            case told.ToolCalled() | told.Replied():
                pass  # the agent's own affair
            case (
                told.InterimWords()
                | told.SourcesFound()
                | told.PlayoutPaused()
                | told.PlayoutResumed()
                | told.TurnMeasured()
                | told.FloorChanged()
                | told.Warned()
                | told.CardShown()
                | told.CardGone()
            ):
                if self._extras:
                    yield self._extra(event)
            case _:
                assert_never(event)

    def _begin(self, event: told.ResponseBegun) -> Iterator[str]:
        response = WireResponse(
            self._encoder,
            event,
            f"conv_{self.session.id}",
            self.session.audio.output,
        )
        self._responses[event.response_id] = response
        yield from response.created()

    def _speech(self, event: told.SpeechStarted | told.SpeechStopped) -> Iterator[str]:
        detection = self.session.audio.input.turn_detection
        if detection is None:
            return  # turns are the client's: it is not told what it did not ask for
        if isinstance(event, told.SpeechStarted):
            # As the protocol has it: where the turn's audio begins, padding included.
            padding = detection.prefix_padding_ms if isinstance(detection, ServerVad) else 0
            start = max(0, event.at_ms - padding)
            yield self._buffer("speech_started", item_id=event.item_id, audio_start_ms=start)
        else:
            yield self._buffer("speech_stopped", item_id=event.item_id, audio_end_ms=event.at_ms)

    def _committed(self, event: told.TurnCommitted | told.IdleTimedOut) -> Iterator[str]:
        previous = event.previous_item_id
        yield self._buffer("committed", item_id=event.item.id, previous_item_id=previous)
        item = item_to_wire(event.item)
        for step in ("added", "done"):
            yield self._encoder.event(
                f"conversation.item.{step}", previous_item_id=previous, item=item
            )

    def _transcribed(self, event: told.Transcribed) -> Iterator[str]:
        if self.session.audio.input.transcription is None:
            return
        if event.text:
            # Whole at once: what is heard before a turn ends may yet change, and a delta cannot.
            yield self._encoder.event(
                "conversation.item.input_audio_transcription.delta",
                item_id=event.item_id,
                content_index=0,
                delta=event.text,
            )
        yield self._encoder.event(
            "conversation.item.input_audio_transcription.completed",
            item_id=event.item_id,
            content_index=0,
            transcript=event.text,
            usage={"type": "duration", "seconds": event.seconds},
        )

    def _transcription_failed(self, event: told.TranscriptionFailed) -> Iterator[str]:
        if self.session.audio.input.transcription is None:
            return
        yield self._encoder.event(
            "conversation.item.input_audio_transcription.failed",
            item_id=event.item_id,
            content_index=0,
            error={
                "type": "server_error",
                "code": "transcription_failed",
                "message": event.reason,
                "param": None,
            },
        )

    def _truncated(self, event: told.ItemTruncated) -> Iterator[str]:
        yield self._encoder.event(
            "conversation.item.truncated",
            item_id=event.item_id,
            content_index=0,
            audio_end_ms=event.audio_end_ms,
        )
        if self._extras:
            yield self._encoder.event("overture.heard", item_id=event.item_id, text=event.text)

    def _idle(self, event: told.IdleTimedOut) -> Iterator[str]:
        """The silence is committed as a turn without words, as the protocol has it."""
        detection = self.session.audio.input.turn_detection
        if not isinstance(detection, ServerVad) or detection.idle_timeout_ms is None:
            return
        end = int(self.heard_ms)
        yield self._buffer(
            "timeout_triggered",
            item_id=event.item.id,
            audio_start_ms=max(0, end - detection.idle_timeout_ms),
            audio_end_ms=end,
        )
        yield from self._committed(event)
        silent_s = detection.idle_timeout_ms / 1000
        yield from self._transcribed(told.Transcribed(event.item.id, "", silent_s))

    def _extra(
        self,
        event: told.InterimWords
        | told.SourcesFound
        | told.PlayoutPaused
        | told.PlayoutResumed
        | told.TurnMeasured
        | told.FloorChanged
        | told.Warned
        | told.CardShown
        | told.CardGone,
    ) -> str:
        make = self._encoder.event
        match event:
            case told.InterimWords(item_id, text):
                return make("overture.words", item_id=item_id, text=text)
            case told.SourcesFound(_, item_id, sources):
                cited = [
                    {"document": s.document, "title": s.title, "line": s.line} for s in sources
                ]
                return make("overture.sources", item_id=item_id, sources=cited)
            case told.PlayoutPaused(item_id):
                return make("overture.playout.paused", item_id=item_id)
            case told.PlayoutResumed(item_id):
                return make("overture.playout.resumed", item_id=item_id)
            case told.TurnMeasured(item_id, stages_ms):
                return make("overture.turn", item_id=item_id, stages_ms=dict(stages_ms))
            case told.FloorChanged(floor):
                return make("overture.floor", state=floor.value)
            case told.Warned(message):
                return make("overture.warning", message=message)
            case told.CardShown():
                return make(
                    "overture.outreach.card",
                    outreach_id=event.outreach_id,
                    text=event.text,
                    reason=event.reason,
                    rule=event.rule,
                    purpose=event.purpose,
                    spoken_here=event.spoken_here,
                )
            case told.CardGone(outreach_id):
                return make("overture.outreach.gone", outreach_id=outreach_id)
            case _:
                assert_never(event)

    def _buffer(self, what: str, **fields: Any) -> str:
        return self._encoder.event(f"input_audio_buffer.{what}", **fields)
