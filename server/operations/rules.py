"""`/v1/rules`: read, written, tried, and put live."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from server.bodies import read_body
from server.door import Caller, Right
from server.operations.cloud_events import media_type
from server.operations.preview import Preview, PreviewRequest, preview
from server.operations.prompts import PromptReceipt, receipt
from server.operations.route import Operation
from server.operations.services import Operations
from server.operations.wire import (
    Body,
    Told,
    UserName,
    answer,
    author,
    read_model,
    rfc3339,
)
from server.refusals import RefusedError

if TYPE_CHECKING:
    from scheduler.rule_files import Problem
    from scheduler.rulebook import KeptRule
    from scheduler.rules import Rule

RULE_BYTES = 256 * 1024
YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/plain")


class RuleText(Body):
    """A rule as YAML."""

    text: Annotated[str, Field(max_length=RULE_BYTES)]


class StatusRequest(Body):
    """What becomes of the rule. why: for its history."""

    status: Literal["draft", "shadow", "live", "paused"]
    why: str = Field(default="", max_length=500)


class TrialRequest(Body):
    """Whom the test is said to."""

    user: UserName


class ToldProblem(Told):
    """A mistake. file: "" of a text; line: 0 for the whole of it."""

    file: str = ""
    line: int
    message: str


class Problems(Told):
    """Every mistake of a text; none means it is right."""

    problems: tuple[ToldProblem, ...]


class ToldVersion(Told):
    """What a rule once said, or a change of its status in between."""

    version: int
    status: str
    by: str
    at: float
    time: str
    text: str
    why: str


class RuleInList(Told):
    """A rule as it stands. by, at, why: of the last change of its text or status."""

    name: str
    description: str
    status: str
    version: int
    purpose: str
    trigger: str
    trigger_words: str
    source: Literal["file", "console"]
    funnel: Mapping[str, int]
    by: str
    at: float
    time: str
    why: str


class ToldRule(RuleInList):
    """With its text, and its versions, newest first."""

    text: str
    versions: tuple[ToldVersion, ...]


class RuleList(Told):
    """All of them by name, and what is wrong in the agent's folder."""

    rules: tuple[RuleInList, ...]
    problems: tuple[ToldProblem, ...]


class WrongRule(Told):
    """The answer 422."""

    error: Mapping[str, str]
    problems: tuple[ToldProblem, ...]


class Rules:
    """The endpoints."""

    def __init__(self, operations: Operations) -> None:
        self._book = operations.rulebook
        self._engine = operations.engine
        self._ledger = operations.ledger
        self._people = operations.people
        self._zone = operations.zone
        self._problems = tuple(
            ToldProblem(file=file, line=line, message=message)
            for file, line, message in operations.problems
        )

    def operations(self) -> Sequence[Operation]:
        """For the table."""
        one, right = "/v1/rules/{name}", Right.OPERATE
        return (
            Operation("GET", "/v1/rules", right, self.list, "All rules", gives=RuleList),
            Operation("GET", one, right, self.read, "A rule and its versions", gives=ToldRule),
            Operation(
                "PUT",
                one,
                right,
                self.write,
                "A rule's next version",
                takes=RuleText,
                gives=ToldRule,
                also=("application/yaml", "text/plain"),
            ),
            Operation(
                "POST",
                "/v1/rules/check",
                right,
                self.check,
                "What is wrong with a rule's text",
                takes=RuleText,
                gives=Problems,
            ),
            Operation(
                "POST",
                f"{one}/status",
                right,
                self.set_status,
                "Put a rule live or in shadow, or pause it",
                takes=StatusRequest,
                gives=ToldRule,
            ),
            Operation(
                "POST",
                f"{one}/preview",
                right,
                self.preview,
                "When it fires next, and what the policy says now; nothing is written",
                takes=PreviewRequest,
                gives=Preview,
            ),
            Operation(
                "POST",
                f"{one}/test",
                right,
                self.test,
                "Say its words to one person now, not counted",
                takes=TrialRequest,
                gives=PromptReceipt,
                status=202,
            ),
        )

    async def list(self, _: Request, __: Caller) -> Response:
        """With their funnels."""
        funnels = await self._ledger.funnels()
        rules = tuple(_in_list(kept, funnels.get(kept.rule.name, {})) for kept in self._book.kept())
        return answer(RuleList(rules=rules, problems=self._problems))

    async def read(self, request: Request, _: Caller) -> Response:
        """Raises RefusedError (404)."""
        return answer(await self._told(self._named(request)))

    async def write(self, request: Request, caller: Caller) -> Response:
        """As it is afterwards, or 422 with every mistake; then nothing was kept."""
        name, text = request.path_params["name"], await _text(request)
        saved = await self._book.save(text, author(caller), name)
        if isinstance(saved, tuple):
            return _wrong(saved)
        return answer(await self._told(self._named(request)))

    async def check(self, request: Request, _: Caller) -> Response:
        """Every mistake with its line."""
        asked = await read_model(request, RuleText, RULE_BYTES)
        rule = await _parsed(asked.text)
        return answer(Problems(problems=_told_problems(rule) if isinstance(rule, tuple) else ()))

    async def set_status(self, request: Request, caller: Caller) -> Response:
        """As it is afterwards; raises RefusedError (404)."""
        asked = await read_model(request, StatusRequest)
        kept = self._named(request)
        await self._book.set_status(kept.rule.name, asked.status, author(caller), asked.why)
        return answer(await self._told(self._named(request)))

    async def preview(self, request: Request, _: Caller) -> Response:
        """Of the text that is given, else of the rule; 422 if the text has mistakes."""
        asked = await read_model(request, PreviewRequest, RULE_BYTES)
        if asked.text:
            parsed = await _parsed(asked.text)
            if isinstance(parsed, tuple):
                return _wrong(parsed)
            rule = parsed
        else:
            rule = self._named(request).rule
        person = await self._people.get(asked.user) if asked.user else None
        known = person.time_zone if person is not None else ""
        zone = asked.time_zone or known or self._zone
        return answer(await preview(self._engine, rule, asked, zone))

    async def test(self, request: Request, caller: Caller) -> Response:
        """202 once it is on its way; raises RefusedError (404, 422)."""
        from scheduler.content import ContentError

        asked = await read_model(request, TrialRequest)
        kept = self._named(request)
        try:
            said = await self._engine.test(kept.rule.name, asked.user, author(caller))
        except ContentError as error:
            raise RefusedError(422, "no_words", f"it cannot be worded: {error}", "user") from None
        entry = await self._ledger.get(said.id)
        if entry is None:  # the person was forgotten in between
            raise RefusedError(404, "not_found", "there is no such prompt any more", "user")
        return answer(receipt(entry, duplicate=False), 202)

    def _named(self, request: Request) -> "KeptRule":
        kept = self._book.get(request.path_params["name"])
        if kept is None:
            raise RefusedError(404, "not_found", "there is no rule of that name", "name")
        return kept

    async def _told(self, kept: "KeptRule") -> ToldRule:
        from scheduler.rule_files import write_rule

        funnel = await self._ledger.funnel(kept.rule.name)
        versions, changes = await self._book.history(kept.rule.name)
        told = [
            *(
                ToldVersion(
                    version=each.version,
                    status="",
                    by=each.by,
                    at=each.at,
                    time=rfc3339(each.at),
                    text=each.text,
                    why="",
                )
                for each in versions
            ),
            *(
                ToldVersion(
                    version=_version_at(change.at, [(v.at, v.version) for v in versions]),
                    status=change.status,
                    by=change.by,
                    at=change.at,
                    time=rfc3339(change.at),
                    text="",
                    why=change.why,
                )
                for change in changes
            ),
        ]
        newest = tuple(sorted(told, key=lambda each: each.at, reverse=True))
        text = kept.saved.text or write_rule(kept.rule)
        return ToldRule(
            **_in_list(kept, funnel).model_dump(), text=text, versions=newest[:MOST_VERSIONS]
        )


MOST_VERSIONS = 200
"""Of a rule's history; the newest."""


def _in_list(kept: "KeptRule", funnel: Mapping[str, int]) -> RuleInList:
    from scheduler.rulebook import FROM_FILES
    from scheduler.triggers import shown

    rule, saved, changed = kept.rule, kept.saved, kept.changed
    by, at, why = saved.by, saved.at, ""
    if changed is not None and changed.at >= at:
        by, at, why = changed.by, changed.at, changed.why
    if kept.missing:
        why = "its file is gone, or has a mistake"
    return RuleInList(
        name=rule.name,
        description=rule.description,
        status=rule.status,
        version=rule.version,
        purpose=rule.purpose,
        trigger=rule.trigger.kind,
        trigger_words=shown(rule.trigger),
        source="file" if saved.by in ("", FROM_FILES) else "console",
        funnel=funnel,
        by=by,
        at=at,
        time=rfc3339(at),
        why=why,
    )


def _version_at(at: float, versions: Sequence[tuple[float, int]]) -> int:
    return max((version for since, version in versions if since <= at), default=0)


async def _parsed(text: str) -> "Rule | tuple[Problem, ...]":
    from scheduler.rule_files import parse_rule

    return await asyncio.to_thread(parse_rule, text)


async def _text(request: Request) -> str:
    if media_type(request.headers) not in YAML:
        return (await read_model(request, RuleText, RULE_BYTES)).text
    try:
        return (await read_body(request, RULE_BYTES)).decode()
    except UnicodeDecodeError:
        raise RefusedError(400, "invalid_value", "the rule is not UTF-8 text") from None


def _told_problems(problems: "Sequence[Problem]") -> tuple[ToldProblem, ...]:
    return tuple(ToldProblem(line=each.line, message=each.message) for each in problems)


def _wrong(problems: "Sequence[Problem]") -> Response:
    first = problems[0]
    error = {
        "type": "invalid_request_error",
        "code": "invalid_rule",
        "message": f"line {first.line}: {first.message}",
        "param": "text",
    }
    return answer(WrongRule(error=error, problems=_told_problems(problems)), 422)
