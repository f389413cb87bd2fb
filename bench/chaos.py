"""Prompts under fire: instances, scheduler and broker die, Redis pauses. Is anything lost or said
twice?

    bench/chaos.py --json bench/results/chaos.json     (about 17 minutes)
    bench/chaos.py --prompts 500 --people 24 --bus redis

Two instances, a scheduler of its own, one Redis, a real RocketMQ. People are clients that sit in
silence and connect to the other instance when theirs is gone. Events are posted until one instance
accepts them. Every few seconds something is killed with -9 and started again, or Redis is stopped
for a while. In the end each prompt is judged by what the clients' ears contain: lost if not heard
to 80 % anywhere; said twice if it was audible once more without "in case you missed it".
"""

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx
import orjson

from bench.bus_brokers import RocketMQProcess
from bench.figures import Figures, summary
from bench.metronome import Metronome
from bench.options import parser, report, run, say
from bench.outreach import RULE
from bench.realtime_client import NoEventError, RealtimeClient
from bench.server_under_test import (
    OVERTURE,
    ROOT,
    NoServerError,
    ServerUnderTest,
    free_port,
    launch,
    ready,
    stop,
)
from bench.text_socket import ConnectionFailedError
from sessions.ending import end

HEARD_SHARE = 0.8
AUDIBLE_PLAY = 0.2
"""Seconds of a prompt's audio that a person notices."""
MISSED = "in case you missed it"
EACH = (3.0, 7.0)
"""Seconds between two blows."""
REDIS_PAUSE = (0.3, 2.5)
LAST_WAIT = 180.0
"""Seconds after the last blow in which everything is to be heard."""


@dataclass(frozen=True, slots=True)
class Play:
    """A prompt as one client's ear has it. at: client's clock."""

    outreach: str
    at: float
    seconds: float
    whole: bool
    again: bool


@dataclass
class Process:
    """A program that is killed and started again. name: as the report has it."""

    name: str
    start: Callable[[], Awaitable[subprocess.Popen[bytes]]]
    running: subprocess.Popen[bytes] | None = None
    kills: int = 0

    async def up(self) -> None:
        """Starts it; returns when it is ready."""
        self.running = await self.start()

    async def blow(self) -> None:
        """Kills it at once and starts it again."""
        if self.running is None:
            return
        self.running.kill()
        self.running.wait()
        self.running, self.kills = None, self.kills + 1
        while self.running is None:
            with suppress(NoServerError):
                await self.up()

    def down(self) -> None:
        """Ends it."""
        if self.running is not None:
            stop(self.running)


@dataclass
class Person:
    """Somebody at a page, who connects again wherever a server answers."""

    number: int
    bases: list[str]
    metronome: Metronome
    plays: list[Play] = field(default_factory=list)
    connections: int = 0
    client: RealtimeClient | None = None

    @property
    def user(self) -> str:
        """Who they are."""
        return f"chaos-{self.number}"

    async def live(self) -> None:
        """Until cancelled."""
        turn = self.number
        while True:
            turn += 1
            target = ServerUnderTest(self.bases[turn % len(self.bases)], None).target(self.user)
            client = RealtimeClient(self.metronome, sends_audio=False)
            client.ear = type(client.ear)(memory=3600.0)
            try:
                await client.connect(target)
            except (ConnectionFailedError, NoEventError, OSError):
                await client.aclose()
                await asyncio.sleep(0.2)
                continue
            self.connections += 1
            self.client = client
            try:
                await until_closed(client)
            finally:
                self.note(client)
                self.client = None
                await client.aclose()

    def note(self, client: RealtimeClient) -> None:
        """Keeps what this connection's ear has of prompts."""
        self.plays += plays_of(client)

    def all_plays(self) -> list[Play]:
        """Those of ended connections, and so far of the open one."""
        return self.plays + (plays_of(self.client) if self.client is not None else [])


async def until_closed(client: RealtimeClient) -> None:
    """Returns when its server has hung up, or died."""
    while client.is_open:
        with suppress(NoEventError):
            await client.until(lambda: not client.is_open, 0.1, "end")


def plays_of(client: RealtimeClient) -> list[Play]:
    """The audible plays of prompts in a client's ear."""
    ear, now = client.ear, time.monotonic()
    plays = []
    for response in client.log.responses.values():
        at = ear.first_audible_of(response.id) if response.outreach else None
        if at is None:
            continue
        seconds = min(ear.heard_seconds(response.id), max(0.0, now - at))
        done = response.done_at is not None and response.status == "completed"
        plays.append(
            Play(
                response.outreach,
                at,
                seconds,
                done and seconds >= HEARD_SHARE * ear.arrived_seconds(response.id),
                MISSED in response.text.lower(),
            )
        )
    return plays


@dataclass
class Stage:
    """Everything that runs."""

    folder: Path
    bus: str
    redis_port: int = field(default_factory=free_port)
    broker: RocketMQProcess = field(default_factory=RocketMQProcess)
    ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))

    @property
    def bases(self) -> list[str]:
        """Addresses of the two instances."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def environment(self, name: str) -> dict[str, str]:
        """Of one of our processes."""
        return os.environ | {
            "OVERTURE_HOST": "127.0.0.1",
            "OVERTURE_DATA_DIR": str(self.folder / name),
            "OVERTURE_REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "OVERTURE_BUS": self.broker.url if self.bus == "rocketmq" else "redis",
            "OVERTURE_RECOGNIZER": "scripted",
            "OVERTURE_SCHEDULER": "off",
            "OVERTURE_MAX_SESSIONS": "500",
            "OVERTURE_JOURNAL_DAYS": "0",
            "OVERTURE_LOG_LEVEL": "warning",
        }

    def agent(self) -> str:
        """The café with the bench's rule alone, and without its greeting."""
        agent = self.folder / "cafe"
        if not agent.exists():
            shutil.copytree(ROOT / "agents/cafe", agent)
            shutil.rmtree(agent / "outreach", ignore_errors=True)
            (agent / "outreach").mkdir()
            # Nobody is greeted each time their instance dies: that is half of a minute's talk.
            settings = (agent / "agent.yaml").read_text().splitlines(keepends=True)
            kept = [line for line in settings if not line.startswith("greeting:")]
            (agent / "agent.yaml").write_text("".join(kept))
            rule = RULE.replace("ttl: 30s", "ttl: 2h, attempts: 10")
            (agent / "outreach/bench.yaml").write_text(rule.replace("drop", "wait"))
        return str(agent)

    async def instance(self, number: int) -> subprocess.Popen[bytes]:
        """One of the two servers, ready."""
        name = f"instance{number}"
        environment = self.environment(name) | {"OVERTURE_PORT": str(self.ports[number])}
        log = self.folder / f"{name}-{time.monotonic_ns()}.log"
        process = launch([*OVERTURE, "serve", self.agent()], environment, log)
        try:
            await ready(self.bases[number], process, log)
        except BaseException:  # cut off while it starts, too
            stop(process)
            raise
        return process

    async def scheduler(self) -> subprocess.Popen[bytes]:
        """The scheduler by itself; it is not waited for."""
        log = self.folder / f"scheduler-{time.monotonic_ns()}.log"
        command = [*OVERTURE, "scheduler", self.agent()]
        return launch(command, self.environment("scheduler"), log)

    async def redis(self) -> subprocess.Popen[bytes]:
        """A Redis that keeps everything."""
        folder = self.folder / "redis"
        folder.mkdir(exist_ok=True)
        options = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(folder)]
        log = folder / "redis.log"
        process = launch(["redis-server", *options, "--appendonly", "yes"], dict(os.environ), log)
        for _ in range(100):
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.redis_port)
                writer.close()
                return process
            await asyncio.sleep(0.05)
        raise NoServerError("redis-server did not start")


@dataclass
class Blows:
    """What was done, how often."""

    counts: Counter[str] = field(default_factory=Counter)
    ended: bool = False

    async def deal(self, random: Random, ways: dict[str, Callable[[], Awaitable[None]]]) -> None:
        """One after the other until `ended`."""
        names = sorted(ways)
        while not self.ended:
            await asyncio.sleep(random.uniform(*EACH))
            name = random.choice(names)
            self.counts[name] += 1
            await ways[name]()


async def pause(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Stops a process for so long."""
    process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        process.send_signal(signal.SIGCONT)


async def post(stage: Stage, order: int, user: str, random: Random) -> str:
    """Posts an event until it is accepted; its prompt is found by what is heard. Its id."""
    event = {
        "id": f"chaos-{order}",
        "type": "bench.ready",
        "user": user,
        "data": {"number": str(order % 100)},
    }
    async with httpx.AsyncClient(timeout=3) as http:
        while True:
            # anyio stumbles over a socket that was closed right after it was opened.
            with suppress(httpx.HTTPError, AttributeError):
                answer = await http.post(f"{random.choice(stage.bases)}/v1/events", json=event)
                if answer.status_code == 202:
                    return str(event["id"])
                if answer.status_code < 500:
                    raise NoServerError(f"/v1/events: {answer.status_code} {answer.text[:300]}")
            await asyncio.sleep(0.2)


async def measure(stage: Stage, arguments: argparse.Namespace) -> Figures:
    """Everything up, the blows, the judgement."""
    random = Random(arguments.seed)
    async with AsyncExitStack() as stack:
        redis = Process("redis", stage.redis)
        await redis.up()
        stack.callback(redis.down)
        stack.push_async_callback(stage.broker.remove)
        if stage.bus == "rocketmq":
            await stage.broker.start()
        processes = [
            Process("instance 1", lambda: stage.instance(0)),
            Process("instance 2", lambda: stage.instance(1)),
            Process("scheduler", stage.scheduler),
        ]
        for process in processes:
            await process.up()
            stack.callback(process.down)
        metronome = await stack.enter_async_context(Metronome())
        people = [Person(i, stage.bases, metronome) for i in range(arguments.people)]
        living = [asyncio.create_task(person.live()) for person in people]
        stack.push_async_callback(end, *living)
        blows = Blows()

        async def broker_blow() -> None:
            await stage.broker.kill()
            await stage.broker.start()

        async def redis_pause() -> None:
            assert redis.running is not None
            await pause(redis.running, random.uniform(*REDIS_PAUSE))

        ways: dict[str, Callable[[], Awaitable[None]]] = {p.name: p.blow for p in processes}
        ways["redis paused"] = redis_pause
        if stage.bus == "rocketmq":
            ways["broker"] = broker_blow
        dealing = asyncio.create_task(blows.deal(random, ways))
        stack.push_async_callback(end, dealing)
        posted = await post_all(stage, people, arguments, random)
        blows.ended = True
        await dealing
        say(f"all posted; blows so far: {dict(blows.counts)}")
        await until_heard(people, len(posted))
        await end(*living)
        plays = [play for person in people for play in person.plays]
        (stage.folder / "plays.json").write_bytes(orjson.dumps(plays))
        return judged(plays, len(posted)) | {
            "blows": dict(blows.counts),
            "connections": sum(person.connections for person in people),
        }


async def post_all(
    stage: Stage, people: list[Person], arguments: argparse.Namespace, random: Random
) -> list[str]:
    """Every event, at a pace at which nobody's prompts pile up."""
    posted: list[str] = []
    pace = asyncio.Semaphore(32)
    began = time.monotonic()

    async def one(order: int) -> None:
        try:
            posted.append(await post(stage, order, people[order % len(people)].user, random))
        finally:
            pace.release()

    async with asyncio.TaskGroup() as group:
        for order in range(arguments.prompts):
            due = began + order * arguments.every / len(people)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await pace.acquire()
            group.create_task(one(order))
            if order % 500 == 499:
                heard = len({p.outreach for each in people for p in each.all_plays() if p.whole})
                say(f"  {order + 1} posted, {heard} heard, {time.monotonic() - began:.0f} s")
    return posted


async def until_heard(people: list[Person], count: int) -> None:
    """Waits until so many prompts were heard whole, or nothing new was for LAST_WAIT."""
    best, since = -1, time.monotonic()
    while time.monotonic() < since + LAST_WAIT:
        heard = len({p.outreach for each in people for p in each.all_plays() if p.whole})
        if heard >= count:
            await asyncio.sleep(5.0)  # for one that comes twice
            return
        if heard > best:
            best, since = heard, time.monotonic()
        await asyncio.sleep(1.0)


def judged(plays: list[Play], posted: int) -> Figures:
    """By the ears alone."""
    by_prompt: dict[str, list[Play]] = {}
    for play in sorted(plays, key=lambda p: p.at):
        if play.seconds >= AUDIBLE_PLAY or play.whole:
            by_prompt.setdefault(play.outreach, []).append(play)
    whole = {name for name, each in by_prompt.items() if any(p.whole for p in each)}
    twice = [name for name, each in by_prompt.items() if any(not p.again for p in each[1:])]
    return {
        "prompts": posted,
        "heard": len(whole),
        "lost": posted - len(whole),
        "said_again_with_the_words": sum(
            any(p.again for p in each[1:]) for each in by_prompt.values()
        ),
        "heard_twice_without_the_words": len(twice),
        "plays_per_prompt": summary([float(len(each)) for each in by_prompt.values()]),
        "heard_in_part": sorted(set(by_prompt) - whole)[:20],
        "to_look_at": twice[:20],
    }


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes the judgement; the exit status is 1 if anything was lost or doubled."""
    with tempfile.TemporaryDirectory(prefix="overture-chaos-") as folder:
        try:
            figures = await measure(Stage(Path(folder), arguments.bus), arguments)
        finally:
            if arguments.keep:
                shutil.copytree(folder, arguments.keep, dirs_exist_ok=True)
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):32} {value}")
    report(figures, arguments.json, arguments.compare)
    if figures["lost"] or figures["heard_twice_without_the_words"]:
        raise SystemExit(1)


if __name__ == "__main__":
    options = parser(__doc__, chooses_server=False)
    options.add_argument("--bus", choices=("rocketmq", "redis"), default="rocketmq")
    options.add_argument("--prompts", type=int, default=10_000)
    options.add_argument("--people", type=int, default=100)
    options.add_argument(
        "--every", type=float, default=8.0, help="seconds a person's prompts are apart"
    )
    options.add_argument("--seed", type=int, default=0)
    options.add_argument(
        "--keep", type=Path, metavar="DIR", help="copies logs, Redis and plays there"
    )
    run(main, options.parse_args())
