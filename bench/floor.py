"""The floor, judged from the audio at the client's ear and mouth.

    bench/floor.py --json bench/results/floor.json                    (about 20 minutes)
    bench/floor.py --only talk --conversations 200
    bench/floor.py --only overlap --times 20
    bench/floor.py --server other --url https://HOST --model NAME     (any Realtime server)

talk: prompts offered at random moments of talk made from recordings (bench/floor_talk.py).
overlap: the four scenes of Full-Duplex-Bench v1.5 (bench/overlap.py).
Simulated talk, 100,000 conversations of it, is bench/floor_simulated.py.
"""

import argparse
import tempfile
from pathlib import Path

from bench.figures import Figures, percentiles
from bench.floor_talk import OFFERS, RESPONSE
from bench.floor_talk import measure as measure_talk
from bench.options import add_wire, parser, report, run, say
from bench.outreach import agent_with_rule
from bench.overlap import SCENES
from bench.overlap import measure as measure_overlap
from bench.recordings import load
from bench.server_under_test import ServerUnderTest, found, server
from voice.synthesizers.flite import FliteSynthesizer


async def talk(arguments: argparse.Namespace, under_test: ServerUnderTest) -> Figures:
    """Prompts in talk; prints what counts."""
    other = under_test.other
    figures = await measure_talk(
        under_test,
        load(arguments.data),
        conversations=arguments.conversations,
        offer=RESPONSE if other else arguments.offer,
        scripted=not other and arguments.recognizer == "scripted",
        parallel=arguments.parallel,
        seed=arguments.seed,
    )
    for name in (
        "conversations",
        "prompts",
        "offered_while_the_person_spoke",
        "begun_over_a_speaking_person",
        "begun_together_with_the_person",
        "heard",
        "never_begun",
        "begun_but_not_heard",
        "heard_twice",
        "interrupted_and_gone_on",
    ):
        print(f"{name.replace('_', ' '):34} {figures[name]}")
    for name in ("waited_s", "gap_before_s", "gap_after_s"):
        p = figures[name]
        print(f"{name:34} p50 {p.get('p50')}  p95 {p.get('p95')}  max {p.get('max')}")
    return figures


async def overlap(arguments: argparse.Namespace, under_test: ServerUnderTest) -> Figures:
    """The four scenes; prints a line for each."""
    synthesizer = FliteSynthesizer()
    await synthesizer.start()
    try:
        figures = await measure_overlap(
            under_test,
            load(arguments.data),
            synthesizer,
            times=arguments.times,
            seed=arguments.seed,
        )
    finally:
        await synthesizer.aclose()
    for scene in SCENES:
        each = figures[scene]
        print(
            f"{scene:24} yielded {each['yielded']:3} of {each['answers']:3}  "
            f"stop {percentiles(each['stop_ms'])}  response {percentiles(each['response_ms'])}"
        )
    return figures


PARTS = {"talk": talk, "overlap": overlap}


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes what was judged."""
    results: Figures = {}
    for name in arguments.only or PARTS:
        say(name)
        if arguments.url:
            other = arguments.server == "other"
            under_test = found(arguments.url, model=arguments.model or "cafe", other=other)
            results[name] = await PARTS[name](arguments, under_test)
            continue
        # What overlaps is told apart by its words, so that part hears them by itself.
        recognizer = "embedded" if name == "overlap" else arguments.recognizer
        with tempfile.TemporaryDirectory(prefix="overture-bench-agent-") as folder:
            agent = str(agent_with_rule(Path(folder)))
            async with server(None, recognizer, agent=agent) as under_test:
                results[name] = await PARTS[name](arguments, under_test)
    report(results, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__)
    add_wire(options)
    options.add_argument("--only", nargs="+", choices=tuple(PARTS))
    options.add_argument("--offer", choices=OFFERS, default=OFFERS[0])
    options.add_argument("--conversations", type=int, default=200)
    options.add_argument("--parallel", type=int, default=14)
    options.add_argument("--times", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    run(main, options.parse_args())
