"""One file per synthesis engine, and the choice among them."""

from voice.synthesis import Synthesizer, SynthesizerError
from voice.synthesizers.espeak import EspeakSynthesizer
from voice.synthesizers.flite import FliteSynthesizer
from voice.synthesizers.scripted import ScriptedSynthesizer

NAMES = ("auto", "flite", "espeak", "scripted")


async def choose_synthesizer(name: str = "auto") -> tuple[Synthesizer, str]:
    """A started synthesizer, and a line that says which, and how to get a better one.

    name: one of NAMES; "auto" takes the best that is installed. Raises SynthesizerError when
    the one named (for "auto": any) is not there, ValueError for another name.
    """
    match name:
        case "auto":
            return await _best()
        case "flite":
            return await _started(FliteSynthesizer()), "flite"
        case "espeak":
            return await _started(EspeakSynthesizer()), "espeak-ng"
        case "scripted":
            return await _started(ScriptedSynthesizer()), "scripted: tones in place of words"
        case _:
            raise ValueError(f"no synthesizer {name!r}; take one of {', '.join(NAMES)}")


async def _best() -> tuple[Synthesizer, str]:
    try:
        return await _started(FliteSynthesizer()), "flite"
    except SynthesizerError as error:
        no_flite = error
    try:
        espeak = await _started(EspeakSynthesizer())
    except SynthesizerError as no_espeak:
        raise SynthesizerError(f"no speech engine: {no_flite}; {no_espeak}") from no_espeak
    return espeak, "espeak-ng; for a more natural voice: apt-get install libflite1"


async def _started(synthesizer: Synthesizer) -> Synthesizer:
    try:
        await synthesizer.start()
    except SynthesizerError:
        await synthesizer.aclose()
        raise
    return synthesizer
