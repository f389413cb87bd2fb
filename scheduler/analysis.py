"""The walk over recent talk: what people asked for, promised and were not answered.

What the finder finds becomes an event, `finding.reminder`, `finding.promise` or
`finding.unanswered`, that rules wait for like for any other; its prompt is held until it is due.
What is taken back ("cancel that reminder", or the person is back) withdraws its prompt. Intents
that were left unfinished are seen from the conversations' cards: sessions_watch.py.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog

from intents.finder import Finder, Finding, Kind, Said, Talk
from outreach.errors import OutreachUnavailableError
from outreach.inbox import Event
from outreach.ledger import Ledger
from outreach.people import People
from outreach.prompt import outreach_id
from outreach.scripts import command, together
from outreach.states import State
from scheduler.cards import Cards
from scheduler.clocks import zone_of
from scheduler.intake import FINDING, Intake
from scheduler.rulebook import Rulebook
from sessions.context import SessionContext, UnreadableContextError

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

EVERY_S = 5.0
TALKS = "overture:scheduler:talks"
"""Conversations in which something was said since they were looked at, by when."""
MAX_TALKS = 10_000
"""Of more, the oldest are passed over."""
FOUND_S = 2 * 86_400
AT_ONCE = 50
"""Conversations of one walk; the others wait for the next."""
KINDS = frozenset({Kind.REMINDER, Kind.PROMISE, Kind.UNANSWERED})


class Analysis:
    """finder: see intents/finder.py. counts: "walked", "found", "taken back", "unreadable",
    "failed"."""

    def __init__(
        self,
        redis: "Redis",
        finder: Finder,
        intake: Intake,
        ledger: Ledger,
        rulebook: Rulebook,
        people: People,
        cards: Cards,
        *,
        agent_zone: str,
    ) -> None:
        self._redis = redis
        self._finder = finder
        self._intake = intake
        self._ledger = ledger
        self._rulebook = rulebook
        self._people = people
        self._cards = cards
        self._agent_zone = agent_zone
        self._looked: dict[str, float] = {}
        self.counts: Counter[str] = Counter()

    async def talked(self, session: str, at: float) -> None:
        """Something was said in that conversation, or it ended: the next walk looks at it."""
        if self._wanted():
            await together(
                self._redis,
                command("ZADD", TALKS, at, session),
                command("ZREMRANGEBYRANK", TALKS, 0, -MAX_TALKS - 1),
            )

    async def walk(self) -> None:
        """Looks at what was said since the last walk; raises OutreachUnavailableError."""
        if not self._wanted():
            return
        live = {card.session: card.active for card in await self._cards.all()}
        time, told = await together(
            self._redis, command("TIME"), command("ZRANGE", TALKS, 0, AT_ONCE - 1)
        )
        now = time[0] + time[1] / 1e6
        named = [session.decode() for session in told]
        # A happening may be lost with the bus; a card shows that a conversation was used.
        used = [name for name, active in live.items() if self._looked.get(name) != active]
        for session in dict.fromkeys((*named, *used[:AT_ONCE])):
            # The outermost edge of one conversation: what is wrong with it is not in others' way.
            try:
                await self._look(session, now, ended=session not in live)
            except OutreachUnavailableError:
                raise
            except Exception:
                self.counts["failed"] += 1
                log.exception("a conversation cannot be walked over", session=session)
            if session in live:
                self._looked[session] = live[session]
        self._looked = {name: at for name, at in self._looked.items() if name in live}
        if named:
            await together(self._redis, command("ZREM", TALKS, *named))

    def _wanted(self) -> bool:
        """Whether any rule waits for what may be found."""
        index = self._rulebook.rules()
        return any(index.for_event(FINDING + kind.value) for kind in KINDS)

    async def _look(self, session: str, now: float, *, ended: bool) -> None:
        talk = await self._talk(session, now, ended=ended)
        if talk is None or not talk.user:
            return
        self.counts["walked"] += 1
        found = {
            _event_id(finding): finding
            for finding in self._finder.find(talk)
            if finding.kind in KINDS
        }
        await self._taken_back(talk, found)
        for id, finding in found.items():
            accepted = await self._intake.accept(_event(id, finding, talk))
            self.counts["found"] += not accepted.duplicate

    async def _taken_back(self, talk: Talk, found: dict[str, Finding]) -> None:
        """Withdraws the prompts of what was found in this talk before and is so no more."""
        key = f"overture:scheduler:found:{talk.session}"
        (before,) = await together(self._redis, command("SMEMBERS", key))
        gone = [each.decode() for each in before if each.decode().split(" ")[1] not in found]
        for each in gone:
            type, id = each.split(" ")
            for rule in self._rulebook.rules().for_event(type):
                self.counts["taken back"] += await self._ledger.move(
                    talk.user,
                    outreach_id(rule.name, talk.user, id),
                    State.CANCELLED,
                    reason="it was taken back in the conversation",
                    from_={State.HELD, State.PUBLISHED, State.RESERVED},
                )
        calls = [command("SREM", key, *gone)] if gone else []
        if found:
            names = [f"{FINDING}{each.kind.value} {id}" for id, each in found.items()]
            calls += [command("SADD", key, *names), command("EXPIRE", key, FOUND_S)]
        if calls:
            await together(self._redis, *calls)

    async def _talk(self, session: str, now: float, *, ended: bool) -> Talk | None:
        from sessions.redis import key_of  # imports redis, which takes half a second

        # Not by the session store: looking at it must not make a conversation live longer.
        (document,) = await together(self._redis, command("GET", key_of(session)))
        if document is None:
            return None
        try:
            context = SessionContext.from_json(document)
        except UnreadableContextError as error:
            self.counts["unreadable"] += 1
            log.warning("a conversation cannot be read", session=session, reason=str(error))
            return None
        return Talk(
            session=session,
            user=context.user,
            said=_said(context),
            now=now,
            zone=await self._zone(context.user),
            ended=ended,
        )

    async def _zone(self, user: str) -> ZoneInfo:
        person = await self._people.get(user) if user else None
        named = zone_of(person.time_zone) if person is not None else None
        return named or zone_of(self._agent_zone) or ZoneInfo("UTC")


def _said(context: SessionContext) -> Sequence[Said]:
    said = []
    for item in context.items:
        if item.kind == "message" and item.role != "system" and item.text:
            said.append(Said(item.id, item.role, item.text, item.at))
    return said


def _event_id(finding: Finding) -> str:
    digest = hashlib.blake2b(finding.key.encode(), digest_size=12).hexdigest()
    return f"{FINDING}{digest}"


def _event(id: str, finding: Finding, talk: Talk) -> Event:
    data: dict[str, Any] = {
        "text": finding.text,
        "said_at": finding.at,
        "due": finding.due,
        "session": talk.session,
    }
    return Event(
        id=id,
        type=f"{FINDING}{finding.kind.value}",
        user=talk.user,
        time=finding.at,
        data=data,
        source="analysis",
    )
