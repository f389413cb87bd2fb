"""Silero by onnxruntime: the scores of the model as shipped, for many streams at once."""

import asyncio
from itertools import pairwise

import numpy as np
import onnxruntime
import psutil
import pytest
import soxr

from tests.support.recordings import speak
from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm
from voice.silero import MAX_BATCH, SileroVoiceActivity
from voice.silero_model import SileroModelError, batched_model, model_path
from voice.synthesis import Voice
from voice.synthesizers import choose_synthesizer
from voice.vad import FRAME_SAMPLES, VoiceActivityError


@pytest.fixture(scope="module")
def speech() -> Pcm:
    """A second of near-silence, a spoken sentence, another second; whole frames of 16 kHz."""

    async def say() -> Pcm:
        synthesizer, _ = await choose_synthesizer("auto")
        said = synthesizer.synthesize("I'd like a large iced latte with oat milk.", Voice())
        samples = np.concatenate([chunk.samples async for chunk in said])
        await synthesizer.aclose()
        return samples

    heard = soxr.resample(asyncio.run(say()), SPEAKING_RATE, HEARING_RATE)
    noise = np.random.default_rng(1).normal(0, 5, HEARING_RATE).astype(np.int16)
    whole = np.concatenate((noise, heard.astype(np.int16), noise))
    return whole[: len(whole) // FRAME_SAMPLES * FRAME_SAMPLES]


def as_shipped(samples: Pcm) -> list[float]:
    """The scores of the unchanged model, which takes a recording's frames as one sequence."""
    model = onnxruntime.InferenceSession(model_path().read_bytes())
    padded = np.concatenate((np.zeros(64, np.int16), samples)).astype(np.float32) / 32768
    starts = range(0, len(samples), FRAME_SAMPLES)
    frames = np.stack([padded[start : start + 64 + FRAME_SAMPLES] for start in starts])
    state = np.zeros((1, 1, 128), np.float32)
    scores = model.run(["speech_probs"], {"input": frames, "h": state, "c": state})[0]
    return [float(score) for score in scores.ravel()]


async def test_scores_are_those_of_the_model_as_shipped(speech: Pcm) -> None:
    activity = SileroVoiceActivity()

    scores = await activity.stream().probabilities(speech)

    assert max(scores) > 0.9
    assert scores == pytest.approx(as_shipped(speech), abs=1e-4)
    await activity.aclose()


async def test_each_stream_of_a_batch_has_its_own_state(speech: Pcm) -> None:
    activity = SileroVoiceActivity()
    recordings = [np.roll(speech, 1000 * number)[: 40 * FRAME_SAMPLES] for number in range(6)]

    together = await asyncio.gather(
        *(activity.stream().probabilities(recording) for recording in recordings)
    )

    for recording, scores in zip(recordings, together, strict=True):
        assert scores == pytest.approx(as_shipped(recording), abs=1e-4)
    await activity.aclose()


async def test_the_size_of_the_pieces_changes_nothing(speech: Pcm) -> None:
    activity = SileroVoiceActivity()
    stream = activity.stream()
    cuts = [0, 1, 100, 611, 612, 3000, 3000, 9999, len(speech)]

    scores: list[float] = []
    for start, end in pairwise(cuts):
        scores += await stream.probabilities(speech[start:end])

    assert scores == pytest.approx(as_shipped(speech), abs=1e-4)
    await activity.aclose()


async def test_less_than_a_frame_waits_for_the_rest() -> None:
    activity = SileroVoiceActivity()
    stream = activity.stream()

    assert await stream.probabilities(np.zeros(FRAME_SAMPLES - 1, np.int16)) == []
    assert len(await stream.probabilities(np.zeros(1, np.int16))) == 1
    await activity.aclose()


async def test_more_streams_than_a_batch_holds_are_all_answered() -> None:
    activity = SileroVoiceActivity()
    frame = np.zeros(2 * FRAME_SAMPLES, np.int16)

    scores = await asyncio.gather(
        *(activity.stream().probabilities(frame) for _ in range(2 * MAX_BATCH + 1))
    )

    assert [len(each) for each in scores] == [2] * (2 * MAX_BATCH + 1)
    await activity.aclose()


async def test_a_cancelled_call_leaves_the_others_alone(speech: Pcm) -> None:
    activity = SileroVoiceActivity()
    given_up = asyncio.create_task(activity.stream().probabilities(speech))
    kept = asyncio.create_task(activity.stream().probabilities(speech))
    await asyncio.sleep(0)
    given_up.cancel()

    assert await kept == pytest.approx(as_shipped(speech), abs=1e-4)
    await activity.aclose()


async def test_two_calls_at_once_on_one_stream_are_refused() -> None:
    activity = SileroVoiceActivity()
    stream = activity.stream()
    first = asyncio.create_task(stream.probabilities(np.zeros(FRAME_SAMPLES, np.int16)))
    await asyncio.sleep(0)

    with pytest.raises(VoiceActivityError, match="one call at a time"):
        await stream.probabilities(np.zeros(FRAME_SAMPLES, np.int16))
    await first
    await activity.aclose()


async def test_a_closed_stream_starts_afresh(speech: Pcm) -> None:
    activity = SileroVoiceActivity()
    stream = activity.stream()
    first = await stream.probabilities(speech)
    stream.close()

    assert await stream.probabilities(speech) == pytest.approx(first, abs=1e-6)
    await activity.aclose()


async def test_closing_tells_those_who_wait(speech: Pcm) -> None:
    activity = SileroVoiceActivity()
    waiting = asyncio.create_task(activity.stream().probabilities(speech))
    await asyncio.sleep(0)
    await activity.aclose()

    with pytest.raises(VoiceActivityError, match="closed"):
        await waiting
    with pytest.raises(VoiceActivityError, match="closed"):
        await activity.stream().probabilities(speech)


async def test_streams_that_came_and_went_leave_no_memory_behind() -> None:
    activity = SileroVoiceActivity()
    frame = np.zeros(FRAME_SAMPLES, np.int16)

    async def come_and_go(count: int) -> int:
        for _ in range(count):
            streams = [activity.stream() for _ in range(32)]
            await asyncio.gather(*(stream.probabilities(frame) for stream in streams))
            for stream in streams:
                stream.close()
        return psutil.Process().memory_info().rss

    settled = await come_and_go(40)
    assert await come_and_go(100) - settled < 4 * 2**20  # 3,200 streams
    await activity.aclose()


def test_another_model_is_refused_with_what_to_install() -> None:
    with pytest.raises(SileroModelError, match=r"faster-whisper 1\.2"):
        batched_model(batched_model(model_path().read_bytes()))
    with pytest.raises(SileroModelError, match="faster-whisper"):
        batched_model(b"\x3a\x05no")


async def test_a_quiet_room_costs_no_model_time_and_speech_after_it_is_heard() -> None:
    activity = SileroVoiceActivity()
    stream = activity.stream()
    room = np.random.default_rng(0).normal(0, 3, 4 * 16_000).astype(np.int16)
    await stream.probabilities(room)
    state = stream.state.copy()
    assert await stream.probabilities(room[: 31 * 512]) == [0.0] * 31
    assert (stream.state == state).all()
    scores = await stream.probabilities(speak("when do you close on sunday"))
    assert max(scores[:25]) > 0.8
    await activity.aclose()
