"""The agent's own voice in the microphone is told from a person, over it as well."""

import asyncio

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm
from voice.echo import HEARD_S, LIKELY_ECHO, EchoDetector
from voice.synthesis import SynthesizerError, Voice
from voice.synthesizers.flite import FliteSynthesizer

Signal = npt.NDArray[np.float64]

AGENT = "That is one large iced latte with oat milk, and we are open from seven until nine today."
PERSON = "No wait, I would rather have a small cappuccino without sugar, and two blueberry muffins."
CHUNK = SPEAKING_RATE // 50


@pytest.fixture(scope="module")
def voices() -> tuple[Pcm, Pcm]:
    """The agent (a woman) and the person (a man), 24 kHz."""

    async def say() -> tuple[Pcm, Pcm]:
        flite = FliteSynthesizer()
        await flite.start()
        said = []
        for text, name in ((AGENT, "slt"), (PERSON, "rms")):
            chunks = [chunk.samples async for chunk in flite.synthesize(text, Voice(name))]
            said.append(np.concatenate(chunks))
        await flite.aclose()
        return said[0], said[1]

    try:
        return asyncio.run(say())
    except SynthesizerError as missing:
        pytest.skip(f"left out: {missing}")


def at_microphone(samples: Pcm) -> Signal:
    heard: Signal = soxr.resample(samples.astype(np.float64), SPEAKING_RATE, HEARING_RATE)
    return heard


def echoed(agent: Pcm, level_db: float, delay_ms: int, reverberation_s: float = 0.0) -> Signal:
    """The agent through loudspeaker, room (decaying noise, low-passed) and microphone."""
    heard = at_microphone(agent) * 10 ** (level_db / 20)
    if reverberation_s:
        time = np.arange(round(reverberation_s * HEARING_RATE)) / HEARING_RATE
        tail = np.random.default_rng(0).standard_normal(len(time))
        tail *= np.exp(-6.9 * time / reverberation_s)
        tail *= 0.35 / np.linalg.norm(tail)
        tail[0] += 1
        heard = np.convolve(np.convolve(heard, tail), np.ones(3) / 3)[: len(heard)]
    return np.concatenate((np.zeros(delay_ms * HEARING_RATE // 1000), heard))


def likenesses(agent: Pcm, microphone: Signal, noise: float = 2.0) -> list[float]:
    """The detector's answers every 200 ms while the agent speaks and the microphone hears."""
    hiss = np.random.default_rng(1).normal(0, noise, len(microphone))
    heard = np.clip(microphone + hiss, -32768, 32767).astype(np.int16)
    detector = EchoDetector()
    played = 0
    found = []
    for end in range(HEARING_RATE, 3 * HEARING_RATE, HEARING_RATE // 5):
        while played < len(agent) and played / SPEAKING_RATE < end / HEARING_RATE:
            detector.played(agent[played : played + CHUNK], played / SPEAKING_RATE)
            played += CHUNK
        latest = microphone[end - HEARING_RATE // 4 : end]
        if np.sqrt(np.mean(latest**2)) > 5 * noise:
            got = heard[end - round(HEARD_S * HEARING_RATE) : end]
            found.append(detector.likeness(got, end / HEARING_RATE))
    assert len(found) >= 5
    return found


@pytest.mark.parametrize("level_db", [-6, -20, -30])
@pytest.mark.parametrize("delay_ms", [0, 120, 300, 480])
def test_the_agents_echo_is_known_at_any_level_and_delay(
    voices: tuple[Pcm, Pcm], level_db: float, delay_ms: int
) -> None:
    agent, _ = voices

    assert min(likenesses(agent, echoed(agent, level_db, delay_ms))) > LIKELY_ECHO


@pytest.mark.parametrize("reverberation_s", [0.15, 0.3, 0.5])
def test_the_echo_is_known_through_a_room(voices: tuple[Pcm, Pcm], reverberation_s: float) -> None:
    agent, _ = voices

    found = likenesses(agent, echoed(agent, -20, 120, reverberation_s))
    assert np.mean(np.array(found) > LIKELY_ECHO) >= 0.9  # a pause holds nothing but late echoes


def test_the_echo_is_known_in_a_noisy_room(voices: tuple[Pcm, Pcm]) -> None:
    agent, _ = voices

    found = likenesses(agent, echoed(agent, -20, 120, 0.3), noise=40)
    assert np.mean(np.array(found) > LIKELY_ECHO) >= 0.9


def test_a_person_alone_is_no_echo(voices: tuple[Pcm, Pcm]) -> None:
    agent, person = voices

    found = likenesses(agent, at_microphone(person))
    assert max(found) < LIKELY_ECHO
    assert np.median(found) < 0.2


@pytest.mark.parametrize("over_db", [6, 10, 20])
def test_a_person_over_the_echo_is_a_person(voices: tuple[Pcm, Pcm], over_db: float) -> None:
    agent, person = voices
    echo = echoed(agent, -20, 120, 0.3)
    speech = at_microphone(person) * 10 ** ((over_db - 20) / 20)
    length = min(len(echo), len(speech))

    found = likenesses(agent, echo[:length] + speech[:length])
    assert np.mean(np.array(found) < LIKELY_ECHO) >= 0.9


def test_nothing_played_means_no_echo(voices: tuple[Pcm, Pcm]) -> None:
    _, person = voices

    heard = at_microphone(person).astype(np.int16)
    assert EchoDetector().likeness(heard, 1.0) == 0.0


def test_silence_and_scraps_of_audio_are_no_echo(voices: tuple[Pcm, Pcm]) -> None:
    agent, _ = voices
    detector = EchoDetector()
    detector.played(agent, 0.0)

    assert detector.likeness(np.zeros(HEARING_RATE, np.int16), 1.0) == 0.0
    assert detector.likeness(np.ones(100, np.int16), 1.0) == 0.0
    assert detector.likeness(np.zeros(0, np.int16), 1.0) == 0.0


def test_what_was_played_long_ago_is_forgotten(voices: tuple[Pcm, Pcm]) -> None:
    agent, _ = voices
    detector = EchoDetector()
    for second in range(60):
        detector.played(agent[:SPEAKING_RATE], float(second))

    assert detector.kept_s < 5
