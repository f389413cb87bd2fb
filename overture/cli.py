"""The command `overture`: what can be asked of it, and how its mistakes are told.

Everything beyond the parsing is imported by the command that needs it, so that `--help` and a
mistyped option are answered at once.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from overture.errors import UserError

# structlog imports rich for its tracebacks wherever it is installed: a quarter of a second at every
# start, for something that is not shown here.
sys.modules["rich"] = None  # type: ignore[assignment]

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
"""Exit codes: it did not work; what was asked cannot be done; stopped by Ctrl-C (128 + SIGINT)."""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit code."""
    given = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = given.run
    try:
        code = run(given)
        sys.stdout.flush()
        return code
    except UserError as error:
        for line in str(error).splitlines():
            print(f"overture: {line}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output (`| head`) has enough. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="overture",
        description="A realtime voice agent server that can also speak first.",
        epilog="Settings are OVERTURE_... environment variables: see docs/settings.md.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="start the server")
    _agent_argument(serve)
    serve.add_argument("--host", help="loopback address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, help="TCP port to listen on (8000)")
    serve.add_argument("--bus", metavar="BUS", help="redis, memory or rocketmq://HOST:8081 (auto)")
    serve.set_defaults(run=_serve)

    ask = commands.add_parser("ask", help="one question through the whole loop, without a server")
    ask.add_argument("files", nargs="*", type=Path, metavar="FILE", help="recordings to play to it")
    ask.add_argument("--text", action="append", default=[], help="a question in writing")
    ask.add_argument("--json", action="store_true", help="one JSON line a question")
    ask.add_argument("--save", type=Path, metavar="WAV", help="write the spoken answer there")
    ask.add_argument("--agent", type=Path, metavar="DIR", help="the agent's folder (agents/cafe)")
    ask.set_defaults(run=_ask)

    doctor = commands.add_parser("doctor", help="check what Overture needs, and say what to do")
    _agent_argument(doctor)
    doctor.add_argument("--port", type=int, help="TCP port that the server would use (8000)")
    doctor.set_defaults(run=_doctor)

    models = commands.add_parser(
        "models", help="engines' models: which are here, and fetching them"
    )
    models.add_argument("--json", action="store_true", help="the list as JSON")
    models.set_defaults(run=_models, action="list")
    actions = models.add_subparsers(metavar="ACTION")
    for action, does in (("fetch", "put a model into the data folder"), ("remove", "delete it")):
        one = actions.add_parser(action, help=does)
        one.add_argument("engine", choices=("whisper", "piper"))
        one.add_argument("name", help="as `overture models` lists it")
        one.set_defaults(run=_models, action=action)

    replay = commands.add_parser("replay", help="run a recorded session through the machine again")
    replay.add_argument("session", metavar="SESSION", help="its id, the beginning of it, or a file")
    replay.add_argument("--json", action="store_true", help="one JSON line a record")
    replay.add_argument(
        "--endpointing",
        action="append",
        default=[],
        metavar="NAME=MS",
        help="try another threshold on it, e.g. complete_ms=200",
    )
    replay.set_defaults(run=_replay)

    forget = commands.add_parser("forget", help="erase everything that is kept of a person")
    forget.add_argument("user", metavar="USER", help="who, as the sessions' user")
    forget.add_argument("--dry-run", action="store_true", help="only tell what would be erased")
    forget.set_defaults(run=_forget)

    scheduler = commands.add_parser("scheduler", help="the scheduler alone, beside servers")
    _agent_argument(scheduler)
    scheduler.add_argument("--bus", help="redis, or rocketmq://HOST:8081 (redis)")
    scheduler.set_defaults(run=_scheduler)

    _rules_commands(commands.add_parser("rules", help="the rules for speaking first"))

    _keys_commands(commands.add_parser("keys", help="who may use the server: API keys"))

    _demo_commands(commands.add_parser("demo", help="see what it does, without any set-up"))

    new = commands.add_parser("new", help="make an agent's folder that works at once")
    new.add_argument("folder", type=Path, metavar="NAME", help="the new folder, e.g. agents/bakery")
    new.set_defaults(run=_new)
    return parser


def _keys_commands(keys: argparse.ArgumentParser) -> None:
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("new", help="make a key and show it, this once")
    add.add_argument("name", metavar="NAME", help="what you call it, e.g. shop-backend")
    add.add_argument("--role", required=True, choices=("client", "operator", "service"))
    add.add_argument("--user", help="the one person that it speaks for (anyone)")
    add.add_argument("--days", type=int, help="how long it is good (for ever)")
    add.set_defaults(run=_keys, action="new")
    invite = actions.add_parser("invite", help="a link that opens the page for one person")
    invite.add_argument("user", metavar="USER", help="who they are to the agent")
    invite.add_argument("--days", type=int, default=7, help="how long it is good (7)")
    invite.add_argument("--at", metavar="URL", help="where the page is opened")
    invite.set_defaults(run=_keys, action="invite")
    show = actions.add_parser("list", help="every key's name, role, person and end")
    show.set_defaults(run=_keys, action="list")
    withdraw = actions.add_parser("withdraw", help="end a key; the server notices by itself")
    withdraw.add_argument("name", metavar="NAME", help="as `overture keys list` shows it")
    withdraw.set_defaults(run=_keys, action="withdraw")


def _rules_commands(rules: argparse.ArgumentParser) -> None:
    actions = rules.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", help="every mistake, with its file and line")
    check.add_argument("folder", nargs="?", type=Path, help="an agent's folder (agents/cafe)")
    show = actions.add_parser("list", help="every rule, its status and what starts it")
    show.add_argument("folder", nargs="?", type=Path, help="an agent's folder (agents/cafe)")
    preview = actions.add_parser("preview", help="when a rule fires next, and what could stop it")
    replay = actions.add_parser("replay", help="what a rule would have done in past sessions")
    for one in (preview, replay):
        one.add_argument("name", metavar="NAME", help="the rule")
        one.add_argument("--agent", type=Path, metavar="DIR", help="the agent's folder")
    preview.add_argument("--user", default="", help="for whom")
    preview.add_argument(
        "--time-zone", default="", metavar="ZONE", help="the person's (the agent's)"
    )
    preview.add_argument(
        "--from", dest="begin", default="", metavar="TIME", help="2026-10-24T00:00"
    )
    replay.add_argument("--days", type=int, default=7, help="how far back (7)")
    replay.add_argument("--events", type=Path, metavar="FILE", help="JSON lines: type, user, time")
    replay.add_argument("--json", action="store_true", help="one JSON line a match")
    for name, one in (("check", check), ("list", show), ("preview", preview), ("replay", replay)):
        one.set_defaults(run=_rules, action=name)


def _demo_commands(demo: argparse.ArgumentParser) -> None:
    actions = demo.add_subparsers(required=True, metavar="WHAT")
    outreach = actions.add_parser(
        "outreach",
        help="everything that the café says of its own accord",
        description="Starts a server of its own on a free loopback port, with a copy of the café "
        "and a data folder that goes in the end; a person connects who types, and each sample rule "
        "comes to its moment. Two minutes. Exit code 0 only if everything was heard.",
    )
    outreach.add_argument("--quick", action="store_true", help="two of the rules, in half a minute")
    outreach.add_argument(
        "--page", action="store_true", help="only the server: watch it in the browser (Ctrl-C ends)"
    )
    outreach.set_defaults(run=_demo)


def _agent_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "agent",
        nargs="?",
        type=Path,
        metavar="AGENT_DIR",
        help="the agent's folder (agents/cafe of this checkout)",
    )


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version  # 20 ms that nothing else needs

        print(f"overture {version('overture')}")
        parser.exit()


def default_agent() -> Path:
    """The demo agent of this checkout; raises UserError where there is none."""
    cafe = Path(__file__).resolve().parent.parent / "agents" / "cafe"
    if not cafe.is_dir():
        raise UserError("name an agent's folder; `overture new NAME` makes one")
    # Shown in every message, so as short as it can be said from here.
    return cafe.relative_to(Path.cwd()) if cafe.is_relative_to(Path.cwd()) else cafe


def _serve(given: argparse.Namespace) -> int:
    from overture.agent_folder import load_agent
    from overture.settings import load_settings

    settings = load_settings(host=given.host, port=given.port, bus=given.bus)
    agent = load_agent(given.agent or default_agent())
    # Only now, because it takes a second: a mistake above is told before.
    from overture.serve import serve

    return serve(settings, agent)


def _ask(given: argparse.Namespace) -> int:
    if not given.files and not given.text:
        raise UserError("ask what? Name a recording, or give --text 'a question'")
    if given.save and len(given.files) + len(given.text) > 1:
        raise UserError("--save takes the answer to one question; ask them one by one")
    for path in given.files:
        if not path.is_file():
            raise UserError(f"{path}: there is no such file")
    from overture.ask_command import ask
    from overture.settings import load_settings

    agent = given.agent or default_agent()
    return ask(load_settings(), agent, given.files, given.text, as_json=given.json, save=given.save)


def _doctor(given: argparse.Namespace) -> int:
    from overture.doctor import examine, report

    return report(examine(given.agent, port=given.port))


def _models(given: argparse.Namespace) -> int:
    from overture.models import fetch_model, list_models, remove_model
    from overture.settings import load_settings

    models = load_settings().data_dir / "models"
    match given.action:
        case "fetch":
            return fetch_model(given.engine, given.name, models)
        case "remove":
            return remove_model(given.engine, given.name, models)
        case _:
            return list_models(models, as_json=given.json)


def _replay(given: argparse.Namespace) -> int:
    from overture.replay import replay_session
    from overture.settings import load_settings

    journal = load_settings().data_dir / "journal"
    return replay_session(journal, given.session, given.endpointing, as_json=given.json)


def _forget(given: argparse.Namespace) -> int:
    from overture.forget import forget
    from overture.settings import load_settings

    return forget(load_settings(), given.user, dry_run=given.dry_run)


def _scheduler(given: argparse.Namespace) -> int:
    from overture.agent_folder import load_agent
    from overture.settings import load_settings

    settings = load_settings(bus=given.bus)
    agent = load_agent(given.agent or default_agent())
    from overture.scheduler_command import run_scheduler

    return run_scheduler(settings, agent)


def _rules(given: argparse.Namespace) -> int:
    from overture import rules_command

    match given.action:
        case "check":
            return rules_command.check(given.folder or default_agent())
        case "list":
            return rules_command.show(given.folder or default_agent())
        case "preview":
            return rules_command.preview(
                given.agent or default_agent(),
                given.name,
                user=given.user,
                time_zone=given.time_zone,
                begin=given.begin,
            )
        case _:
            from overture.rules_replay import replay_rule
            from overture.settings import load_settings

            return replay_rule(
                load_settings().data_dir / "journal",
                given.agent or default_agent(),
                given.name,
                days=given.days,
                events=given.events,
                as_json=given.json,
            )


def _keys(given: argparse.Namespace) -> int:
    from overture import keys_command

    match given.action:
        case "new":
            said = keys_command.new(given.name, given.role, given.user, given.days)
        case "invite":
            said = keys_command.invite(given.user, given.days, given.at)
        case "list":
            said = keys_command.show()
        case _:
            said = keys_command.withdraw(given.name)
    print(said)
    return 0


def _demo(given: argparse.Namespace) -> int:
    from overture.demo_command import demo_outreach

    return demo_outreach(default_agent(), quick=given.quick, page=given.page)


def _new(given: argparse.Namespace) -> int:
    from overture.new_agent import make_agent

    make_agent(given.folder)
    print(
        f"Made {given.folder}. Talk to it:\n"
        f"    overture serve {given.folder}\n"
        f'    overture ask --agent {given.folder} --text "when are you open?"\n'
        "Then put what it should know into knowledge/, and what people say into intents/."
    )
    return 0
