"""Which recognizer and which voice: what the operator says, then the agent, then what is here.

`auto` takes a remote engine whose URL is set; then a model that was fetched for Overture, since
that is done to have it used; then what is embedded. A Whisper model in the cache of another
program is only pointed at: the smallest costs 200 ms a turn on one core, whatever was said, and
the embedded recognizer, which knows the agent's words, a quarter of that.
"""

import asyncio
import importlib.util
from pathlib import Path

from overture.agent_folder import Agent
from overture.errors import UserError
from overture.kept_corpus import kept_expected_speech
from overture.settings import Settings
from overture.spoken_hints import spoken_hints
from voice.models import FoundModel, find_voice, find_whisper, piper_voices, whisper_models
from voice.recognition import Recognizer, RecognizerError
from voice.recognizers.faster_whisper import FasterWhisperRecognizer
from voice.recognizers.openai import OpenAIRecognizer
from voice.recognizers.pocketsphinx import PocketsphinxRecognizer
from voice.speech_api import RemoteEngine
from voice.synthesis import Synthesizer, SynthesizerError
from voice.synthesizers import choose_synthesizer
from voice.synthesizers.openai import OpenAISynthesizer
from voice.synthesizers.piper import PiperSynthesizer

HOW_TO_HAVE_PIPER = "overture models fetch piper en_US-lessac-medium"
_HOW_TO_HAVE_ITS_PACKAGE = "pip install piper-tts (GPL), then "


def first_choice(operator: str, agent: str) -> str:
    """The operator's word goes before the agent's."""
    return operator if operator != "auto" else agent


async def start_recognizer(settings: Settings, agent: Agent) -> tuple[Recognizer, str]:
    """A started recognizer of speech, and how to get a better one ("" for none).

    Raises UserError when the one that was asked for cannot be had.
    """
    recognizer, better = await _recognizer(settings, agent)
    try:
        await recognizer.start()
    except RecognizerError as error:
        await recognizer.aclose()
        raise UserError(f"the recognizer does not start: {error}") from None
    if isinstance(recognizer, FasterWhisperRecognizer):
        language = agent.settings.language.split("-")[0].lower()
        if language not in recognizer.languages:
            await recognizer.aclose()
            raise UserError(
                f"{recognizer.name} does not know the agent's language '{language}'; take a model "
                "without '.en', see `overture models`"
            )
    return recognizer, better


async def _recognizer(settings: Settings, agent: Agent) -> tuple[Recognizer, str]:
    models = settings.data_dir / "models"
    name = first_choice(settings.recognizer, agent.settings.engines.recognizer)
    if name == "openai" or (name == "auto" and settings.recognizer_url):
        return OpenAIRecognizer(remote_recognizer(settings), hints=spoken_hints(agent)), ""
    model, better = whisper_choice(settings, name)
    if model is not None:
        hints = spoken_hints(agent)
        return FasterWhisperRecognizer(model.path, name=model.name, hints=hints), ""
    corpus = await asyncio.to_thread(kept_expected_speech, agent, models)
    workers = settings.recognizer_workers
    return PocketsphinxRecognizer(corpus, workers=workers, cache_dir=models), better


def whisper_choice(settings: Settings, name: str) -> tuple[FoundModel | None, str]:
    """The Whisper model to use, if any, and else how to get open dictation.

    name: the engine that was asked for. Raises UserError when Whisper was and is not here.
    """
    models = settings.data_dir / "models"
    if name not in ("whisper", "auto"):
        return None, ""
    if wanted := settings.whisper_model:
        model = find_whisper(wanted, models)
        if model is None:
            raise UserError(
                f"OVERTURE_WHISPER_MODEL: there is no whisper model '{wanted}' here; "
                f"`overture models fetch whisper {wanted}` fetches it, `overture models` lists all"
            )
        return model, ""
    found = whisper_models(models)
    if name == "whisper":
        if not found:
            raise UserError(
                "there is no whisper model here; fetch one: overture models fetch whisper tiny.en"
            )
        return _largest(found), ""
    fetched = [model for model in found if model.fetched]
    if fetched:
        return _largest(fetched), ""
    if found:
        return None, "for open dictation OVERTURE_RECOGNIZER=whisper takes the model in the cache"
    return None, "for open dictation: overture models fetch whisper tiny.en"


def _largest(found: list[FoundModel]) -> FoundModel:
    """The best of those fetched for Overture, else of those in a cache."""
    best = [model for model in found if model.fetched == found[0].fetched]
    return max(best, key=lambda model: model.size)


async def start_voice(settings: Settings, name: str) -> tuple[Synthesizer, str]:
    """A started synthesizer, and how to get a better one ("" for none).

    name: what `first_choice` says. Raises UserError when it cannot be had.
    """
    try:
        if name == "openai" or (name == "auto" and settings.synthesizer_url):
            remote = OpenAISynthesizer(
                remote_synthesizer(settings), voice=settings.synthesizer_voice
            )
            await remote.start()
            return remote, ""
        if (piper := _piper(settings, name)) is not None:
            try:
                await piper.start()
            except SynthesizerError:
                await piper.aclose()
                raise
            return piper, ""
        engine, note = await choose_synthesizer(name)
    except SynthesizerError as error:
        raise UserError(str(error)) from None
    better = note.partition("; ")[2]
    if name == "auto" and not better:
        package = "" if importlib.util.find_spec("piper") else _HOW_TO_HAVE_ITS_PACKAGE
        better = f"for a more natural voice: {package}{HOW_TO_HAVE_PIPER}"
    return engine, better


def _piper(settings: Settings, name: str) -> PiperSynthesizer | None:
    """Piper where it was asked for, or where `auto` finds the package and a voice."""
    models = settings.data_dir / "models"
    if name not in ("piper", "auto"):
        return None
    files: dict[str, Path] = {each: found.path for each, found in piper_voices(models).items()}
    wanted = settings.piper_voice
    if wanted:
        voice = find_voice(wanted, models)
        if voice is None:
            raise UserError(
                f"OVERTURE_PIPER_VOICE: there is no voice '{wanted}' here; "
                f"`overture models fetch piper {wanted}` fetches it"
            )
        return PiperSynthesizer({**files, voice.name: voice.path}, voice.name)
    if name == "piper" and not files:
        raise UserError(f"there is no piper voice here; fetch one: {HOW_TO_HAVE_PIPER}")
    if not files or (name == "auto" and importlib.util.find_spec("piper") is None):
        return None
    return PiperSynthesizer(files, next(iter(files)))


def remote_recognizer(settings: Settings) -> RemoteEngine:
    """Where the settings say it is; raises UserError when they do not."""
    if settings.recognizer_url is None:
        raise UserError(
            "the agent asks for recognizer: openai; say with OVERTURE_RECOGNIZER_URL where it is, "
            "or set OVERTURE_RECOGNIZER=pocketsphinx"
        )
    key = settings.recognizer_key.get_secret_value()
    return RemoteEngine(settings.recognizer_url, settings.recognizer_model, key)


def remote_synthesizer(settings: Settings) -> RemoteEngine:
    """Where the settings say it is; raises UserError when they do not."""
    if settings.synthesizer_url is None:
        raise UserError(
            "the agent asks for synthesizer: openai; say with OVERTURE_SYNTHESIZER_URL where it "
            "is, or set OVERTURE_SYNTHESIZER=flite"
        )
    key = settings.synthesizer_key.get_secret_value()
    return RemoteEngine(settings.synthesizer_url, settings.synthesizer_model, key)
