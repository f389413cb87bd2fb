"""Speech to test with: recorded orders where they are at hand, else flite's voices."""

import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from voice.audio import HEARING_RATE, Pcm

VOICES = ("slt", "rms", "awb")

_SPOKEN: Mapping[str, Mapping[str, str]] = {
    "I'd like a large latte with soy milk": {
        "size": "large",
        "coffeeDrink": "latte",
        "milkAmount": "soy milk",
    },
    "can I get a small cappuccino please": {"size": "small", "coffeeDrink": "cappuccino"},
    "give me a double shot espresso with brown sugar": {
        "numberOfShots": "double shot",
        "coffeeDrink": "espresso",
        "sugarAmount": "brown sugar",
    },
    "I want a dark roast americano": {"roast": "dark roast", "coffeeDrink": "americano"},
    "make me a twelve ounce iced coffee": {"size": "twelve ounce", "coffeeDrink": "iced coffee"},
    "may I have a medium mocha with sweetener": {
        "size": "medium",
        "coffeeDrink": "mocha",
        "sugarAmount": "sweetener",
    },
}


@dataclass(frozen=True, slots=True)
class SpokenOrder:
    """An order as it was said: 16 kHz mono PCM, and what it means."""

    name: str
    samples: Pcm
    intent: str
    slots: Mapping[str, str]


def datasets() -> Path | None:
    """The datasets folder, `$OVERTURE_DATASETS` or beside the checkout; None without one."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "datasets"
    folder = Path(os.environ.get("OVERTURE_DATASETS", beside))
    return folder if folder.is_dir() else None


def read_pcm(path: Path) -> Pcm:
    """Any sound file as 16 kHz mono PCM."""
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    mono = samples[:, 0]
    return mono if rate == HEARING_RATE else soxr.resample(mono, rate, HEARING_RATE)


@functools.cache
def speak(text: str, voice: str = "slt") -> Pcm:
    """`text` said by the flite program, 16 kHz, with 300 ms of silence before and 150 ms after."""
    program = shutil.which("flite")
    if program is None:
        raise RuntimeError("these tests speak with flite: apt-get install flite")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken.wav"
        subprocess.run(
            [program, "-voice", voice, "-t", text, "-o", str(path)], check=True, timeout=30
        )
        spoken = read_pcm(path)
    before = np.zeros(HEARING_RATE * 3 // 10, dtype=np.int16)
    return np.concatenate([before, spoken, before[: len(before) // 2]])


def spoken_orders(limit: int | None = None) -> list[SpokenOrder]:
    """Recorded orders by many speakers; without the datasets, our own said by flite."""
    folder = datasets()
    if folder is None or not (folder / "spoken-orders" / "labels.json").is_file():
        return _synthetic_orders()[:limit]
    root = folder / "spoken-orders"
    labels = json.loads((root / "labels.json").read_text())[:limit]
    return [
        SpokenOrder(x["file"], read_pcm(root / x["file"]), x["intent"], x["slots"]) for x in labels
    ]


def _synthetic_orders() -> list[SpokenOrder]:
    return [
        SpokenOrder(f"{voice}: {text}", speak(text, voice), "orderDrink", slots)
        for text, slots in _SPOKEN.items()
        for voice in VOICES
    ]
