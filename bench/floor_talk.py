"""Prompts offered at random moments of talk, judged from the audio at the client's ear and mouth.

The person plays recorded orders in real time, waits, goes on, sometimes speaks over the answer;
meanwhile prompts of every kind are offered. How a prompt is offered is the server's own way:
`outreach` posts it to Overture; `response.create` is what an app does on any server of the
protocol: it asks for a response with the words.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from random import Random
from typing import TypeAlias

import httpx

from bench.figures import Figures, summary
from bench.metronome import Metronome
from bench.options import say
from bench.realtime_client import NoEventError, RealtimeClient, Response
from bench.recordings import Recording
from bench.server_under_test import NoServerError, ServerUnderTest
from bench.turn import ANSWER_LIMIT, give_script
from bench.voice_stretches import stretches

NOTICED = 0.15
"""Seconds of voice, as far as it has left the microphone, after which a listener knows of it. What
begins within them began together with the person."""
HEARD_SHARE = 0.8
MISSED = "in case you missed it"
FINISHING = 30.0
"""Seconds of silence in the end in which every prompt is to be heard."""

Offer: TypeAlias = Callable[[RealtimeClient, str, str, str], Awaitable[str]]
"""(client, user, text, priority) to the prompt's id."""


def by_outreach(http: httpx.AsyncClient) -> Offer:
    """POST /v1/outreach."""

    async def offer(_: RealtimeClient, user: str, text: str, priority: str) -> str:
        body = {"user": user, "say": text, "priority": priority, "ttl_s": 120, "attempts": 5}
        answer = await http.post("/v1/outreach", json=body)
        if answer.status_code != 202:
            raise NoServerError(f"/v1/outreach: {answer.status_code} {answer.text[:300]}")
        name: str = answer.json()["id"]
        return name

    return offer


async def by_response(client: RealtimeClient, _: str, text: str, __: str) -> str:
    """`response.create`, as an app would on a server that knows no prompts."""
    name = f"app_{time.monotonic_ns()}"
    response = {"instructions": f'Say exactly: "{text}"', "metadata": {"outreach_id": name}}
    client.send({"type": "response.create", "response": response})
    return name


@dataclass(frozen=True, slots=True)
class Judged:
    """One prompt as it was heard. Times in seconds on the client's clock.

    over: its first sample sounded while the person had been speaking for NOTICED. together: it
    began within the first moments of their speech. twice: heard whole again without the words.
    spoken_s: for how long the person had been speaking when it began over them, or with them.
    gap_before: silence before it since anybody's voice. gap_after: until anybody's voice.
    """

    conversation: int
    priority: str
    offered_over_speech: bool
    heard: bool
    begun: int
    over: bool
    together: bool
    twice: bool
    waited: float | None = None
    spoken_s: float | None = None
    gap_before: float | None = None
    gap_after: float | None = None


@dataclass(slots=True)
class _Offered:
    name: str
    priority: str
    at: float


@dataclass(slots=True)
class Conversation:
    """One person's talk. mouth: when their voice sounded."""

    number: int
    client: RealtimeClient
    random: Random
    mouth: list[tuple[float, float]] = field(default_factory=list)
    onsets: list[int] = field(default_factory=list)
    offered: list[_Offered] = field(default_factory=list)

    async def talk(self, recordings: Sequence[Recording], offer: Offer, *, scripted: bool) -> None:
        """Speaks each recording, with prompts offered meanwhile, and waits for them."""
        await self.client.quiet(ANSWER_LIMIT)
        for recording in recordings:
            offers = asyncio.create_task(self._offers(offer))
            await self._speak(recording, scripted=scripted)
            await offers
        with suppress(NoEventError):  # what is missing then is judged
            await self.client.until(self._all_heard, FINISHING, "prompts")
            await self.client.quiet(ANSWER_LIMIT)
        await asyncio.sleep(1.0)  # for one that comes twice

    async def _offers(self, offer: Offer) -> None:
        for _ in range(self.random.choice((1, 1, 2))):
            await asyncio.sleep(self.random.uniform(0.0, 2.5))
            priority = self.random.choice(("low", "normal", "normal", "high"))
            if priority == "low" and sum(each.priority == "low" for each in self.offered) >= 2:
                priority = "normal"  # rule 8: of more without an answer none is said
            text = f"Notice {self.number} {len(self.offered) + 1}, your tea is ready."
            at = time.monotonic()
            name = await offer(self.client, f"floor-{self.number}", text, priority)
            self.offered.append(_Offered(name, priority, at))

    async def _speak(self, recording: Recording, *, scripted: bool) -> None:
        client = self.client
        start = client.microphone.play(recording.samples)
        if scripted:
            give_script(client, recording, start)
        voice = [
            (max(first, recording.first), min(last, recording.last))
            for first, last in stretches(recording.samples)
            if last > recording.first and first < recording.last
        ]
        self.mouth += [(client.time_of(start + a), client.time_of(start + b)) for a, b in voice]
        self.onsets += [start + first for first, _ in voice]
        over = client.time_of(start + len(recording.samples))
        await asyncio.sleep(max(0.0, over - time.monotonic()))
        if self.random.random() < 0.3:  # goes on at once, perhaps over the answer
            await asyncio.sleep(self.random.uniform(0.1, 2.0))
            return
        try:
            await client.first_audible(over, 4.0)
            await client.quiet(ANSWER_LIMIT)
        except NoEventError:
            pass
        await asyncio.sleep(self.random.uniform(0.2, 3.0))

    def _all_heard(self) -> bool:
        return all(self._share(self._responses(each.name)) >= HEARD_SHARE for each in self.offered)

    def _responses(self, name: str) -> list[Response]:
        return [r for r in self.client.log.responses.values() if r.outreach == name]

    def _share(self, responses: Sequence[Response]) -> float:
        """Of the prompt's audio that was heard, all its pieces taken together."""
        ear = self.client.ear
        whole = max((ear.arrived_seconds(r.id) for r in responses), default=0.0)
        return sum(ear.heard_seconds(r.id) for r in responses) / whole if whole else 0.0

    def judged(self) -> list[Judged]:
        """What became of each prompt."""
        return [self._judge(each) for each in self.offered]

    def _judge(self, offered: _Offered) -> Judged:
        ear = self.client.ear
        responses = self._responses(offered.name)
        begun = [(at, r) for r in responses if (at := ear.first_audible_of(r.id)) is not None]
        spoken = [
            at - min(at, self.client.left_at(onset))
            for at, _ in begun
            for (first, last), onset in zip(self.mouth, self.onsets, strict=True)
            if first <= at <= last
        ]
        over = any(seconds >= NOTICED for seconds in spoken)
        together = any(seconds < NOTICED for seconds in spoken)
        whole = [
            r
            for _, r in begun
            if ear.heard_seconds(r.id) >= HEARD_SHARE * ear.arrived_seconds(r.id)
            and r.status == "completed"
        ]
        judged = Judged(
            self.number,
            offered.priority,
            any(first <= offered.at <= last for first, last in self.mouth),
            self._share(responses) >= HEARD_SHARE,
            len(begun),
            over,
            together,
            sum(MISSED not in r.text.lower() for r in whole) > 1,
            spoken_s=max(spoken, default=None),
        )
        if not begun:
            return judged
        at, response = begun[0]
        end = ear.last_audible(begun[-1][1].id) or at
        return Judged(
            **{
                **asdict(judged),
                "waited": at - offered.at,
                "gap_before": self._silence_before(at, response),
                "gap_after": self._silence_after(end),
            }
        )

    def _voices(self) -> list[tuple[float, float, str]]:
        ear = self.client.ear
        agent = [
            (first, last, r.id)
            for r in self.client.log.responses.values()
            if (first := ear.first_audible_of(r.id)) is not None
            and (last := ear.last_audible(r.id)) is not None
        ]
        return agent + [(first, last, "") for first, last in self.mouth]

    def _silence_before(self, at: float, response: Response) -> float | None:
        ends = [last for first, last, who in self._voices() if first < at and who != response.id]
        return max(0.0, at - max(ends)) if ends else None

    def _silence_after(self, end: float) -> float | None:
        begins = [first for first, _, __ in self._voices() if first > end]
        return min(begins) - end if begins else None


async def measure(
    under_test: ServerUnderTest,
    recordings: Sequence[Recording],
    *,
    conversations: int,
    offer: str,
    scripted: bool,
    parallel: int = 8,
    seed: int = 0,
) -> Figures:
    """Runs the conversations and judges every prompt."""
    judged: list[Judged] = []
    waiting = list(range(conversations))[::-1]
    async with (
        httpx.AsyncClient(base_url=under_test.base, timeout=10) as http,
        Metronome() as metronome,
    ):
        way = by_outreach(http) if offer == "outreach" else by_response

        async def person() -> None:
            while waiting:
                number = waiting.pop()
                random = Random(f"{seed} {number}")
                client = RealtimeClient(metronome)
                client.ear = type(client.ear)(memory=600.0)
                await client.connect(under_test.target(f"floor-{number}"))
                conversation = Conversation(number, client, random)
                spoken = random.sample(list(recordings), min(3, len(recordings)))
                await conversation.talk(spoken, way, scripted=scripted)
                judged.extend(conversation.judged())
                await client.aclose()
                if len(waiting) % 20 == 0:
                    say(f"  {conversations - len(waiting)} conversations begun")

        async with asyncio.TaskGroup() as group:
            for _ in range(min(parallel, conversations)):
                group.create_task(person())
        late = summary([seconds * 1000 for seconds in metronome.lateness])
    return figures_of(judged, conversations) | {"client_lateness_ms": late}


def figures_of(judged: Sequence[Judged], conversations: int) -> Figures:
    """Counts, and the silences around prompts."""
    lost = [each for each in judged if not each.heard]
    return {
        "conversations": conversations,
        "prompts": len(judged),
        "offered_while_the_person_spoke": sum(each.offered_over_speech for each in judged),
        "begun_over_a_speaking_person": sum(each.over for each in judged),
        "begun_together_with_the_person": sum(each.together for each in judged),
        "heard": sum(each.heard for each in judged),
        "never_begun": sum(not each.begun for each in judged),
        "begun_but_not_heard": sum(each.begun > 0 for each in lost),
        "heard_twice": sum(each.twice for each in judged),
        "interrupted_and_gone_on": sum(each.begun > 1 for each in judged),
        "priorities": dict(Counter(each.priority for each in judged)),
        "waited_s": summary([each.waited for each in judged if each.waited is not None]),
        "gap_before_s": summary([j.gap_before for j in judged if j.gap_before is not None]),
        "gap_after_s": summary([j.gap_after for j in judged if j.gap_after is not None]),
        "to_look_at": [asdict(j) for j in judged if j.over or j.twice or not j.heard][:30],
    }


RESPONSE = "response.create"
OFFERS = ("outreach", RESPONSE)
