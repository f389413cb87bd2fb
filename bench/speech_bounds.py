"""Where a recording's speech begins and ends.

Voice activity (Silero, offline) tells speech from other sounds, but its frames of 32 ms carry
on for 38 ms after the voice at the median and 100 ms at p99 (the 119 spoken orders). So it only
bounds the search; the energy of 10 ms frames gives the sample.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from faster_whisper.vad import get_vad_model

from voice.audio import HEARING_RATE, Pcm
from voice.vad import FRAME_SAMPLES

STEP = HEARING_RATE // 100
"""Energy is measured over 10 ms."""

BELOW_LOUDEST = 10 ** (-30 / 20)
"""Speech is at most 30 dB under the recording's loudest 1 % of steps: final consonants are."""

OVER_FLOOR = 3.0
"""And at least this many times the noise floor (the quietest 10 % of steps)."""

REACH = 0.2
"""Seconds around the voice activity in which its first and last sound may lie."""


class NoSpeechError(ValueError):
    """The recording holds no speech; the message names what was looked at."""


@dataclass(frozen=True, slots=True)
class SpeechBounds:
    """first, last: indices of the first and the last speech sample, at 16 kHz."""

    first: int
    last: int


def voice_activity(samples: Pcm) -> npt.NDArray[np.float32]:
    """Speech probability of each 512-sample frame of 16 kHz PCM; a last part frame counts."""
    audio = samples.astype(np.float32) / 32768
    audio = np.pad(audio, (0, -len(audio) % FRAME_SAMPLES))
    probabilities: npt.NDArray[np.float32] = get_vad_model()(audio).ravel()
    return probabilities


def speech_bounds(samples: Pcm, activity: npt.NDArray[np.float32]) -> SpeechBounds:
    """First and last speech sample of 16 kHz PCM; raises NoSpeechError when there is none.

    activity: speech probability of each 512-sample frame.
    """
    voiced = np.flatnonzero(activity > 0.5)
    if not len(voiced):
        raise NoSpeechError(
            f"no voice in {len(samples) / HEARING_RATE:.2f} s; take another recording"
        )
    steps = samples[: len(samples) // STEP * STEP].reshape(-1, STEP).astype(np.float32)
    level = np.sqrt((steps**2).mean(axis=1))
    threshold = max(
        float(np.percentile(level, 99)) * BELOW_LOUDEST,
        float(np.percentile(level, 10)) * OVER_FLOOR,
    )
    reach = int(REACH * HEARING_RATE)
    low = max(0, int(voiced[0]) * FRAME_SAMPLES - reach) // STEP
    high = ((int(voiced[-1]) + 1) * FRAME_SAMPLES + reach) // STEP
    loud = np.flatnonzero(level[low:high] > threshold) + low
    if not len(loud):
        raise NoSpeechError(
            f"voice under the noise of {threshold:.0f}/32768; take another recording"
        )
    return SpeechBounds(int(loud[0]) * STEP, (int(loud[-1]) + 1) * STEP - 1)
