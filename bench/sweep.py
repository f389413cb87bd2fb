"""How long one sweep takes: 1,000 rules over 1,000 live sessions, 2 % of the pairs matching.

    python -m bench.sweep [--rules 1000] [--sessions 1000] [--share 0.02] [--repeats 20]

One core. What is timed is what the scheduler does each time: from the sessions' cards to the list
of matches, with nothing kept between two sweeps but the compiled rules. The first sweep, which
still prepares them, is given by itself.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.options import report
from scheduler.index import RuleIndex
from scheduler.rules import Rule

MUST_S, AIM_S = 1.0, 0.3
NOW = 1_790_000_000.0
TIERS = ("bronze", "silver", "gold", "none")
CITIES = tuple(f"city{number}" for number in range(25))


def rules(count: int, share: float, chance: random.Random) -> list[Rule]:
    """Rules of which each holds in about `share` of the sessions, with four kinds of conditions."""
    made = []
    for number in range(count):
        few = share * len(CITIES)  # of those in one city
        city = chance.choice(CITIES)
        quiet = 300 * (1 - few)
        conditions = (
            f'user.attributes.city == "{city}" && session.quiet_s > {quiet:.1f}',
            f'session.quiet_s > {quiet:.1f} && user.attributes.city == "{city}"'
            " && session.turns >= 0",
            f'user.attributes.visits >= {1000 * (1 - share):.0f} && session.form != "other"',
            f'(user.attributes.city in ["{city}"]) && session.quiet_s > {quiet:.1f}'
            " && user.attributes.visits >= 0",
        )
        # The last kind has no plain comparison with the city: CEL sees many more of its sessions.
        condition = conditions[min(number % 20, 3) if number % 20 < 4 else number % 3]
        made.append(
            Rule.model_validate(
                {
                    "name": f"rule_{number}",
                    "status": "live",
                    "trigger": {"idle": "5s"},
                    "when": condition,
                    "say": "Hello.",
                }
            )
        )
    return made


def sessions(
    count: int, chance: random.Random
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Cards and people, as plain values."""
    cards, people = [], {}
    for number in range(count):
        user = f"user{number}"
        quiet = chance.uniform(0, 300)
        cards.append(
            {
                "session": f"sess_{number}",
                "user": user,
                "transport": "websocket",
                "since": NOW - 600,
                "active": NOW - quiet,
                "floor": "idle",
                "turns": chance.randrange(20),
                "last_intent": chance.choice(("orderDrink", "greeting", "")),
                "form": chance.choice(("orderDrink", "")),
                "time_zone": "Europe/London",
                "text_only": False,
            }
        )
        people[user] = {
            "name": f"N{number}",
            "time_zone": "Europe/London",
            "attributes": {
                "city": chance.choice(CITIES),
                "tier": chance.choice(TIERS),
                "visits": chance.randrange(1000),
            },
        }
    return cards, people


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures; 1 if the slowest sweep took longer than it must."""
    parser = argparse.ArgumentParser(prog="python -m bench.sweep", description=__doc__)
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", type=Path, metavar="OUT", help="write everything there")
    given = parser.parse_args(arguments)
    chance = random.Random(5)
    index = RuleIndex(rules(given.rules, given.share, chance))
    cards, people = sessions(given.sessions, chance)
    took: list[float] = []
    worked: list[float] = []
    found = 0
    for _ in range(given.repeats + 1):
        began, began_work = time.perf_counter(), time.process_time()
        found = len(index.sweep(cards, NOW, people=people))
        took.append(time.perf_counter() - began)
        worked.append(time.process_time() - began_work)
    first, later = took[0], took[1:]
    share = found / (given.rules * given.sessions)
    print(
        f"{given.rules} rules over {given.sessions} sessions, {found} matches ({share:.1%}), "
        f"{given.repeats} sweeps on one core:"
    )
    print(f"  p50 {statistics.median(later) * 1000:.0f} ms, max {max(later) * 1000:.0f} ms", end="")
    print(f", the first {first * 1000:.0f} ms", end="")
    print(f"; CPU p50 {statistics.median(worked[1:]) * 1000:.0f} ms", end="")
    print(f"   (must {MUST_S:.1f} s, aim {AIM_S:.1f} s)")
    report(
        {
            "matches": found,
            "sweep_s": {
                "first": round(first, 4),
                "p50": round(statistics.median(later), 4),
                "max": round(max(took), 4),
                "cpu_p50": round(statistics.median(worked[1:]), 4),
            },
        },
        given.json,
        None,
    )
    return int(max(took) > MUST_S)


if __name__ == "__main__":
    sys.exit(main())
