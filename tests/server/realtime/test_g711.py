"""G.711 as others write it: held against libsndfile and FFmpeg."""

import io
from collections.abc import Callable

import av
import numpy as np
import pytest
import soundfile

from server.realtime.g711 import (
    G711_RATE,
    alaw_from_pcm,
    pcm_from_alaw,
    pcm_from_ulaw,
    ulaw_from_pcm,
)
from voice.audio import Pcm

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32_768, 32_768, dtype=np.int32).astype(np.int16)

Decode = Callable[[bytes], Pcm]
Encode = Callable[[Pcm], bytes]
BOTH = [
    pytest.param("ULAW", "pcm_mulaw", ulaw_from_pcm, pcm_from_ulaw, id="mu-law"),
    pytest.param("ALAW", "pcm_alaw", alaw_from_pcm, pcm_from_alaw, id="A-law"),
]


def read_by_libsndfile(data: bytes, code: str) -> Pcm:
    """What libsndfile makes of these codes."""
    samples: Pcm
    samples, _ = soundfile.read(
        io.BytesIO(data),
        dtype="int16",
        format="RAW",
        subtype=code,
        channels=1,
        samplerate=G711_RATE,
    )
    return samples


def written_by_libsndfile(samples: Pcm, code: str) -> bytes:
    """And of these samples."""
    file = io.BytesIO()
    soundfile.write(file, samples, G711_RATE, format="RAW", subtype=code)
    return file.getvalue()


def read_by_ffmpeg(data: bytes, codec: str) -> Pcm:
    """What FFmpeg makes of these codes."""
    decoder = av.CodecContext.create(codec, "r")
    decoder.sample_rate, decoder.layout = G711_RATE, "mono"  # type: ignore[attr-defined]
    frames = decoder.decode(av.Packet(data))  # type: ignore[attr-defined]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


@pytest.mark.parametrize(("code", "codec", "encode", "decode"), BOTH)
def test_every_code_is_the_sample_that_others_read(
    code: str, codec: str, encode: Encode, decode: Decode
) -> None:
    ours = decode(EVERY_CODE)
    assert np.array_equal(ours, read_by_libsndfile(EVERY_CODE, code))
    assert np.array_equal(ours, read_by_ffmpeg(EVERY_CODE, codec))


@pytest.mark.parametrize(("code", "codec", "encode", "decode"), BOTH)
def test_every_sample_gets_the_code_that_others_write(
    code: str, codec: str, encode: Encode, decode: Decode
) -> None:
    assert encode(EVERY_SAMPLE) == written_by_libsndfile(EVERY_SAMPLE, code)


@pytest.mark.parametrize(("code", "codec", "encode", "decode"), BOTH)
def test_what_was_read_is_written_as_it_was(
    code: str, codec: str, encode: Encode, decode: Decode
) -> None:
    again = encode(decode(EVERY_CODE))
    different = [i for i in range(256) if again[i] != EVERY_CODE[i]]
    assert different in ([], [0x7F])  # µ-law has two zeros, and a sample has one


def test_silence_is_what_the_recommendation_says() -> None:
    silence = np.zeros(3, np.int16)
    assert ulaw_from_pcm(silence) == b"\xff\xff\xff"
    assert alaw_from_pcm(silence) == b"\xd5\xd5\xd5"


def test_the_loudest_samples_stay_loud() -> None:
    loudest = np.array([-32_768, 32_767], np.int16)
    assert list(pcm_from_ulaw(ulaw_from_pcm(loudest))) == [-32_124, 32_124]
    assert list(pcm_from_alaw(alaw_from_pcm(loudest))) == [-32_256, 32_256]
