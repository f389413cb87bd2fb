"""Telephone audio over a real socket: heard, answered, measured and bounded like any other."""

import asyncio
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from server.realtime import errors
from server.realtime.audio_formats import FORMATS, AudioFormat
from server.realtime.errors import ClientError
from server.realtime.loudspeaker import Loudspeaker
from server.realtime.microphone import Microphone
from tests.support.recordings import speak
from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import WireClient, wire_client
from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm

TELEPHONE = [
    pytest.param(FORMATS["audio/pcmu"], id="mu-law"),
    pytest.param(FORMATS["audio/pcma"], id="A-law"),
]
EVERY_FORMAT = [FORMATS["audio/pcm"], FORMATS["audio/pcmu"], FORMATS["audio/pcma"]]


def tone(rate: int, seconds: float = 1.0) -> Pcm:
    """440 Hz."""
    at = np.arange(int(rate * seconds)) / rate
    return (8000 * np.sin(2 * np.pi * 440 * at)).astype(np.int16)


def formats(both: AudioFormat) -> dict[str, Any]:
    """A session.update of both sides' format."""
    side = {"format": {"type": both.name}}
    return {"type": "session.update", "session": {"audio": {"input": side, "output": side}}}


def append(samples: Pcm, format: AudioFormat) -> dict[str, Any]:
    """An append event; samples at the format's rate."""
    return {
        "type": "input_audio_buffer.append",
        "audio": b64encode(format.encode(samples)).decode(),
    }


def question(format: AudioFormat) -> Pcm:
    """A spoken question and the silence after it, at the format's rate."""
    speech = soxr.resample(speak("when do you close on sunday"), HEARING_RATE, format.rate)
    noise = np.random.default_rng(7).normal(0, 3, int(format.rate * 1.5)).astype(np.int16)
    return np.concatenate([speech, noise])


async def play(client: WireClient, samples: Pcm, format: AudioFormat) -> None:
    """Frames of 20 ms, as a telephone gateway sends them."""
    for start in range(0, len(samples), format.rate // 50):
        await client.send(append(samples[start : start + format.rate // 50], format))


def heard_audio(client: WireClient, format: AudioFormat) -> Pcm:
    """All of the agent's audio so far."""
    deltas = [e["delta"] for e in client.seen if e["type"] == "response.output_audio.delta"]
    return format.decode(b"".join(b64decode(delta) for delta in deltas))


@pytest.mark.parametrize("format", TELEPHONE)
async def test_a_telephone_is_understood_and_answered(
    serving: Serving, format: AudioFormat
) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(formats(format))
        updated = await client.until("session.updated")
        await play(client, question(format), format)
        done = await client.until("response.done")
    assert updated["session"]["audio"]["input"]["format"] == {"type": format.name}
    transcript = next(e for e in client.seen if e["type"].endswith("transcription.completed"))
    assert "sunday" in transcript["transcript"].lower()
    stopped = next(e for e in client.seen if e["type"].endswith("speech_stopped"))
    assert 500 < stopped["audio_end_ms"] < len(question(format)) * 1000 / format.rate
    spoken = heard_audio(client, format)
    assert np.abs(spoken.astype(int)).max() > 3000
    assert done["response"]["audio"]["output"]["format"] == {"type": format.name}


async def test_the_output_format_can_change_between_responses(serving: Serving) -> None:
    lengths: list[float] = []
    async with asyncio.timeout(2 * PATIENCE), wire_client(serving) as client:
        for format in EVERY_FORMAT:
            await client.send(formats(format))
            client.seen.clear()
            done = await client.say("thank you")
            assert done["response"]["status"] == "completed"
            lengths.append(len(heard_audio(client, format)) / format.rate)
    # The same sentence lasts as long in every format.
    assert lengths == pytest.approx([lengths[0]] * 3, abs=0.002)


async def test_all_of_what_was_sent_may_be_truncated_and_no_more(serving: Serving) -> None:
    format = FORMATS["audio/pcmu"]
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(formats(format))
        done = await client.say("thank you")
        sent_ms = len(heard_audio(client, format)) * 1000 // format.rate
        truncate = {
            "type": "conversation.item.truncate",
            "item_id": done["response"]["output"][0]["id"],
            "content_index": 0,
        }
        await client.send(truncate | {"audio_end_ms": sent_ms})
        assert (await client.until("conversation.item.truncated"))["audio_end_ms"] == sent_ms
        await client.send(truncate | {"audio_end_ms": sent_ms + 1000})
        assert (await client.error())["param"] == "audio_end_ms"


async def test_mu_law_sent_as_pcm_is_noise_and_does_no_harm(serving: Serving) -> None:
    telephone, pcm = FORMATS["audio/pcmu"], FORMATS["audio/pcm"]
    noise = pcm.decode(telephone.encode(question(telephone)[:15_000]))
    odd = b64encode(b"\xff\x7f\xff").decode()
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        by_hand = {"audio": {"input": {"turn_detection": None}}}
        await client.send({"type": "session.update", "session": by_hand})
        await play(client, noise, pcm)
        await client.send(
            {"type": "input_audio_buffer.append", "audio": odd, "event_id": "half"},
            {"type": "input_audio_buffer.commit"},
        )
        error = await client.error()
        assert (error["event_id"], error["param"]) == ("half", "audio")
        assert "PCM at 24 kHz" in error["message"]
        await client.until("conversation.item.input_audio_transcription.completed")
        done = await client.say("When do you close on Sunday?", output_modalities=["text"])
    assert "5" in done["response"]["output"][0]["content"][0]["text"]


async def test_audio_is_counted_in_its_own_format(serving: Serving) -> None:
    # A minute at once is over the limit of 30 s; taken for 24 kHz audio, it would be 20 s.
    format = FORMATS["audio/pcmu"]
    silence = append(np.zeros(format.rate * 10, np.int16), format)
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(formats(format))
        with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012
            await client.send(*[silence] * 6)
            while True:
                await client.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == errors.POLICY


@pytest.mark.parametrize("format", TELEPHONE)
def test_a_microphone_hears_a_telephone_at_its_own_rate(format: AudioFormat) -> None:
    microphone = Microphone()
    microphone.take_format(format.name)
    samples = tone(format.rate)
    frames = [
        microphone.decode(b64encode(format.encode(part)).decode())
        for part in np.split(samples, range(160, len(samples), 160))
    ]
    heard = np.concatenate([microphone.hear(frame) for frame in frames]).astype(float)
    assert microphone.received_ms == pytest.approx(1000)
    assert len(heard) > HEARING_RATE * 0.997  # no more than 3 ms are held back
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) * HEARING_RATE / len(heard) == pytest.approx(440, abs=2)


def test_a_microphone_that_changes_its_format_begins_anew() -> None:
    microphone = Microphone()
    microphone.hear(tone(SPEAKING_RATE))
    microphone.take_format("audio/pcma")
    assert microphone.rate == 8000
    heard = microphone.hear(tone(8000))
    assert len(heard) == pytest.approx(HEARING_RATE, abs=HEARING_RATE * 0.003)
    assert microphone.received_ms == pytest.approx(2000)
    with pytest.raises(ClientError, match="A-law"):
        microphone.decode("%%%")


@pytest.mark.parametrize("format", TELEPHONE)
@pytest.mark.parametrize("frames", [[960] * 10, [1], [24_023], [7, 960, 13, 1, 5000]])
def test_a_loudspeaker_gives_all_it_got_and_never_more(
    format: AudioFormat, frames: list[int]
) -> None:
    loudspeaker = Loudspeaker(format)
    voice = np.resize(tone(SPEAKING_RATE), sum(frames))
    parts = [loudspeaker.encode(part) for part in np.split(voice, np.cumsum(frames)[:-1])]
    spoken = format.decode(b"".join([*parts, loudspeaker.rest()]))
    assert len(spoken) == sum(frames) * format.rate // SPEAKING_RATE


def test_a_voice_on_the_telephone_is_the_voice_and_not_late() -> None:
    format = FORMATS["audio/pcma"]
    loudspeaker = Loudspeaker(format)
    parts = [loudspeaker.encode(part) for part in np.split(tone(SPEAKING_RATE), 25)]
    spoken = format.decode(b"".join([*parts, loudspeaker.rest()])).astype(float)
    difference = spoken - tone(8000)
    assert np.sqrt(np.mean(difference[100:-100] ** 2)) < 150  # A-law's own error at this loudness


def test_what_a_telephone_cannot_carry_does_not_fold_onto_what_it_can() -> None:
    at = np.arange(SPEAKING_RATE) / SPEAKING_RATE
    hiss = (8000 * np.sin(2 * np.pi * 6000 * at)).astype(np.int16)
    format = FORMATS["audio/pcmu"]
    spoken = format.decode(Loudspeaker(format).encode(hiss))
    assert np.abs(spoken[500:].astype(int)).max() < 30


@given(st.lists(st.integers(0, 700), max_size=12))
def test_how_a_telephones_audio_is_cut_makes_no_difference(frames: list[int]) -> None:
    samples = tone(8000, 0.5)
    whole, parts = Microphone(), Microphone()
    for microphone in (whole, parts):
        microphone.take_format("audio/pcmu")
    cuts = np.cumsum(frames)
    heard = np.concatenate([parts.hear(part) for part in np.split(samples, cuts)])
    difference = heard.astype(int) - whole.hear(samples)
    assert np.abs(difference).max() <= 1  # sums of another order
