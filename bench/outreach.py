"""From an event to the ear: how long until a person hears what an event is about?

    bench/outreach.py --json bench/results/outreach.json
    bench/outreach.py --bus redis --sessions 1 8 16 --prompts 100
    bench/outreach.py --bus rocketmq --broker rocketmq://127.0.0.1:8081

Clients sit in silence with their microphones open. One after another gets an event by
`POST /v1/events`, which a rule answers with a sentence. The clock runs from the moment before the
request is sent to the first audible sample (bench/ear.py) at the client, so accepting the event,
the rules, the policy, the ledger, the bus, delivery, synthesis and the network are in it. Each
sentence is new, so nothing of its audio is known beforehand.
"""

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from bench.figures import Figures, percentiles, summary
from bench.metronome import Metronome
from bench.options import parser, report, run, say
from bench.realtime_client import NoEventError, RealtimeClient
from bench.server_under_test import ROOT, NoServerError, ServerUnderTest, server
from bench.turn import ANSWER_LIMIT

RULE = """\
rules:
  - name: bench_order_ready
    description: What bench/outreach.py sends events for.
    status: live
    purpose: orders
    trigger: {event: bench.ready}
    say: "Order {event.data.number} is ready."
    reason: You wait for it.
    delivery: {priority: normal, on_barge_in: resume, offline: drop}
    policy: {ttl: 30s}
"""
HEARD_LIMIT = 10.0
"""Seconds in which a prompt must be heard, else it counts as lost."""
REST = 1.0
"""Seconds of silence at a client between two prompts: more than a normal one asks for."""
BUSES = ("redis", "memory", "rocketmq")


async def measure(under_test: ServerUnderTest, sessions: int, prompts: int) -> Figures:
    """Latencies of `prompts` prompts over so many live sessions; raises NoEventError."""
    latencies: list[float] = []
    accepted: list[float] = []
    lost = 0
    turn = asyncio.Lock()
    async with (
        Metronome() as metronome,
        httpx.AsyncClient(base_url=under_test.base, timeout=5) as http,
    ):
        clients = [RealtimeClient(metronome) for _ in range(sessions)]
        for number, client in enumerate(clients):
            await client.connect(under_test.target(f"bench-{number}"))
        await asyncio.gather(*(client.quiet(ANSWER_LIMIT) for client in clients))

        async def one(number: int, client: RealtimeClient, order: int) -> None:
            nonlocal lost
            event = {
                "type": "bench.ready",
                "user": f"bench-{number}",
                "data": {"number": str(1000 + order)},
            }
            async with turn:  # so that one prompt's latency is not another's queue
                began = time.monotonic()
                answer = await http.post("/v1/events", json=event)
                accepted.append((time.monotonic() - began) * 1000)
                if answer.status_code != 202:
                    raise NoServerError(f"/v1/events: {answer.status_code} {answer.text[:300]}")
                try:
                    heard = await client.first_audible(began, HEARD_LIMIT)
                except NoEventError:
                    lost += 1
                    return
                latencies.append((heard - began) * 1000)
            await client.quiet(ANSWER_LIMIT)
            await asyncio.sleep(REST)

        async def person(number: int, client: RealtimeClient) -> None:
            await asyncio.sleep(REST)
            for order in range(number, prompts, sessions):
                await one(number, client, order)

        # The first is the warm-up's: lazy imports and caches are in it.
        await one(0, clients[0], prompts)
        latencies.clear()
        accepted.clear()
        await asyncio.gather(*(person(i, client) for i, client in enumerate(clients)))
        await asyncio.gather(*(client.aclose() for client in clients))
    return {"event_to_ear_ms": summary(latencies), "accept_ms": summary(accepted), "lost": lost}


def agent_with_rule(folder: Path) -> Path:
    """The café with the bench's rule alone."""
    agent = folder / "cafe"
    shutil.copytree(ROOT / "agents/cafe", agent)
    rules = agent / "outreach"
    shutil.rmtree(rules, ignore_errors=True)
    rules.mkdir()
    (rules / "bench.yaml").write_text(RULE)
    return agent


def settings_of(bus: str, broker: str) -> Mapping[str, str]:
    """The server's environment for a bus."""
    return {"OVERTURE_BUS": broker if bus == "rocketmq" else bus}


async def main(arguments: argparse.Namespace) -> None:
    """Prints a line for each bus and number of sessions."""
    results: Figures = {}
    buses: Sequence[str] = arguments.bus or [b for b in BUSES if b != "rocketmq"]
    for bus in buses:
        results[bus] = {}
        with tempfile.TemporaryDirectory(prefix="overture-bench-agent-") as folder:
            agent = agent_with_rule(Path(folder))
            async with server(
                arguments.url,
                arguments.recognizer,
                agent=str(agent),
                settings=settings_of(bus, arguments.broker),
            ) as under_test:
                for sessions in arguments.sessions:
                    say(f"{bus}, {sessions} sessions")
                    figures = await measure(under_test, sessions, arguments.prompts)
                    results[bus][f"sessions_{sessions}"] = figures
                    print(
                        f"{bus:9} {sessions:3} sessions  "
                        f"{percentiles(figures['event_to_ear_ms'])} ms  lost {figures['lost']}"
                    )
    report(results, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--bus", nargs="+", choices=BUSES)
    options.add_argument("--broker", default="rocketmq://127.0.0.1:8081", metavar="URL")
    options.add_argument("--sessions", nargs="+", type=int, default=[1, 8, 16])
    options.add_argument("--prompts", type=int, default=100)
    run(main, options.parse_args())
