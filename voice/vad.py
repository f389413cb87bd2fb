"""The voice activity port: how likely is each frame speech?"""

from typing import Protocol

from voice.audio import Pcm

FRAME_SAMPLES = 512
"""Samples of one frame at 16 kHz: 32 ms, what Silero was trained on."""


class VoiceActivityError(Exception):
    """The model failed, or is closed. The message says what to do."""


class VoiceActivityStream(Protocol):
    """One session's ear. State is per stream, the model is the process's."""

    async def probabilities(self, samples: Pcm) -> list[float]:
        """Speech probability (0 to 1) of every frame completed by `samples`.

        samples: 16 kHz PCM of any length; a remainder under FRAME_SAMPLES waits for the next
        call. One call at a time per stream.

        Raises VoiceActivityError when the model fails or is closed.
        """
        ...

    def close(self) -> None:
        """Forgets the stream's state."""
        ...


class VoiceActivity(Protocol):
    """One model for the process; frames of all streams that wait are run as one batch."""

    def stream(self) -> VoiceActivityStream:
        """A new stream with fresh state."""
        ...

    async def aclose(self) -> None:
        """Stops the worker."""
        ...
