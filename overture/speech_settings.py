"""Settings of the remote speech engines: what must go together."""

from typing import Protocol

from overture.remote_engine import server_url


class SpeechSettings(Protocol):
    """The settings of recognizer and synthesizer."""

    @property
    def recognizer(self) -> str: ...
    @property
    def recognizer_url(self) -> str | None: ...
    @property
    def synthesizer(self) -> str: ...
    @property
    def synthesizer_url(self) -> str | None: ...


def speech_url(url: str) -> str:
    """Where a speech server's API begins; raises ValueError."""
    if "/audio" in url:
        raise ValueError("should end before /audio, mostly in /v1")
    return server_url(url)


def gaps(settings: SpeechSettings) -> dict[str, str]:
    """What is missing beside what is set: the setting's name and why it is needed."""
    missing = {}
    for port in ("recognizer", "synthesizer"):
        if getattr(settings, port) == "openai" and not getattr(settings, f"{port}_url"):
            missing[f"{port}_url"] = (
                f"should say where the speech server is, as OVERTURE_{port.upper()}=openai: "
                "https://HOST/v1"
            )
    return missing
