"""The best engine that is installed is taken, and said."""

import pytest

from voice.synthesizers import choose_synthesizer


async def test_the_scripted_voice_is_always_there() -> None:
    synthesizer, note = await choose_synthesizer("scripted")

    assert synthesizer.name == "scripted"
    assert "tones" in note
    await synthesizer.aclose()


async def test_auto_takes_an_engine_that_speaks() -> None:
    synthesizer, note = await choose_synthesizer("auto")

    assert synthesizer.name in ("flite", "espeak")
    assert synthesizer.name in note
    await synthesizer.aclose()


async def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match="auto, flite, espeak, scripted"):
        await choose_synthesizer("festival")
