"""What is special to Piper: files of voices, marks from the network's own durations, languages."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.small_piper import FRAMES, HOP, RATE, SILENT_SAMPLES, make_small_piper
from voice.audio import SPEAKING_RATE
from voice.synthesis import Mark, SynthesizerError, Voice
from voice.synthesizers.piper import MAX_LOADED, PiperSynthesizer

pytest.importorskip("piper", reason="left out: the extra `piper` is not installed")


async def marks(piper: PiperSynthesizer, text: str, voice: Voice | None = None) -> list[Mark]:
    return [m async for chunk in piper.synthesize(text, voice or Voice()) for m in chunk.marks]


async def test_marks_lie_where_the_network_says_that_words_end(tmp_path: Path) -> None:
    file = make_small_piper(tmp_path, tells_times=True)
    piper = PiperSynthesizer({"small": file}, "small")
    await piper.start()
    # "tea" is four phonemes, the stress and the length being one each. A blank follows each of
    # them and the sentence's begin, and everything takes as long.
    ids = 2 + 2 * 4
    end = (ids * FRAMES * HOP - SILENT_SAMPLES) / RATE
    [tea, please] = await marks(piper, "tea please")
    assert tea.char == 3
    assert tea.sample == pytest.approx(end * SPEAKING_RATE, abs=0.02 * SPEAKING_RATE)
    assert please.char == len("tea please")
    await piper.aclose()


async def test_without_durations_longer_words_take_longer(tmp_path: Path) -> None:
    piper = PiperSynthesizer({"small": make_small_piper(tmp_path)}, "small")
    await piper.start()
    first, second, third = await marks(piper, "a cappuccino now")
    assert first.sample < second.sample - first.sample > third.sample - second.sample
    await piper.aclose()


async def test_a_sessions_voice_is_loaded_when_it_is_wanted_and_few_stay(tmp_path: Path) -> None:
    names = [f"en_US-voice{number}-low" for number in range(MAX_LOADED + 2)]
    files = {name: make_small_piper(tmp_path, name) for name in names}
    piper = PiperSynthesizer(files, names[0])
    await piper.start()
    for name in (*names, names[0]):
        assert (await marks(piper, "tea", Voice(name)))[-1].char == 3
    assert piper.voices == set(names)
    assert len(piper.loaded) == MAX_LOADED
    await piper.aclose()


async def test_numbers_are_left_to_a_voice_of_another_language(tmp_path: Path) -> None:
    files = {
        name: make_small_piper(tmp_path, name) for name in ("en_US-a-low", "de_DE-a-low", "mine")
    }
    piper = PiperSynthesizer(files, "mine")
    await piper.start()
    # All three of them read English, so what differs is what they are given to read.
    length = {name: (await marks(piper, "$4.50", Voice(name)))[-1].sample for name in files}
    assert length["mine"] == length["en_US-a-low"] != length["de_DE-a-low"]
    await piper.aclose()


@pytest.mark.parametrize("broken", ["", ".json"])
async def test_a_broken_voice_is_told_with_how_to_get_a_whole_one(
    tmp_path: Path, broken: str
) -> None:
    file = make_small_piper(tmp_path)
    Path(f"{file}{broken}").write_text("{}")
    piper = PiperSynthesizer({"small": file}, "small")
    with pytest.raises(SynthesizerError, match="fetch it again"):
        await piper.start()
    await piper.aclose()


async def test_an_unknown_voice_is_told_with_those_there_are(tmp_path: Path) -> None:
    piper = PiperSynthesizer({"small": make_small_piper(tmp_path)}, "small")
    await piper.start()
    with pytest.raises(SynthesizerError, match=r"no voice 'alba' \(small\); `overture models`"):
        await marks(piper, "tea", Voice("alba"))
    await piper.aclose()


async def test_without_the_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("piper", "piper.config", "piper.voice"):
        monkeypatch.setitem(sys.modules, name, None)
    piper = PiperSynthesizer({"small": make_small_piper(tmp_path)}, "small")
    with pytest.raises(SynthesizerError, match="pip install piper-tts"):
        await piper.start()
    await piper.aclose()


async def test_two_pieces_are_as_loud_as_each_other(tmp_path: Path) -> None:
    piper = PiperSynthesizer({"small": make_small_piper(tmp_path)}, "small")
    await piper.start()
    text = "We have tea and coffee and cake here, and all of it is made this morning by us."
    chunks = [chunk async for chunk in piper.synthesize(text, Voice()) if chunk.samples.any()]
    peaks = [int(np.abs(chunk.samples.astype(int)).max()) for chunk in chunks]
    loud = [peak for peak in peaks if peak > 1000]
    assert len(loud) >= 2
    assert max(loud) < 1.1 * min(loud)
    await piper.aclose()
