"""The protocol's `output_audio_buffer`: the agent's voice where it goes by a media track.

A client on WebSocket has the audio itself and knows what it plays. One that hears a track is told
when a response's audio begins and ends on it.
"""

from collections.abc import Iterator

from live import events as told
from server.realtime.line import Speaker
from server.realtime.outgoing import Encoder

CLEAR = "output_audio_buffer.clear"
"""The client event that silences the agent."""


class OutputBuffer:
    """Follows one session's events and has its speaker play them."""

    def __init__(self, speaker: Speaker, encoder: Encoder) -> None:
        self._speaker = speaker
        self._encoder = encoder
        self._playing: str | None = None

    def play(self, event: told.AudioSent) -> Iterator[str]:
        """More of a response's audio."""
        if self._playing != event.response_id:
            self._playing = event.response_id
            yield self._event("started", event.response_id)
        self._speaker.play(event.samples)

    def follow(self, event: told.LiveEvent) -> Iterator[str]:
        """What else the session tells, after it was told itself."""
        match event:
            case told.PlayoutPaused():
                self._speaker.hold()
            case told.PlayoutResumed():
                self._speaker.resume()
            case told.ResponseEnded(response_id=response_id, status=status):
                if response_id == self._playing:
                    yield from self.clear() if status == "cancelled" else self._stopped()
            case _:
                pass

    def clear(self) -> Iterator[str]:
        """Silence, at once."""
        self._speaker.clear()
        if self._playing is not None:
            yield self._event("cleared", self._playing)
            self._playing = None

    def _stopped(self) -> Iterator[str]:
        # A response ends when the paced clock says that its last sample was heard. What was held
        # up for a moment still plays.
        assert self._playing is not None
        self._speaker.resume()
        yield self._event("stopped", self._playing)
        self._playing = None

    def _event(self, what: str, response_id: str) -> str:
        return self._encoder.event(f"output_audio_buffer.{what}", response_id=response_id)
