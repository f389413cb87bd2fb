"""The scheduler as a whole: every part of it joined, started and ended together."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from intents.finder import Finder, Kind
from messaging.bus import Bus
from messaging.topics import Topics
from outreach.inbox import Inbox
from outreach.ledger import Ledger
from outreach.people import People
from scheduler import analysis, breaker, knowledge_watch, sessions_watch, sweeper, ticker
from scheduler.analysis import Analysis
from scheduler.audience import Audiences
from scheduler.breaker import Breaker
from scheduler.cards import Cards
from scheduler.engine import Engine
from scheduler.intake import FINDING, Intake
from scheduler.knowledge_watch import KnowledgeWatch
from scheduler.leader import NAME, Leader
from scheduler.rounds import Round, Work
from scheduler.rulebook import Rulebook
from scheduler.rules import Rule
from scheduler.sessions_watch import SessionsWatch
from scheduler.sweeper import Sweeper
from scheduler.ticker import Ticker
from sessions.lease import Lease
from sessions.presence import Presence

if TYPE_CHECKING:
    from redis.asyncio import Redis


class Scheduler:
    """Runs in every server instance, or alone. All of them handle events; one of them leads: it
    ticks, sweeps, walks over talk and looks after the breaker.

    instance: this process, for the ledger and the lease. rules: of the agent's folder. knowledge:
    the agent's documents, None to not watch them. Redis may be away at the start and later.
    """

    def __init__(
        self,
        redis: "Redis",
        bus: Bus,
        *,
        instance: str,
        rules: Sequence[Rule],
        agent_zone: str,
        finder: Finder,
        knowledge: Path | None = None,
        topics: Topics | None = None,
        lease_s: float = 2.0,
    ) -> None:
        self.ledger = Ledger(redis, instance)
        self.inbox = Inbox(redis)
        self.people = People(redis)
        self.presence = Presence(redis, instance)
        self.rulebook = Rulebook(redis, rules)
        self.cards = Cards(self.presence)
        self.audiences = Audiences(self.people, self.cards)
        self.engine = Engine(
            redis, self.ledger, self.rulebook, bus, self.cards, agent_zone=agent_zone, topics=topics
        )
        self.intake = Intake(
            redis,
            self.inbox,
            self.ledger,
            self.rulebook,
            self.engine,
            self.audiences,
            bus,
            topics,
        )
        self.ticker = Ticker(
            redis,
            self.rulebook,
            self.engine,
            self.audiences,
            self.people,
            self.cards,
            agent_zone=agent_zone,
        )
        self.sweeper = Sweeper(redis, self.ledger, self.inbox, self.engine, self.intake)
        self.breaker = Breaker(self.ledger, self.rulebook)
        self.analysis = Analysis(
            redis,
            finder,
            self.intake,
            self.ledger,
            self.rulebook,
            self.people,
            self.cards,
            agent_zone=agent_zone,
        )
        self.watch = SessionsWatch(
            redis,
            self.rulebook,
            self.engine,
            self.audiences,
            self.cards,
            bus,
            agent_zone=agent_zone,
            talked=self.analysis.talked,
            topics=topics,
        )
        self.leader = Leader(Lease(redis, NAME, instance, lease_s), lease_s)
        self._failures: Counter[str] = Counter()
        self._rounds = self._all_rounds(
            None if knowledge is None else KnowledgeWatch(knowledge, bus, topics)
        )
        self._stack: AsyncExitStack | None = None

    async def start(self) -> None:
        """Begins to handle events, and to lead if nobody does."""
        stack = AsyncExitStack()
        try:
            stack.push_async_callback(self.ledger.aclose)
            await self.rulebook.start()
            stack.push_async_callback(self.rulebook.aclose)
            await self.intake.start()
            stack.push_async_callback(self.intake.aclose)
            await self.watch.start()
            stack.push_async_callback(self.watch.aclose)
            await self.ticker.start()
            stack.push_async_callback(self.ticker.aclose)
            await self.leader.start()
            stack.push_async_callback(self.leader.aclose)
            for each in self._rounds:
                each.start()
                stack.push_async_callback(each.aclose)
        except BaseException:
            await stack.aclose()
            raise
        self._stack = stack

    async def aclose(self) -> None:
        """Ends all of it; what it leads, another leads at once."""
        if self._stack is not None:
            stack, self._stack = self._stack, None
            await stack.aclose()

    def reminds(self) -> bool:
        """Whether a live rule says what people asked to be reminded of."""
        waiting = self.rulebook.rules().for_event(FINDING + Kind.REMINDER.value)
        return any(rule.status == "live" for rule in waiting)

    def counts(self) -> dict[str, float]:
        """For metrics: name to number. Gauges: leading, lag_s; all else only grows."""
        found: dict[str, float] = {
            "leading": float(self.leader.leading),
            "lag_s": self.ticker.lag_s,
            "fired": self.ticker.fired,
            "rules_paused": self.breaker.paused,
        }
        named = {
            "prompts": self.engine.counts,
            "events": self.intake.counts,
            "swept": self.sweeper.counts,
            "sessions": self.watch.counts,
            "talk": self.analysis.counts,
            "failed_rounds": self._failures,
        }
        for what, counts in named.items():
            found |= {f"{what}:{name}": float(number) for name, number in counts.items()}
        return found

    def _all_rounds(self, knowledge: KnowledgeWatch | None) -> list[Round]:
        def leading() -> bool:
            return self.leader.leading

        def led(name: str, work: Work, every_s: float, wake: asyncio.Event | None = None) -> Round:
            return Round(name, work, every_s, leading, self._failures, wake)

        rounds = [
            led("tick", self.ticker.tick, ticker.EVERY_S, self.ticker.wake),
            led("fire", self.ticker.act, ticker.ACT_S, self.ticker.fired_now),
            led("sweep", self.sweeper.sweep, sweeper.EVERY_S),
            led("sessions", self.watch.sweep, sessions_watch.EVERY_S),
            led("analysis", self.analysis.walk, analysis.EVERY_S),
            led("breaker", self.breaker.look, breaker.EVERY_S),
        ]
        if knowledge is not None:
            rounds.append(led("knowledge", knowledge.look, knowledge_watch.EVERY_S))
        return rounds
