"""Prompts in simulated talk: does any ever begin over a person who speaks?

    bench/floor_simulated.py --conversations 100000 --json bench/results/floor_simulated.json
    bench/floor_simulated.py --seed 4711 --conversations 1       (one of them, told in full)

Each conversation is a random script of speech, coughs, pauses, dead air and a client's requests,
with prompts of every priority offered at random moments, most of them while the person speaks. The
machine and the turn detector are the real ones; time is virtual (tests/support/conversing.py).

A prompt was begun over a person if their voice had been sounding for `NOTICED_MS` when its first
sample flowed. Speech that began later than that began together with it: nobody can know of it yet.
Critical prompts may do so by rule 4, after 2 s of patience; they are counted apart.
"""

import argparse
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bench.figures import Figures
from bench.options import report, say
from conversation import Completeness, TurnPolicy
from conversation.prompts import OnBargeIn, Priority
from tests.support.conversing import FRAME_MS, Conversing

NOTICED_MS = 3 * FRAME_MS
"""Voice activity needs two frames to be believed, and arrives up to one frame late."""
BATCH = 250
"""Conversations a worker runs before it tells of them."""
SETTLING_MS = 6_000
"""Silence at the end; what has not been said then goes back to where it came from."""

WORDS = (
    "I'd like a large latte",
    "a mocha with oat milk and",
    "when do you close on sunday",
    "and two cappuccinos please",
    "no wait",
    "mm-hm",
    "right",
    "is there anything without milk",
)


@dataclass
class Tally:
    """What became of many conversations. over: seeds of those with a prompt begun over speech."""

    conversations: int = 0
    prompts: int = 0
    talk_s: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    offered_over_speech: int = 0
    together: int = 0
    critical_over_speech: int = 0
    over: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    twice: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Counts what another has counted."""
        self.conversations += other.conversations
        self.prompts += other.prompts
        self.talk_s += other.talk_s
        self.outcomes.update(other.outcomes)
        self.offered_over_speech += other.offered_over_speech
        self.together += other.together
        self.critical_over_speech += other.critical_over_speech
        for name in ("over", "lost", "twice", "broken"):
            getattr(self, name).extend(getattr(other, name))


class Scene:
    """One conversation, made from its seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = random = Random(seed)
        self._talk = Conversing(
            TurnPolicy(create_response=random.random() < 0.9),
            recognition_ms=random.choice((10, 40, 120, 400)),
            answer_ms=random.choice((20, 80, 300, 900)),
            claim_ms=random.choice((1, 5, 50, 300)),
        )
        self._speech: list[tuple[float, float]] = []
        self._priorities: dict[str, Priority] = {}
        self._offered_over_speech = 0

    def run(self, tally: Tally, seed: int) -> None:
        """Plays it to its end and counts."""
        for _ in range(self._random.randint(3, 7)):
            self._step()
        self._talk.silence(SETTLING_MS)
        self._talk.closes()
        self._count(tally, seed)

    def _step(self) -> None:
        talk, random = self._talk, self._random
        for _ in range(random.choice((0, 0, 1, 1, 2))):
            talk.later(random.uniform(0, 3000), self._offer)
        match random.choices(("says", "coughs", "pauses", "is away", "asks"), (6, 1, 3, 1, 1))[0]:
            case "says":
                ms = random.randint(200, 3500)
                self._sounds(ms)
                talk.user_says(random.choice(WORDS), ms, random.choice(tuple(Completeness)))
                talk.silence(random.choice((100, 250, 500, 900, 1800)))
            case "coughs":
                ms = random.randint(64, 320)
                self._sounds(ms)
                talk.user_coughs(ms)
            case "pauses":
                talk.silence(random.randint(100, 4000))
            case "is away":
                talk.no_audio(random.randint(100, 2500))
            case "asks":
                talk.requests_response()

    def _sounds(self, ms: int) -> None:
        begins = self._talk.now
        self._speech.append((begins, begins + round(ms / FRAME_MS) * FRAME_MS / 1000))

    def _offer(self) -> None:
        random = self._random
        name = f"p{len(self._priorities)}"
        priority = random.choices(tuple(Priority), (2, 4, 3, 1))[0]
        self._priorities[name] = priority
        self._offered_over_speech += self._spoken_for(self._talk.now) is not None
        self._talk.offer(
            name,
            *(f"This is part {part} of {name}." for part in range(random.randint(1, 3))),
            priority=priority,
            expires_in=random.choice((2.0, 10.0, 60.0)),
            on_barge_in=random.choice(tuple(OnBargeIn)),
        )

    def _spoken_for(self, at: float) -> float | None:
        """For how many ms the person had been speaking then; None if they were not."""
        return next(((at - a) * 1000 for a, b in self._speech if a <= at < b), None)

    def _count(self, tally: Tally, seed: int) -> None:
        talk = self._talk
        tally.conversations += 1
        tally.prompts += len(self._priorities)
        tally.talk_s += talk.now
        tally.offered_over_speech += self._offered_over_speech
        for at, name in talk.prompts_begun:
            spoken = self._spoken_for(at)
            if spoken is None:
                continue
            if spoken < NOTICED_MS:
                tally.together += 1
            elif self._priorities[name] is Priority.CRITICAL:
                tally.critical_over_speech += 1
            else:
                tally.over.append(seed)
        tally.outcomes.update(talk.reports.values())
        reported = Counter(each.prompt_id for each in talk.rules.reports)
        if set(reported) != set(self._priorities):
            tally.lost.append(seed)
        if any(count > 1 for count in reported.values()):
            tally.twice.append(seed)


def batch(seeds: Sequence[int]) -> Tally:
    """Runs the conversations of these seeds."""
    tally = Tally()
    for seed in seeds:
        try:
            Scene(seed).run(tally, seed)
        except AssertionError:  # a rule of tests/support/floor_rules.py
            tally.broken.append(seed)
    return tally


def batches(first: int, count: int) -> Iterator[range]:
    """The seeds, in pieces for workers."""
    for begin in range(first, first + count, BATCH):
        yield range(begin, min(begin + BATCH, first + count))


def figures(tally: Tally) -> Figures:
    """What is reported. Lists of seeds are cut to the first ten."""
    return {
        "conversations": tally.conversations,
        "hours_of_talk": round(tally.talk_s / 3600, 1),
        "prompts": tally.prompts,
        "offered_while_the_person_spoke": tally.offered_over_speech,
        "begun_over_a_speaking_person": len(tally.over),
        "begun_together_with_the_person": tally.together,
        "critical_begun_over_speech_by_rule": tally.critical_over_speech,
        "without_an_end": len(tally.lost),
        "with_two_ends": len(tally.twice),
        "rules_broken": len(tally.broken),
        "outcomes": dict(sorted(tally.outcomes.items())),
        "seeds_to_look_at": {
            "over": tally.over[:10],
            "lost": tally.lost[:10],
            "twice": tally.twice[:10],
            "broken": tally.broken[:10],
        },
    }


def main() -> None:
    """Prints the figures; the exit status is 1 if a prompt was begun over a person, or lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--conversations", type=int, default=100_000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, help="of the first one", metavar="N")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count(), metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    tally, began = Tally(), time.monotonic()
    with multiprocessing.get_context("spawn").Pool(arguments.workers) as pool:
        pieces = batches(arguments.seed, arguments.conversations)
        for part in pool.imap_unordered(batch, pieces):
            before = tally.conversations // 5000
            tally.add(part)
            if tally.conversations // 5000 > before:
                say(f"  {tally.conversations} conversations, {time.monotonic() - began:.0f} s")
    results = figures(tally)
    print(json.dumps(results, indent=1))
    report(results, arguments.json, None)
    if tally.over or tally.lost or tally.twice or tally.broken:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
