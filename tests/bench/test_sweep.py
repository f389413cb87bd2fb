"""The bench of the sweep: that it sweeps what it says."""

import random

import pytest

from bench.sweep import main, rules, sessions
from scheduler.index import RuleIndex


def test_it_prints_how_long_a_sweep_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rules", "20", "--sessions", "30", "--repeats", "2"]) == 0
    assert "20 rules over 30 sessions" in capsys.readouterr().out


def test_two_in_a_hundred_pairs_match() -> None:
    chance = random.Random(1)
    index = RuleIndex(rules(100, 0.02, chance))
    cards, people = sessions(300, chance)
    found = index.sweep(cards, 1_790_000_000.0, people=people)
    assert len(found) / 30_000 == pytest.approx(0.02, abs=0.005)
