"""Opus, mono: what comes is decoded for the ears, what is said is encoded for the line.

By libopus inside PyAV, called where the packets are: a frame of 20 ms takes some 100 µs, less than
handing it to a thread and back.
"""

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm

CLOCK = 48_000
"""Opus counts time in RTP at this rate, whatever rate the sound has (RFC 7587 §4.1)."""
FRAME = SPEAKING_RATE // 50
"""Samples that a packet of ours holds: 20 ms."""
TICKS = CLOCK // 50
"""The same on the RTP clock."""
BIT_RATE = 40_000
"""Bits a second of what we send."""
APPLICATION = "lowdelay"
"""libopus encodes speech in its own mode, "voip", in 170 µs a packet, and in this one, which holds
back 4 ms less, in 57 µs: at this bit rate both are clear."""
COMPLEXITY = "3"
"""Of 10: more is not heard at this bit rate."""

_NOTHING = np.zeros(0, np.int16)


class OpusError(ValueError):
    """Bytes that are no Opus packet."""


class OpusDecoder:
    """Packets to sound, at the ears' rate if no other is asked for."""

    def __init__(self, rate: int = HEARING_RATE) -> None:
        codec = av.CodecContext.create("libopus", "r")
        assert isinstance(codec, AudioCodecContext)
        codec.format = "s16"
        codec.layout = "mono"
        codec.sample_rate = CLOCK
        self._codec = codec
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)

    def decode(self, payload: bytes) -> tuple[Pcm, int]:
        """The packet's sound, and how long it lasts in ticks; raises OpusError.

        The resampler holds a few samples back for the next packet.
        """
        if not payload:
            raise OpusError("an empty packet")  # FFmpeg would take it for the end of the stream
        try:
            frames = self._codec.decode(av.Packet(payload))
        except av.FFmpegError as error:
            raise OpusError(str(error)) from None
        parts = [_samples(part) for frame in frames for part in self._resampler.resample(frame)]
        samples = parts[0] if len(parts) == 1 else np.concatenate([_NOTHING, *parts])
        return samples, sum(frame.samples for frame in frames)


class OpusEncoder:
    """24 kHz to packets of 20 ms."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "w")
        assert isinstance(codec, AudioCodecContext)
        codec.format = "s16"
        codec.layout = "mono"
        codec.sample_rate = SPEAKING_RATE
        codec.bit_rate = BIT_RATE
        codec.options = {
            "application": APPLICATION,
            "frame_duration": "20",
            "compression_level": COMPLEXITY,
        }
        self._codec = codec

    def encode(self, samples: Pcm) -> bytes:
        """FRAME samples as one packet."""
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = SPEAKING_RATE
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


def _samples(frame: av.AudioFrame) -> Pcm:
    """Like `to_ndarray`, in a fifth of the time. A copy, so that the frame can be used again."""
    samples: Pcm = np.frombuffer(memoryview(frame.planes[0]), np.int16, frame.samples)
    return samples.copy()
