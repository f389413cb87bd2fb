"""Rules that conversations start: their beginning, silence, intents, and what was left undone."""

import asyncio
import fnmatch
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import JsonValue, ValidationError

from messaging.bus import Bus, Delivery, Message, Subscription
from messaging.topics import Topics
from outreach.errors import OutreachUnavailableError
from outreach.inbox import Event
from outreach.keys import index_key, member, person_key
from outreach.people import read_person
from outreach.scripts import command, together
from scheduler.audience import Audiences
from scheduler.cards import Cards
from scheduler.engine import Engine
from scheduler.happenings import Happening
from scheduler.index import IN_FORCE, Match, RuleIndex
from scheduler.rulebook import Rulebook
from scheduler.rules import Rule
from scheduler.triggers import AbandonedIntentTrigger, IdleTrigger, KnowledgeChangedTrigger
from sessions.presence import SessionCard

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

EVERY_S = 0.5
LEFT = index_key("left")
"""Conversations that ended with a form open, which may yet be asked about: `{USER} SESSION`, by
when they were last used. Their cards are beside it, each by itself."""
LEFT_S = 86_400
MAX_LEFT = 10_000
PERSON_S = 5.0
"""What is known of a person is read again so often."""
PEOPLE_AT_ONCE = 500

Talked = Callable[[str, float], Awaitable[None]]
"""Told of a conversation in which something was said, and when."""


class SessionsWatch:
    """`sweep` looks at all live conversations; happenings come sooner, and for what no card shows.

    talked: is told where something was said, so that the analysis looks there.
    counts: "matched", "failed", "happenings", "unreadable". Both ways to the same reason have the
    same key.
    """

    def __init__(
        self,
        redis: "Redis",
        rulebook: Rulebook,
        engine: Engine,
        audiences: Audiences,
        cards: Cards,
        bus: Bus,
        *,
        agent_zone: str,
        talked: Talked,
        topics: Topics | None = None,
    ) -> None:
        names = topics or Topics()
        self._redis = redis
        self._rulebook = rulebook
        self._engine = engine
        self._audiences = audiences
        self._cards = cards
        self._bus = bus
        self._agent_zone = agent_zone
        self._talked = talked
        self._topic = names("happenings")
        self._group = names("scheduler")
        self._subscription: Subscription | None = None
        self._done: dict[str, set[str]] = {}
        self._read: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._before: Mapping[str, SessionCard] = {}
        self.counts: Counter[str] = Counter()

    async def start(self) -> None:
        """Listens to happenings from now on."""
        self._subscription = await self._bus.subscribe(
            self._topic, self._group, self._from_bus, delivery=Delivery.ONCE
        )

    async def aclose(self) -> None:
        """Listens no more."""
        if self._subscription is not None:
            await self._subscription.aclose()
            self._subscription = None

    async def sweep(self) -> None:
        """One look at every conversation; raises OutreachUnavailableError."""
        index = self._rulebook.rules()
        if not any(index.of(kind) for kind in ("session_start", "idle", "abandoned_intent")):
            return
        cards = {card.session: card for card in await self._cards.all()}
        now, kept = await self._left(cards)
        left = [card for card in kept if card.session not in cards]
        people = await self._known((card.user for card in (*cards.values(), *left)), now)
        matches = await self._matches(index, list(cards.values()), now, people)
        matches += [
            match
            for match in await self._matches(index, left, now, people)
            if isinstance(match.rule.trigger, AbandonedIntentTrigger)
        ]
        there = cards.keys() | {card.session for card in left}
        here = {card.user for card in (*cards.values(), *left)}
        self._read = {user: read for user, read in self._read.items() if user in here}
        self._done = {session: keys for session, keys in self._done.items() if session in there}
        for match in matches:
            # The outermost edge of one match: what is wrong with it must not hold up the others.
            try:
                await self._matched(match)
            except OutreachUnavailableError:
                raise
            except Exception:
                self.counts["failed"] += 1
                log.exception("a conversation cannot be decided on", rule=match.rule.name)
                self._done.setdefault(match.session["session"], set()).add(_mark(match))

    async def _matches(
        self,
        index: RuleIndex,
        cards: Sequence[SessionCard],
        now: float,
        people: Mapping[str, Mapping[str, Any]],
    ) -> list[Match]:
        if not cards:
            return []
        plain = [card.model_dump() for card in cards]
        # A thousand rules over a thousand conversations take 0.2 s: not on the loop that talks.
        return await asyncio.to_thread(
            index.sweep, plain, now, people=people, agent_zone=self._agent_zone
        )

    async def happened(self, happening: Happening) -> None:
        """Acts on one; doing it again changes nothing."""
        self.counts["happenings"] += 1
        match happening.kind:
            case "session_started":
                await self._begun(happening)
            case "intent":
                await self._meant(happening)
            case "knowledge_changed":
                await self._changed(happening)
            case "job_done":
                await self._job(happening)
            case "turn" | "session_ended":
                pass
        if happening.kind in ("turn", "intent", "session_ended") and happening.session:
            await self._talked(happening.session, happening.at)

    async def _begun(self, happening: Happening) -> None:
        """As a sweep would see it, only sooner."""
        card = await self._card(happening)
        people = await self._known([card.user], happening.at)
        for match in await self._matches(self._rulebook.rules(), [card], happening.at, people):
            if match.rule.trigger.kind == "session_start":
                await self._matched(match)

    async def _meant(self, happening: Happening) -> None:
        rules = self._rulebook.rules().for_intent(happening.intent)
        if not rules or not happening.user:
            return
        card = await self._card(happening)
        data: dict[str, JsonValue] = {"intent": happening.intent, "slots": dict(happening.slots)}
        key = f"intent:{happening.session}:{happening.at:.3f}"
        event = _event(happening, key, data)
        for rule in rules:
            if rule.status in IN_FORCE:
                await self._engine.consider(
                    rule, happening.user, key, event=event, session=card, born=happening.at
                )

    async def _changed(self, happening: Happening) -> None:
        document = str(happening.data.get("document", ""))
        key = _key("knowledge", document, happening)
        for rule in self._in_force("knowledge_changed"):
            trigger = rule.trigger
            assert isinstance(trigger, KnowledgeChangedTrigger)
            wanted = trigger.knowledge_changed.documents
            if not wanted or any(fnmatch.fnmatchcase(document, name) for name in wanted):
                await self._tell(rule, happening, key, dict(happening.data))

    async def _job(self, happening: Happening) -> None:
        job = str(happening.data.get("job", ""))
        key = _key("job", job, happening)
        for rule in self._rulebook.rules().for_job(job):
            if rule.status in IN_FORCE:
                await self._tell(rule, happening, key, dict(happening.data))

    async def _tell(
        self, rule: Rule, happening: Happening, key: str, data: dict[str, JsonValue]
    ) -> None:
        event = _event(happening, key, data)
        async for users in self._audiences.of(rule, happening.user):
            for user in users:
                await self._engine.consider(rule, user, key, event=event, born=happening.at)

    async def _matched(self, match: Match) -> None:
        card = SessionCard.model_validate(match.session)
        done = self._done.setdefault(card.session, set())
        mark = _mark(match)
        if mark in done or not card.user:
            return
        self.counts["matched"] += 1
        event, born = None, card.since
        match match.rule.trigger:
            case IdleTrigger(idle=idle_s):
                born = card.active + idle_s
            case AbandonedIntentTrigger(abandoned_intent=about):
                born = card.active + about.after
                data: dict[str, JsonValue] = {"intent": about.intent, "slots": {}}
                event = Event(
                    id=match.key, type="abandoned_intent", user=card.user, time=born, data=data
                )
            case _:
                pass
        await self._engine.consider(
            match.rule, card.user, match.key, event=event, session=card, born=born
        )
        done.add(mark)

    async def _left(self, cards: Mapping[str, SessionCard]) -> tuple[float, Sequence[SessionCard]]:
        """Redis' time, and the cards of conversations that ended with a form open. Those that have
        ended since the last look are added, and those that go on are taken out."""
        calls = []
        for name, card in self._before.items():
            if name not in cards and card.form:
                place = member(card.user, card.session)
                calls.append(command("ZADD", LEFT, card.active, place))
                document = card.model_dump_json()
                calls.append(command("SET", _left_key(card.session), document, "EX", LEFT_S))
        for name in cards.keys() - self._before.keys():
            card = cards[name]
            calls.append(command("ZREM", LEFT, member(card.user, card.session)))
        asked = (
            command("ZREMRANGEBYRANK", LEFT, 0, -MAX_LEFT - 1),
            command("TIME"),
            command("ZRANGE", LEFT, 0, -1),
        )
        *_, time, places = await together(self._redis, *calls, *asked)
        self._before = dict(cards)
        now = time[0] + time[1] / 1e6
        if not places:
            return now, []
        keys = [_left_key(place.decode().rpartition(" ")[2]) for place in places]
        (documents,) = await together(self._redis, command("MGET", *keys))
        over = [place for place, found in zip(places, documents, strict=True) if found is None]
        if over:  # a day has passed, or its person was forgotten
            await together(self._redis, command("ZREM", LEFT, *over))
        return now, [SessionCard.model_validate_json(found) for found in documents if found]

    async def _known(self, users: Iterable[str], now: float) -> Mapping[str, Mapping[str, Any]]:
        """What is known of them; read again after a while, in one round trip."""
        wanted = {user for user in users if user}
        new = [user for user in wanted if now - self._read.get(user, (0.0, {}))[0] > PERSON_S]
        for start in range(0, len(new), PEOPLE_AT_ONCE):
            some = new[start : start + PEOPLE_AT_ONCE]
            asked = (command("HGETALL", person_key(user, "person")) for user in some)
            for user, fields in zip(some, await together(self._redis, *asked), strict=True):
                person = read_person(user, fields)
                self._read[user] = now, {} if person is None else person.model_dump()
        return {user: self._read[user][1] for user in wanted if user in self._read}

    async def _card(self, happening: Happening) -> SessionCard:
        for card in await self._cards.all():
            if card.session == happening.session:
                return card
        return SessionCard(
            session=happening.session,
            user=happening.user,
            since=happening.at,
            active=happening.at,
        )

    def _in_force(self, kind: Any) -> list[Rule]:
        return [rule for rule in self._rulebook.rules().of(kind) if rule.status in IN_FORCE]

    async def _from_bus(self, message: Message) -> None:
        try:
            happening = Happening.model_validate_json(message.body)
        except ValidationError as error:
            self.counts["unreadable"] += 1
            log.error(
                "a happening on the bus cannot be read", message=message.id, reason=str(error)
            )
            return
        await self.happened(happening)


def _mark(match: Match) -> str:
    """Versions count: an edited rule is a rule that has not been decided on here."""
    return f"{match.rule.name} {match.rule.version} {match.key}"


def _key(kind: str, name: str, happening: Happening) -> str:
    """The occurrence; the names of documents and jobs may be longer than a key."""
    told = happening.id or f"{happening.at:.3f}"
    known = hashlib.blake2b(name.encode(), digest_size=12).hexdigest() if len(name) > 80 else name
    return f"{kind}:{known}:{told}"


def _left_key(session: str) -> str:
    return f"overture:left:{session}"


def _event(happening: Happening, key: str, data: dict[str, JsonValue]) -> Event:
    return Event(
        id=key[:300], type=happening.kind, user=happening.user, time=happening.at, data=data
    )
