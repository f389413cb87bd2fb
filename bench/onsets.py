"""How soon a beginning of speech shows: as a sound that may be one, and as speech.

    bench/onsets.py --json bench/results/onsets.json

Each recording begins in a quiet room at several phases of the frames of voice activity. A prompt
that begins later than what shows first talks over somebody (live/ears.py, STIRRING). What noises
cost is given too: the share of them on which a prompt would wait, and how long at most.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import soxr

from bench.figures import Figures, summary
from bench.microphone import quiet_room
from bench.options import parser, report, run
from bench.recordings import Recording, load
from bench.sounds import SOUNDS
from bench.voice_stretches import stretches
from conversation.policy import STIR, STIRRING_LIMIT
from live.ears import STIRRING
from voice.audio import HEARING_RATE, SPEAKING_RATE, Pcm
from voice.silero import SileroVoiceActivity
from voice.turn_detection import Started, TurnDetector
from voice.vad import FRAME_SAMPLES

FRAME_S = FRAME_SAMPLES / HEARING_RATE
LEAD_S = 2.0
PHASES = 4
SEEDS = 10
THRESHOLD = 0.5


async def looked_at(activity: SileroVoiceActivity, samples: Pcm) -> tuple[list[float], list[float]]:
    """When frames of 24 kHz PCM stirred while nobody spoke, and when speech started; in seconds, at
    the end of the frame that showed it."""
    stream, detector = activity.stream(), TurnDetector()
    stirred, started = [], []
    heard = soxr.resample(samples, SPEAKING_RATE, HEARING_RATE).astype(np.int16)
    for number, probability in enumerate(await stream.probabilities(heard)):
        at = (number + 1) * FRAME_S
        if isinstance(detector.feed(probability, THRESHOLD), Started):
            started.append(at)
        if probability >= STIRRING and not detector.speaking:
            stirred.append(at)
    stream.close()
    return stirred, started


async def onsets(activity: SileroVoiceActivity, recordings: Sequence[Recording]) -> Figures:
    """From the first voice of each recording until it shows, in ms; nothing shows before it."""
    shows, speech, missed, false = [], [], 0, 0
    room = quiet_room(LEAD_S + FRAME_S)
    for recording in recordings:
        voice = max(recording.first, next(iter(stretches(recording.samples)))[0])
        for phase in range(PHASES):
            lead = room[: int((LEAD_S + phase * FRAME_S / PHASES) * SPEAKING_RATE)]
            stirred, started = await looked_at(activity, np.concatenate([lead, recording.samples]))
            onset = (len(lead) + voice) / SPEAKING_RATE
            false += sum(at < len(lead) / SPEAKING_RATE for at in stirred)
            first = next((at for at in started if at >= onset), None)
            if first is None:
                missed += 1
                continue
            speech.append((first - onset) * 1000)
            shows.append(min([first, *(at for at in stirred if at >= onset)]) * 1000 - onset * 1000)
    return {
        "beginnings": len(speech),
        "never_speech": missed,
        "frames_that_stir_in_a_quiet_room": false,
        "shows_ms": summary(shows),
        "speech_ms": summary(speech),
    }


async def noises(activity: SileroVoiceActivity) -> Figures:
    """How many of each sound stir, and for how long a prompt would wait at most."""
    found: Figures = {}
    for name, make in SOUNDS.items():
        waits = []
        for seed in range(SEEDS):
            room = quiet_room(1.0, seed)
            stirred, _ = await looked_at(activity, np.concatenate([room, make(seed), room]))
            waits.append(min(stirred[-1] - stirred[0] + STIR, STIRRING_LIMIT) if stirred else 0.0)
        found[name] = {"stir": sum(map(bool, waits)) / SEEDS, "longest_wait_s": max(waits)}
    return found


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes both."""
    activity = SileroVoiceActivity()
    figures = await onsets(activity, load(arguments.data))
    figures["noises"] = await noises(activity)
    await activity.aclose()
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):34} {value}")
    report(figures, arguments.json, arguments.compare)


if __name__ == "__main__":
    run(main, parser(__doc__, chooses_server=False).parse_args())
