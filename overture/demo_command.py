"""`overture demo outreach`: what the café says of its own accord, and nothing is kept."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path

from overture.agent_folder import Agent, load_agent
from overture.demo_api import api_at
from overture.demo_outreach import ABANDONED_S, ACTS, CHANGES, QUICK, Stage
from overture.demo_person import NotHeardError, Speech, person_at
from overture.demo_server import DemoServer, demo_server
from overture.demo_telling import Narrator
from overture.logs import set_up_logging

NAMES = ("Ann", "Ben", "Cleo", "Dana", "Emil", "Fay", "Gus", "Hana")
FAILED, STOPPED = 1, 143
"""Exit codes: not everything was heard; ended by a signal: 128 + SIGTERM, as a shell has it."""


def demo_outreach(folder: Path, *, quick: bool, page: bool) -> int:
    """Plays it; 0 only if everything that was to be heard was heard. Raises UserError."""
    set_up_logging(level="warning")
    playing = _page(folder) if page else _play(folder, quick=quick)
    try:
        return asyncio.run(_ended_by_signals(playing))
    except asyncio.CancelledError:
        return STOPPED


async def _ended_by_signals(playing: Coroutine[None, None, int]) -> int:
    """Ctrl-C is asyncio's own; whoever ends us otherwise must not leave a server behind either."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await playing


async def _play(folder: Path, *, quick: bool) -> int:
    narrator = Narrator()
    narrator.tell("A server of its own is started, on a copy of the café ...")
    acts = QUICK if quick else ACTS
    async with demo_server(folder, CHANGES, OVERTURE_RECOGNIZER="scripted") as server:
        agent = load_agent(server.agent)
        user = _somebody(agent)
        _introduce(narrator, server, user)
        try:
            async with api_at(server.address) as api:
                narrator.title("Welcome back: somebody comes whom the shop knows")
                known = {"name": user, "attributes": {"usual": "latte"}}
                await api.put(f"/v1/users/{user}", known)
                narrator.at("the shop", f"PUT /v1/users/{user} {known}".replace("'", '"'))
                narrator.at(user, "opens a conversation")

                def on_words(speech: Speech, words: str) -> None:
                    narrator.at("AGENT, first" if speech.outreach else "agent answers", words)

                zone = agent.settings.time_zone
                async with person_at(server.address, user, zone, on_words) as person:
                    stage = Stage(api, agent, user, person, narrator)
                    for act in acts:
                        await act(stage)
        except NotHeardError as error:
            print(f"\nThe demo failed: {error}", file=sys.stderr)
            return FAILED
    narrator.rows(["", f"All {narrator.acts} were heard. The server has ended; nothing is kept."])
    return 0


def _somebody(agent: Agent) -> str:
    """Who is held out of no rule: a rule's `holdout` is always the same people."""
    for name in NAMES:
        if not any(rule.held_out(name) for rule in agent.rules):
            return name
    return NAMES[0]


def _introduce(narrator: Narrator, server: DemoServer, user: str) -> None:
    narrator.tell(
        f"{server.address}, with its data in {server.agent.parent}; both go with this command. "
        f"{user} is connected over the Realtime protocol, and types; the agent speaks, in real "
        "time. Times are minutes and seconds."
    )
    narrator.tell(
        f"One thing differs from the sample rules, to save you the waiting: order_abandoned waits "
        f"{ABANDONED_S} s instead of 45."
    )


async def _page(folder: Path) -> int:
    """Starts the server, tells what to do in the browser, and waits for Ctrl-C."""
    narrator = Narrator()
    async with demo_server(folder, CHANGES) as server:
        user = _somebody(load_agent(server.agent))
        async with api_at(server.address) as api:
            known = {"name": user, "attributes": {"usual": "latte"}}
            await api.put(f"/v1/users/{user}", known)
        narrator.rows(_what_to_do(server, user))
        await asyncio.Event().wait()
    return 0


def _what_to_do(server: DemoServer, user: str) -> list[str]:
    post = f"curl -H 'Content-Type: application/json' {server.address}/v1"
    event = f'{{"type": "order.ready", "user": "{user}", "data": {{"drink": "latte"}}}}'
    return [
        f"Open    {server.address}/?user={user}    and begin: you are welcomed back.",
        f"Watch   {server.address}/console    beside it.",
        "",
        "Then, in another terminal or on the page:",
        f"  order ready    {post}/events -d '{event}'",
        '                 and answer "not now, in ten seconds", "why did you tell me that?"',
        f'  left order     type "I\'d like to order a coffee", and nothing for {ABANDONED_S} s',
        f'  closing soon   {post}/rules/closing_soon/test -d \'{{"user": "{user}"}}\'',
        f"  prices         edit {server.agent}/knowledge/menu.md",
        '  reminder       type "remind me to take out the cake in ten seconds"',
        "",
        "Ctrl-C ends the server, and its data goes.",
    ]
