"""What is special to Whisper: batches, hints, languages, inventions, models that are broken."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tests.support.recordings import speak
from tests.support.small_whisper import (
    GUTEN_TAG,
    HIGH_HZ,
    HINT,
    LOW_HZ,
    MIDDLE_HZ,
    MOCHA,
    SAID,
    TEA,
    make_small_whisper,
    quiet_room,
    tone,
)
from voice.audio import HEARING_RATE, Pcm
from voice.recognition import RecognizerError, Utterance
from voice.recognizers.faster_whisper import (
    MAX_BATCH,
    MAX_SECONDS,
    MAX_WAITING,
    FasterWhisperRecognizer,
)
from voice.recognizers.whisper_model import WINDOW_SECONDS, Decoded, WhisperModel, Window, windows

PATIENCE = 30.0


@pytest.fixture
async def recognizer(tmp_path: Path) -> AsyncIterator[FasterWhisperRecognizer]:
    folder = make_small_whisper(tmp_path / "small.en")
    made = FasterWhisperRecognizer(folder, batch=MAX_BATCH)  # as on a graphics card
    await made.start()
    yield made
    await made.aclose()


@dataclass
class Batches:
    """Every decoding waits until it may go on. begun: the first one has reached the model."""

    sizes: list[int] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Batches:
    held = Batches()
    decode = WhisperModel.decode

    def held_up(
        self: WhisperModel, heard: Sequence[Window], *, language: str, prompt: str = ""
    ) -> list[Decoded]:
        held.sizes.append(len(heard))
        held.begun.set()
        assert held.go_on.wait(PATIENCE)
        return decode(self, heard, language=language, prompt=prompt)

    monkeypatch.setattr(WhisperModel, "decode", held_up)
    return held


async def heard(recognizer: FasterWhisperRecognizer, samples: Pcm, **told: str) -> str:
    return (await recognizer.recognize(Utterance(samples, **told))).text  # type: ignore[arg-type]


async def occupied(recognizer: FasterWhisperRecognizer, batches: Batches) -> asyncio.Future[str]:
    """An utterance that the model works on until it may go on."""
    first = asyncio.ensure_future(heard(recognizer, speak(SAID)))
    assert await asyncio.to_thread(batches.begun.wait, PATIENCE)
    return first


async def queued(count: int) -> None:
    """Lets that many tasks reach the queue."""
    for _ in range(count + 1):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("hz", "text"), [(LOW_HZ, TEA), (MIDDLE_HZ, ""), (HIGH_HZ, "")])
async def test_words_are_heard_and_repetitions_and_phantoms_are_not(
    recognizer: FasterWhisperRecognizer, hz: float, text: str
) -> None:
    assert await heard(recognizer, tone(hz)) == text


async def test_a_quiet_room_says_nothing(recognizer: FasterWhisperRecognizer) -> None:
    assert await heard(recognizer, quiet_room()) == ""


async def test_utterances_that_wait_are_decoded_together_and_each_gets_its_own_words(
    recognizer: FasterWhisperRecognizer, batches: Batches
) -> None:
    first = await occupied(recognizer, batches)
    sounds = [speak(SAID), tone(LOW_HZ), quiet_room(), tone(LOW_HZ), speak(SAID)]
    waiting = [asyncio.ensure_future(heard(recognizer, sound)) for sound in sounds]
    await queued(len(waiting))
    batches.go_on.set()
    assert await asyncio.gather(first, *waiting) == [SAID, SAID, TEA, "", TEA, SAID]
    assert batches.sizes == [1, 5]


async def test_a_crowd_is_taken_in_parts(
    recognizer: FasterWhisperRecognizer, batches: Batches
) -> None:
    first = await occupied(recognizer, batches)
    waiting = [asyncio.ensure_future(heard(recognizer, tone(LOW_HZ))) for _ in range(MAX_BATCH + 2)]
    await queued(len(waiting))
    batches.go_on.set()
    await asyncio.gather(first, *waiting)
    assert batches.sizes == [1, MAX_BATCH, 2]


async def test_without_a_graphics_card_nobody_waits_for_those_who_came_later(
    tmp_path: Path, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WhisperModel, "on_graphics_card", False)
    recognizer = FasterWhisperRecognizer(make_small_whisper(tmp_path / "small.en"))
    batches.go_on.set()
    await recognizer.start()
    batches.sizes.clear()
    waiting = [asyncio.ensure_future(heard(recognizer, tone(LOW_HZ))) for _ in range(3)]
    assert await asyncio.gather(*waiting) == [TEA] * 3
    assert batches.sizes == [1, 1, 1]
    await recognizer.aclose()


async def test_sessions_with_other_prompts_are_not_mixed_up(
    recognizer: FasterWhisperRecognizer, batches: Batches
) -> None:
    first = await occupied(recognizer, batches)
    waiting = [
        asyncio.ensure_future(heard(recognizer, speak(SAID), prompt=prompt))
        for prompt in ("", HINT, "", HINT)
    ]
    await queued(len(waiting))
    batches.go_on.set()
    assert await asyncio.gather(first, *waiting) == [SAID, SAID, MOCHA, SAID, MOCHA]
    assert batches.sizes == [1, 2, 2]


async def test_who_gives_up_leaves_the_queue(
    recognizer: FasterWhisperRecognizer, batches: Batches
) -> None:
    first = await occupied(recognizer, batches)
    waiting = [asyncio.ensure_future(heard(recognizer, tone(LOW_HZ))) for _ in range(4)]
    await queued(len(waiting))
    for given_up in waiting[:3]:
        given_up.cancel()
    await asyncio.gather(*waiting[:3], return_exceptions=True)
    batches.go_on.set()
    assert await asyncio.gather(first, waiting[3]) == [SAID, TEA]
    assert batches.sizes == [1, 1]


async def test_the_queue_has_an_end(recognizer: FasterWhisperRecognizer, batches: Batches) -> None:
    first = await occupied(recognizer, batches)
    waiting = [asyncio.ensure_future(heard(recognizer, tone(LOW_HZ))) for _ in range(MAX_WAITING)]
    await queued(len(waiting))
    with pytest.raises(RecognizerError, match="wait for whisper already"):
        await heard(recognizer, tone(LOW_HZ))
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    last = asyncio.ensure_future(heard(recognizer, tone(LOW_HZ)))  # room again
    batches.go_on.set()
    assert await asyncio.gather(first, last) == [SAID, TEA]


async def test_closing_fails_those_who_wait(
    recognizer: FasterWhisperRecognizer, batches: Batches
) -> None:
    first = await occupied(recognizer, batches)
    waiting = asyncio.ensure_future(heard(recognizer, tone(LOW_HZ)))
    await queued(1)
    closing = asyncio.ensure_future(recognizer.aclose())
    for each in (first, waiting):
        with pytest.raises(RecognizerError, match="closed"):
            await each
    batches.go_on.set()
    await closing


async def test_a_decoding_that_fails_is_told_and_the_next_one_works(
    recognizer: FasterWhisperRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> list[Decoded]:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as broke:
        broke.setattr(WhisperModel, "decode", broken)
        with pytest.raises(RecognizerError, match="out of memory"):
            await heard(recognizer, tone(LOW_HZ))
    assert await heard(recognizer, tone(LOW_HZ)) == TEA


async def test_the_agents_hints_are_heeded(tmp_path: Path) -> None:
    folder = make_small_whisper(tmp_path / "small.en")
    recognizer = FasterWhisperRecognizer(folder, hints=f"Our {HINT}")
    await recognizer.start()
    assert await heard(recognizer, speak(SAID)) == MOCHA
    await recognizer.aclose()


@pytest.mark.parametrize("prompt", ["<|startoftranscript|>" * 3, "<|endoftext|>", "word " * 5000])
async def test_a_prompt_of_any_kind_does_no_harm(
    recognizer: FasterWhisperRecognizer, prompt: str
) -> None:
    assert await heard(recognizer, speak(SAID), prompt=prompt) == SAID


async def test_an_english_model_says_what_to_do_for_another_language(
    recognizer: FasterWhisperRecognizer,
) -> None:
    assert await heard(recognizer, speak(SAID), language="en-GB") == SAID
    with pytest.raises(RecognizerError, match=r"knows English only.*without '\.en'"):
        await heard(recognizer, speak(SAID), language="de-AT")


async def test_a_multilingual_model_hears_the_language_it_is_told(tmp_path: Path) -> None:
    recognizer = FasterWhisperRecognizer(make_small_whisper(tmp_path / "small", multilingual=True))
    await recognizer.start()
    assert await heard(recognizer, speak(SAID), language="de-AT") == GUTEN_TAG
    assert await heard(recognizer, speak(SAID), language="en") == SAID
    with pytest.raises(RecognizerError, match="not 'xx'"):
        await heard(recognizer, speak(SAID), language="xx")
    await recognizer.aclose()


async def test_more_than_the_model_hears_at_once_is_heard_in_parts(
    recognizer: FasterWhisperRecognizer,
) -> None:
    pause = quiet_room(WINDOW_SECONDS)
    long = np.concatenate([speak(SAID), pause, tone(LOW_HZ)])
    assert await heard(recognizer, long) == f"{SAID} {TEA}"


async def test_an_endless_utterance_is_refused(recognizer: FasterWhisperRecognizer) -> None:
    with pytest.raises(RecognizerError, match="sooner"):
        await heard(recognizer, np.ones((MAX_SECONDS + 1) * HEARING_RATE, np.int16))


def test_windows_are_cut_where_it_is_quietest_and_nothing_is_lost() -> None:
    long = np.random.default_rng(1).integers(-9000, 9000, 70 * HEARING_RATE).astype(np.int16)
    gap = slice(27 * HEARING_RATE, 27 * HEARING_RATE + HEARING_RATE // 5)
    long[gap] = 0
    parts = windows(long)
    assert gap.start <= len(parts[0].samples) <= gap.stop
    assert all(part.seconds <= WINDOW_SECONDS for part in parts)
    assert np.array_equal(np.concatenate([part.samples for part in parts]), long)


@pytest.mark.parametrize("broken", ["tokenizer.json", "model.bin", "config.json"])
async def test_a_broken_model_is_told_with_how_to_get_a_whole_one(
    tmp_path: Path, broken: str
) -> None:
    folder = make_small_whisper(tmp_path / "small.en")
    (folder / broken).write_text("nonsense")
    with pytest.raises(RecognizerError, match="overture models fetch"):
        await FasterWhisperRecognizer(folder).start()


async def test_a_model_without_its_tokenizer_is_not_completed_from_the_network(
    tmp_path: Path,
) -> None:
    folder = make_small_whisper(tmp_path / "small.en")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(RecognizerError, match=r"no tokenizer\.json"):
        await FasterWhisperRecognizer(folder).start()
