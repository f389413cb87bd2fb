"""The corpus is kept between starts, and never outlives what it was made of."""

import shutil
from pathlib import Path

from overture.agent_folder import load_agent
from overture.expected_speech import expected_speech
from overture.kept_corpus import kept_expected_speech

CAFE = Path(__file__).parents[2] / "agents" / "cafe"


def test_a_kept_corpus_is_the_one_that_was_drawn(tmp_path: Path) -> None:
    agent = load_agent(CAFE)
    first = kept_expected_speech(agent, tmp_path)
    assert first == expected_speech(agent)
    assert kept_expected_speech(agent, tmp_path) == first
    assert len(list(tmp_path.iterdir())) == 1


def test_another_question_in_the_agents_folder_makes_another_corpus(tmp_path: Path) -> None:
    folder = tmp_path / "cafe"
    shutil.copytree(CAFE, folder)
    before = kept_expected_speech(load_agent(folder), tmp_path / "kept")
    with (folder / "knowledge" / "questions.txt").open("a") as questions:
        questions.write("do you sell umbrellas\n")
    after = kept_expected_speech(load_agent(folder), tmp_path / "kept")
    assert before != after
    assert any("umbrellas" in text for text, _ in after.sentences)


def test_a_damaged_copy_is_drawn_anew(tmp_path: Path) -> None:
    agent = load_agent(CAFE)
    corpus = kept_expected_speech(agent, tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_text("[[1")
    assert kept_expected_speech(agent, tmp_path) == corpus
