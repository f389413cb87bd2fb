"""The worker process of the pocketsphinx recognizer: one decoder, one utterance at a time.

Run as `python -m voice.recognizers.pocketsphinx_worker MODEL_FOLDER ALARM_SECONDS`. A request is
16 kHz PCM as `conditioned` makes it, the answer one line of JSON.

Numpy is not imported here: it would double the start-up time and the memory of each worker.
"""

import json
import os
import random
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

from pocketsphinx import Decoder, get_model_path

from voice.recognizers.worker_pool import READY, read_message, write_message

LANGUAGE_MODEL = "language.lm"
DICTIONARY = "words.dict"

FRAMES_PER_SECOND = 100
_WARM_UP = random.Random(0).randbytes(16_000)  # half a second of noise

_TUNING: dict[str, Any] = {
    # The whole utterance's cepstral mean; a live one is far worse on short utterances.
    "cmn": "batch",
    # The words of a lexicon tree get their language score only as they end, so a narrow beam
    # prunes what the model would have preferred: 0.87 of 60 orders with the engine's own beams,
    # 0.95 with these. The second pass then adds nothing but a fifth of the time.
    "beam": 1e-60,
    "pbeam": 1e-60,
    "wbeam": 1e-50,
    "lpbeam": 1e-50,
    "lponlybeam": 1e-40,
    "fwdflat": False,
    # Noise keeps every word alive (real-time factor 0.7 at 12 dB). This bounds it to 0.12 and
    # loses no clean recording; 20 loses one in 119, 10 three.
    "maxwpf": 40,
}


def load_decoder(folder: Path) -> Decoder:
    """A decoder for the dictionary and language model in `folder`."""
    return Decoder(
        hmm=get_model_path("en-us/en-us"),
        lm=str(folder / LANGUAGE_MODEL),
        dict=str(folder / DICTIONARY),
        loglevel="FATAL",
        **_TUNING,
    )


def heard(decoder: Decoder, pcm: bytes) -> dict[str, Any]:
    """What the decoder hears: "words", each [text, start, end, confidence], in seconds."""
    decoder.start_stream()  # forgets the noise of another speaker's room
    decoder.start_utt()
    decoder.process_raw(pcm, no_search=False, full_utt=True)
    decoder.end_utt()
    if decoder.hyp() is None:
        return {"words": []}
    words = [
        [
            segment.word.partition("(")[0],
            segment.start_frame / FRAMES_PER_SECOND,
            (segment.end_frame + 1) / FRAMES_PER_SECOND,
            min(1.0, segment.prob),  # the posterior, from the word lattice
        ]
        for segment in decoder.seg()
        if segment.word[0] not in "<["
    ]
    return {"words": words}


def serve(folder: Path, alarm_seconds: int) -> None:
    """Answers requests until the parent is gone.

    The alarm ends a hung decode even if the parent was killed meanwhile: it needs no GIL.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing else may write between messages
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, also on Ctrl-C
    # start_stream is deprecated for the endpointer's sake; nothing else forgets noise statistics.
    warnings.simplefilter("ignore", DeprecationWarning)
    decoder = load_decoder(folder)
    heard(decoder, _WARM_UP)
    write_message(answers, READY)
    while (request := read_message(sys.stdin.buffer)) is not None:
        signal.alarm(alarm_seconds)
        answer = heard(decoder, request)
        signal.alarm(0)
        write_message(answers, json.dumps(answer).encode())


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
