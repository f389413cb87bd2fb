"""What is special to pocketsphinx: worker processes that die or hang, and the cached model."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.support.recordings import speak
from voice.audio import HEARING_RATE
from voice.corpus import SpokenCorpus
from voice.recognition import RecognizerError, Utterance
from voice.recognizers.pocketsphinx import MAX_SECONDS, PocketsphinxRecognizer

EXPECTED = SpokenCorpus.from_texts([("a large latte", 1.0), ("a small mocha", 1.0)])
LATTE = Utterance(speak("a large latte"))


@pytest.fixture
async def recognizer(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = PocketsphinxRecognizer(EXPECTED, workers=1, cache_dir=tmp_path)
    await made.start()
    yield made
    await made.aclose()


async def test_a_worker_that_dies_fails_its_utterance_and_is_replaced(
    recognizer: PocketsphinxRecognizer,
) -> None:
    (worker,) = recognizer.worker_process_ids
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(RecognizerError, match="died"):
        await recognizer.recognize(LATTE)
    assert (await recognizer.recognize(LATTE)).text == "a large latte"
    assert worker not in recognizer.worker_process_ids


async def test_a_worker_that_hangs_is_killed_and_replaced(
    tmp_path: Path,
) -> None:
    recognizer = PocketsphinxRecognizer(EXPECTED, workers=1, cache_dir=tmp_path, timeout=0.2)
    await recognizer.start()
    (worker,) = recognizer.worker_process_ids
    os.kill(worker, signal.SIGSTOP)
    with pytest.raises(RecognizerError, match="hung"):
        await recognizer.recognize(LATTE)
    await recognizer.aclose()
    assert not psutil.pid_exists(worker)


async def test_work_given_up_before_it_began_is_never_done(
    recognizer: PocketsphinxRecognizer,
) -> None:
    long = Utterance(np.tile(LATTE.samples, 20))
    early = [asyncio.ensure_future(recognizer.recognize(long)) for _ in range(20)]
    await asyncio.sleep(0.01)
    for task in early:
        task.cancel()
    (worker,) = recognizer.worker_process_ids
    before = sum(psutil.Process(worker).cpu_times()[:2])
    assert (await recognizer.recognize(LATTE)).text == "a large latte"
    spent = sum(psutil.Process(worker).cpu_times()[:2]) - before
    all_of_it = 20 * len(long.samples) / HEARING_RATE * 0.02
    assert spent < all_of_it / 2


async def test_an_endless_utterance_is_refused(recognizer: PocketsphinxRecognizer) -> None:
    endless = np.zeros((MAX_SECONDS + 1) * HEARING_RATE, dtype=np.int16)
    with pytest.raises(RecognizerError, match="sooner"):
        await recognizer.recognize(Utterance(endless))


async def test_an_empty_corpus_is_refused(tmp_path: Path) -> None:
    recognizer = PocketsphinxRecognizer(SpokenCorpus(), workers=1, cache_dir=tmp_path)
    with pytest.raises(RecognizerError, match="empty"):
        await recognizer.start()


async def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recognizer = PocketsphinxRecognizer(EXPECTED, workers=1, cache_dir=tmp_path / "file" / "cache")
    with pytest.raises(RecognizerError, match="writable"):
        await recognizer.start()


async def test_a_broken_model_is_an_error_and_not_a_hang(tmp_path: Path) -> None:
    first = PocketsphinxRecognizer(EXPECTED, workers=1, cache_dir=tmp_path)
    await first.start()
    await first.aclose()
    for model in tmp_path.glob("*/language.lm"):
        model.write_text("no language model")
    second = PocketsphinxRecognizer(EXPECTED, workers=2, cache_dir=tmp_path)
    with pytest.raises(RecognizerError, match="pocketsphinx"):
        await second.start()
    assert not second.worker_process_ids


async def test_the_model_is_built_once(tmp_path: Path) -> None:
    for _ in range(2):
        recognizer = PocketsphinxRecognizer(EXPECTED, workers=1, cache_dir=tmp_path)
        await recognizer.start()
        await recognizer.aclose()
    (folder,) = tmp_path.iterdir()
    changed = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    await recognizer.start()
    await recognizer.aclose()
    assert changed == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


async def test_closing_leaves_no_process(recognizer: PocketsphinxRecognizer) -> None:
    workers = recognizer.worker_process_ids
    await recognizer.aclose()
    assert not any(psutil.pid_exists(worker) for worker in workers)


PARENT = """
import asyncio, sys
from pathlib import Path
from voice.corpus import SpokenCorpus
from voice.recognizers.pocketsphinx import PocketsphinxRecognizer
async def main():
    corpus = SpokenCorpus.from_texts([("a large latte", 1.0)])
    recognizer = PocketsphinxRecognizer(corpus, workers=2, cache_dir=Path(sys.argv[1]))
    await recognizer.start()
    print(*recognizer.worker_process_ids, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path)), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    workers = [psutil.Process(int(pid)) for pid in (await parent.stdout.readline()).split()]
    assert len(workers) == 2
    parent.kill()
    await parent.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, workers, timeout=10)
    assert not alive
