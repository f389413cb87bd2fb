"""`overture doctor` on recognizer and voice: each is really asked once."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing

import numpy as np

from overture.errors import UserError
from overture.findings import Finding, Status
from overture.settings import Settings
from overture.speech_engines import remote_recognizer, start_voice, whisper_choice
from voice.audio import HEARING_RATE, Pcm
from voice.recognition import Recognizer, RecognizerError, Utterance
from voice.recognizers.faster_whisper import FasterWhisperRecognizer
from voice.recognizers.openai import OpenAIRecognizer
from voice.synthesis import SynthesizerError, Voice

SLOW_RECOGNITION = 1.0
"""Seconds for one second of sound, from which on a conversation drags."""

SLOW_VOICE = 1.0
"""Seconds until the first audio of a short sentence."""


def speech_findings(settings: Settings) -> Iterator[Finding]:
    """Of the better engines, where they are asked for or `auto` would take them."""
    yield from _recognizer(settings)
    yield _voice(settings)


def _recognizer(settings: Settings) -> Iterator[Finding]:
    name = settings.recognizer
    if name == "openai" or (name == "auto" and settings.recognizer_url):
        yield _asked(OpenAIRecognizer(remote_recognizer(settings)))
        return
    try:
        model, _ = whisper_choice(settings, name)
    except UserError as error:
        yield Finding(Status.FAIL, f"recognizer {name}", str(error))
        return
    if model is not None:
        yield _asked(FasterWhisperRecognizer(model.path, name=model.name))


def _asked(recognizer: Recognizer) -> Finding:
    what = f"recognizer {recognizer.name}"

    async def ask() -> float:
        await recognizer.start()
        try:
            await recognizer.recognize(Utterance(_hum()))  # the first one warms it up
            began = time.monotonic()
            await recognizer.recognize(Utterance(_hum()))
            return time.monotonic() - began
        finally:
            await recognizer.aclose()

    try:
        seconds = asyncio.run(ask())
    except RecognizerError as error:
        return Finding(Status.FAIL, what, str(error))
    told = f"{what}: {seconds:.2f} s for a second of sound"
    if seconds > SLOW_RECOGNITION:
        return Finding(Status.WARN, told, "conversations will drag; take a smaller model")
    return Finding(Status.OK, told)


def _voice(settings: Settings) -> Finding:
    async def say() -> tuple[str, str, float]:
        engine, better = await start_voice(settings, settings.synthesizer)
        try:
            began = time.monotonic()
            async with aclosing(engine.synthesize("Good morning.", Voice())) as chunks:
                async for _ in chunks:
                    break
            return engine.name, better, time.monotonic() - began
        finally:
            await engine.aclose()

    try:
        name, better, seconds = asyncio.run(say())
    except (UserError, SynthesizerError) as error:
        return Finding(Status.FAIL, f"synthesizer {settings.synthesizer}", str(error))
    told = f"synthesizer {name}: first audio after {seconds:.2f} s"
    if seconds > SLOW_VOICE:
        return Finding(Status.WARN, told, "conversations will drag; take a smaller voice")
    return Finding(Status.OK, told, better)


def _hum() -> Pcm:
    """A second of a faint chord: sound enough to be sent, and nothing that anybody said."""
    seconds = np.arange(HEARING_RATE) / HEARING_RATE
    chord = np.sin(2 * np.pi * 220 * seconds) + np.sin(2 * np.pi * 330 * seconds)
    pcm: Pcm = (chord * 1000).astype(np.int16)
    return pcm
