"""Speech for a fake microphone, made on the spot: no recording is needed."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

MICROPHONE_RATE = 48_000
ROOM_NOISE = 2e-4
"""-74 dBFS: a real microphone never gives exact digital silence."""


def speak_to_file(path: Path, *parts: str | float) -> Path:
    """Writes a WAV at 48 kHz: strings are spoken by flite, numbers are seconds of silence."""
    noise = np.random.default_rng(7)
    audio = np.concatenate([_part(part, path.parent) for part in parts])
    audio = audio + ROOM_NOISE * noise.standard_normal(len(audio))
    soundfile.write(path, audio.astype(np.float32), MICROPHONE_RATE, subtype="PCM_16")
    return path


def _part(part: str | float, folder: Path) -> NDArray[np.float64]:
    if not isinstance(part, str):
        return np.zeros(round(part * MICROPHONE_RATE))
    flite = shutil.which("flite")
    if flite is None:
        pytest.skip("flite is not installed (Debian: apt install flite)")
    spoken = folder / "part.wav"
    subprocess.run([flite, "-voice", "rms", "-t", part, "-o", spoken], check=True, timeout=30)
    samples, rate = soundfile.read(spoken, dtype="float64")
    resampled: NDArray[np.float64] = soxr.resample(samples, rate, MICROPHONE_RATE)
    return resampled
