"""The demo's acts: each of the café's sample rules comes to its moment, and is heard."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from overture.agent_folder import Agent
from overture.demo_api import Api
from overture.demo_person import NotHeardError, Person, Speech
from overture.demo_server import replace_in
from overture.demo_telling import Narrator, story_rows
from overture.rules_command import find, verdict_at
from scheduler.clocks import zone_of
from scheduler.occurrences import next_firings
from scheduler.triggers import CronTrigger

ABANDONED_S = 6
"""Silence in seconds after which the demo takes an order for abandoned, instead of 45."""
CHANGES: Mapping[str, tuple[str, str]] = {
    "outreach/orders.yaml": (
        "{intent: orderDrink, after: 45s}",
        f"{{intent: orderDrink, after: {ABANDONED_S}s}}",
    )
}
"""All that differs between the demo's copy of the agent and the agent."""
LATER_S = 5
"""What "not now" is put off by."""
PATIENCE_S = 30.0
"""Beyond the time that a rule itself waits; on a busy machine the server takes its time."""
PRICE = ("Our cheapest drink is a small house coffee for £2.20.", "Everything is dearer today.")
ABROAD = "Asia/Tokyo"
YEAR_OF_FIRINGS = 400


@dataclass(frozen=True, slots=True)
class Stage:
    """What the acts play on. agent: the copy that the server runs. user: who is there."""

    api: Api
    agent: Agent
    user: str
    person: Person
    narrator: Narrator

    async def heard(self, rule: str, within_s: float = PATIENCE_S) -> Mapping[str, Any]:
        """The story of the next prompt, which must be of this rule and heard to its end."""
        speech = await self.person.is_told(f"the rule {rule}", within_s)
        story = await self.api.story(speech.outreach, "heard", "engaged", "converted")
        if story["rule"] != rule:
            raise NotHeardError(f"{rule} was to be heard, {story['rule']} was: {speech.text}")
        speaking = next(step for step in story["steps"] if step["state"] == "speaking")
        reserved = next(step for step in story["steps"] if step["state"] == "reserved")
        why = story["reason"]
        self.narrator.tell(
            f"Why: {why} (rule {rule}, {reserved['words'] or 'said at once'}, "
            f"{speaking['words']}, heard)"
        )
        return story

    async def types(self, text: str) -> Speech:
        """The person's turn and the answer."""
        self.narrator.at(f"{self.user} types", text)
        return await self.person.says(text)

    async def happens(self, type: str, data: Mapping[str, Any]) -> str:
        """An event, as a shop's till would post it; its id."""
        told = f'POST /v1/events {{"type": "{type}", "user": "{self.user}", "data": {dict(data)}}}'
        self.narrator.at("the till", told.replace("'", '"'))
        receipt = await self.api.post(
            "/v1/events", {"type": type, "user": self.user, "data": dict(data)}
        )
        return str(receipt["id"])


Act = Callable[[Stage], Awaitable[None]]


async def order_ready(stage: Stage) -> None:
    """An event; the ledger's whole story of it; put off, and said again."""
    stage.narrator.title("Order ready: an event")
    await stage.happens("order.ready", {"drink": "latte"})
    story = await stage.heard("order_ready")
    answer = await stage.types(f"not now, in {LATER_S} seconds")
    story = await stage.api.story(story["id"], "deferred")
    stage.narrator.tell("What the ledger has of it (GET /v1/outreach/ID), to the answer:")
    stage.narrator.rows(story_rows(story))
    if "all right" not in answer.text.lower():
        raise NotHeardError(f'"not now" was answered with: {answer.text}')
    again = await stage.heard("order_ready", LATER_S + PATIENCE_S)
    if again["id"] == story["id"]:
        raise NotHeardError("what was put off should be a prompt of its own")


async def welcome_back(stage: Stage) -> None:
    """A session begins; the person is known to the shop."""
    await stage.heard("welcome_back")
    await stage.types("my usual please")


async def order_abandoned(stage: Stage) -> None:
    """An order is begun and left; then the person wants to hear no more of orders."""
    stage.narrator.title(f"Abandoned order: begun, and silent for {ABANDONED_S} s")
    await stage.types("I'd like to order a coffee")
    await stage.heard("order_abandoned", ABANDONED_S + PATIENCE_S)
    answer = await stage.types("stop telling me this")
    if "won't" not in answer.text:
        raise NotHeardError(f'"stop telling me this" was answered with: {answer.text}')
    outcome = await stage.api.outcome(await stage.happens("order.ready", {"drink": "mocha"}))
    why = outcome["why"].get("order_ready")
    if not why:
        raise NotHeardError(f"nothing of orders was to be said any more, but: {outcome}")
    stage.narrator.at("nothing is said", f"order_ready: {why}")


async def closing_soon(stage: Stage) -> None:
    """A clock: when it fires, what quiet hours do to it, and one fired by hand."""
    stage.narrator.title("Closing soon: a clock, with quiet hours")
    preview = await stage.api.post("/v1/rules/closing_soon/preview", {"user": stage.user})
    local = ", ".join(firing["local"].replace("T", " ") for firing in preview["firings"][:3])
    stage.narrator.tell(f"It fires next at {local} in London.")
    stage.narrator.rows(_clock_change(stage))
    stage.narrator.tell(_abroad(stage))
    stage.narrator.at("the console", "POST /v1/rules/closing_soon/test: it is said now")
    await stage.api.post("/v1/rules/closing_soon/test", {"user": stage.user})
    await stage.heard("closing_soon")


def _clock_change(stage: Stage) -> list[str]:
    """The two firings around the next change of the clocks."""
    trigger = find(stage.agent, "closing_soon").trigger
    zone = zone_of(stage.agent.settings.time_zone)
    assert isinstance(trigger, CronTrigger)
    assert zone is not None
    firings = next_firings(trigger, zone, datetime.now(zone).timestamp(), YEAR_OF_FIRINGS)
    changed = next(n for n, firing in enumerate(firings) if n and firing.clock_change)
    rows = []
    for firing in firings[changed - 1 : changed + 1]:
        moment = datetime.fromtimestamp(firing.at, zone)
        note = f"   <- {firing.clock_change}" if firing.clock_change else ""
        rows.append(f"{moment:%a %Y-%m-%d %H:%M %Z} (UTC{moment:%z}){note}")
    return ["Around the next clock change:", *rows]


def _abroad(stage: Stage) -> str:
    """What the policy says of the same firing for somebody who sleeps then."""
    rule, zone = find(stage.agent, "closing_soon"), zone_of(ABROAD)
    trigger = rule.trigger
    assert isinstance(trigger, CronTrigger)
    assert zone is not None
    at = next_firings(trigger, zone, datetime.now(zone).timestamp(), 1)[0].at
    verdict = verdict_at(rule, stage.agent, stage.user, zone, at)
    failed = next(check for check in verdict.checks if not check.passed)
    moment = datetime.fromtimestamp(at, zone)
    return f"For somebody in Tokyo it is {moment:%H:%M} then: {failed.reason}."


async def prices_changed(stage: Stage) -> None:
    """A document is edited while somebody is there."""
    stage.narrator.title("Price changed: the menu is edited")
    replace_in(stage.agent.knowledge_folder / "menu.md", *PRICE)
    stage.narrator.at("the owner", f'writes in the copy\'s menu.md: "{PRICE[1]}"')
    await stage.heard("prices_changed")


async def reminder(stage: Stage) -> None:
    """The person asks for it in the conversation."""
    stage.narrator.title("Reminder: asked for in the conversation")
    answer = await stage.types("Remind me to take out the cake in ten seconds")
    if "I will remind you" not in answer.text:
        raise NotHeardError(f"a reminder was asked for, and answered with: {answer.text}")
    story = await stage.heard("reminder")
    if "cake" not in story["text"]:
        raise NotHeardError(f"the cake was to be named, but: {story['text']}")


ACTS: tuple[Act, ...] = (
    welcome_back,
    order_ready,
    order_abandoned,
    closing_soon,
    prices_changed,
    reminder,
)
QUICK: tuple[Act, ...] = (welcome_back, order_ready)
