"""What the embedded recognizer makes of questions, of noises, and of talk about other things.

    bench/hearing.py --json hearing.json

Questions are said by flite's voices and espeak-ng: the word error rate, how many were heard
whole, and how many came back without words. Noises and other talk should have no words.
"""

import argparse
import asyncio
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from bench.figures import Figures
from bench.options import parser, report, run
from bench.orders import CAFE
from bench.sounds import SOUNDS
from overture.agent_folder import load_agent
from overture.expected_speech import expected_speech
from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm
from voice.recognition import Utterance
from voice.recognizers.pocketsphinx import PocketsphinxRecognizer

VOICES = ("slt", "rms", "awb", "espeak-ng")

QUESTIONS = (
    *("when do you open", "what time do you close on saturday", "are you open on christmas"),
    *("how much is a large latte", "what does a cappuccino cost", "how much is a croissant"),
    *("do you have almond milk", "do you have oat milk", "what is in a mocha"),
    *("is there gluten in the croissant", "do you have vegan food", "what cakes do you have"),
    *("how many calories does a latte have", "how big is a medium", "which sizes do you have"),
    *("where are you", "where can i park", "how do i get there", "do you have wifi"),
    *("what is the wifi password", "can i bring my dog", "are dogs allowed", "can i pay by card"),
    *("do you take cash", "do you deliver", "can i order ahead", "do you sell beans"),
    *("where do the beans come from", "who owns the cafe", "is there a student discount"),
    *("thank you very much", "good morning", "yes please", "no thanks", "goodbye"),
)

NOISES_EACH = 20
OTHER_TALK = 60

AMBIENT = 30
"""Deviation of the noise floor under made-up sounds, of 32,767."""


def said(text: str, voice: str) -> Pcm:
    """`text` by one of VOICES, 16 kHz, in a little quiet."""
    with tempfile.TemporaryDirectory(prefix="overture-bench-") as folder:
        path = Path(folder, "said.wav")
        program = ["espeak-ng", "-w", str(path), text]
        if voice != "espeak-ng":
            program = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
        subprocess.run(program, check=True, timeout=30)
        samples, rate = soundfile.read(path, dtype="int16")
    return in_a_room(samples, rate)


def in_a_room(samples: Pcm, rate: int) -> Pcm:
    """16 kHz, 300 ms before and 150 ms after, over a faint noise floor."""
    heard = samples if rate == HEARING_RATE else soxr.resample(samples, rate, HEARING_RATE)
    around = np.pad(heard.astype(np.float64), (HEARING_RATE * 3 // 10, HEARING_RATE * 3 // 20))
    floor = np.random.default_rng(0).standard_normal(len(around)) * AMBIENT
    return np.clip(around + floor, -32768, 32767).astype(np.int16)


def kitchen(path: Path) -> list[Pcm]:
    """Stretches of 0.6 to 3 s, as voice activity might take for speech."""
    noise: Pcm = soundfile.read(path, dtype="int16")[0]
    random = np.random.default_rng(0)
    lengths = random.uniform(0.6, 3.0, NOISES_EACH * 2)
    starts = random.uniform(0, len(noise) / HEARING_RATE - 3.0, len(lengths))
    return [
        noise[int(start * HEARING_RATE) : int((start + length) * HEARING_RATE)]
        for start, length in zip(starts, lengths, strict=True)
    ]


def other_talk(path: Path) -> list[Pcm]:
    """Sentences that no agent of ours was made for (CLINC150's out of scope), said by flite."""
    sentences = json.loads(path.read_text())["oos_val"]
    return [said(text, VOICES[at % 3]) for at, (text, _) in enumerate(sentences[:OTHER_TALK])]


def word_errors(truth: Sequence[str], heard: Sequence[str]) -> int:
    """Least number of words inserted, deleted and replaced."""
    row = list(range(len(heard) + 1))
    for at, word in enumerate(truth, 1):
        diagonal, row[0] = row[0], at
        for other, found in enumerate(heard, 1):
            best = min(row[other] + 1, row[other - 1] + 1, diagonal + (word != found))
            diagonal, row[other] = row[other], best
    return row[-1]


async def questions(recognizer: PocketsphinxRecognizer) -> Figures:
    """Figures of every voice."""
    figures: Figures = {}
    for voice in VOICES:
        errors = whole = rejected = 0
        for question in QUESTIONS:
            heard = (await recognizer.recognize(Utterance(said(question, voice)))).text
            errors += word_errors(question.split(), heard.split())
            whole += heard == question
            rejected += not heard
        figures[voice] = {
            "word_error_rate": round(errors / sum(len(q.split()) for q in QUESTIONS), 3),
            "heard_whole": round(whole / len(QUESTIONS), 3),
            "rejected": rejected,
        }
    return figures


async def noises(
    recognizer: PocketsphinxRecognizer, sounds: Mapping[str, Sequence[Pcm]]
) -> Figures:
    """Of each kind: how many there were, and the words found in them."""
    return {
        kind: {
            "count": len(samples),
            "taken_for_words": [
                heard for each in samples if (heard := await _text(recognizer, each))
            ],
        }
        for kind, samples in sounds.items()
    }


async def _text(recognizer: PocketsphinxRecognizer, samples: Pcm) -> str:
    return (await recognizer.recognize(Utterance(samples))).text


async def main(arguments: argparse.Namespace) -> None:
    """One run."""
    sounds = {
        kind: [in_a_room(sound(seed), SPEAKING_RATE) for seed in range(NOISES_EACH)]
        for kind, sound in SOUNDS.items()
    }
    sounds["kitchen"] = kitchen(arguments.data / "kitchen-noise.flac")
    sounds["other talk"] = other_talk(arguments.data.parent / "intents" / "clinc150.json")
    with tempfile.TemporaryDirectory(prefix="overture-bench-") as folder:
        corpus = await asyncio.to_thread(expected_speech, load_agent(CAFE))
        recognizer = PocketsphinxRecognizer(corpus, workers=1, cache_dir=Path(folder))
        await recognizer.start()
        figures = {
            "questions": await questions(recognizer),
            "noises": await noises(recognizer, sounds),
        }
        await recognizer.aclose()
    for voice, found in figures["questions"].items():
        print(f"{voice:10} " + " · ".join(f"{name} {value}" for name, value in found.items()))
    for kind, found in figures["noises"].items():
        print(f"{kind:10} {len(found['taken_for_words'])} of {found['count']} taken for words")
    report(figures, arguments.json, arguments.compare)


if __name__ == "__main__":
    run(main, parser(__doc__, chooses_server=False).parse_args())
