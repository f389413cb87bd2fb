"""The audio formats of the wire: which bytes, and how many of them a second."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from server.realtime.g711 import (
    G711_RATE,
    alaw_from_pcm,
    pcm_from_alaw,
    pcm_from_ulaw,
    ulaw_from_pcm,
)
from voice.audio import SPEAKING_RATE, Pcm, pcm_from_bytes, pcm_to_bytes


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """One format. name: its `type` on the wire; description: what an error tells a developer.

    rate: samples a second. decode: raises ValueError for bytes that are no whole samples.
    """

    name: str
    description: str
    rate: int
    decode: Callable[[bytes], Pcm]
    encode: Callable[[Pcm], bytes]


FORMATS: Mapping[str, AudioFormat] = {
    format.name: format
    for format in (
        AudioFormat(
            "audio/pcm",
            "16-bit little-endian mono PCM at 24 kHz",
            SPEAKING_RATE,
            pcm_from_bytes,
            pcm_to_bytes,
        ),
        AudioFormat("audio/pcmu", "G.711 µ-law at 8 kHz", G711_RATE, pcm_from_ulaw, ulaw_from_pcm),
        AudioFormat("audio/pcma", "G.711 A-law at 8 kHz", G711_RATE, pcm_from_alaw, alaw_from_pcm),
    )
}
"""By the name that the session's `format.type` has."""
