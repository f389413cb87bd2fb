"""Saying one thing to one person, its story, its ledger, its withdrawal, its stream."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from outreach.claims import Claim
from outreach.states import State
from tests.server.operations.conftest import Backstage
from tests.server.operations.following import until
from tests.support.keys import Keys, bearer
from tests.support.serving import PATIENCE, Serving

WORDS = ("alpha", "bravo", "charlie", "delta", "echo")


def say(api: httpx.Client, user: str, words: str = "Your table is free.", **more: object) -> dict:
    """The receipt."""
    answer = api.post("/v1/outreach", json={"user": user, "say": words, **more})
    assert answer.status_code == 202, answer.text
    return answer.json()


def begin(serving: Serving, backstage: Backstage, user: str, id: str) -> Claim:
    """As the instance does that says it."""

    async def said() -> Claim:
        claim = await backstage.operations.ledger.reserve(user, id, "one/sess", 30.0)
        assert isinstance(claim, Claim), claim
        waited_for = {"waited_for": "the person to finish speaking"}
        assert await backstage.operations.ledger.begin(claim, 30.0, evidence=waited_for) is None
        return claim

    return serving.on_loop(said)


def events(lines: Iterator[str]) -> Iterator[tuple[int | None, dict]]:
    """(id, data) of each step."""
    id = None
    for line in lines:
        if line.startswith("id:"):
            id = int(line[3:])
        elif line.startswith("data:"):
            yield id, json.loads(line[5:])


def test_a_receipt_leads_to_the_whole_story(api: httpx.Client) -> None:
    receipt = say(api, "uma", reason="You asked for it.", purpose="tables", priority="high")
    assert receipt["state"] == "published"
    assert not receipt["duplicate"]
    story = api.get(receipt["url"]).json()
    assert (story["user"], story["text"], story["purpose"]) == (
        "uma",
        "Your table is free.",
        "tables",
    )
    assert [step["state"] for step in story["steps"]] == ["matched", "published"]
    assert not story["over"]
    assert story["steps"][1]["words"] == "waits for a session of the person"
    assert story["steps"][1]["time"].endswith("Z")
    assert story["outreach"]["reason"] == "You asked for it."


def test_only_words_are_said(api: httpx.Client) -> None:
    said = say(api, "zoe", "Your\r\n  \x1b[31mtable\x00 is\u202e free.", reason="You\x07 asked.")
    story = api.get(said["url"]).json()
    assert (story["text"], story["reason"]) == ("Your [31mtable is free.", "You asked.")
    for empty in ("   ", "\x00\x01", "\u200b"):
        refused = api.post("/v1/outreach", json={"user": "zoe", "say": empty})
        assert refused.status_code == 400
        assert refused.json()["error"]["message"] == "say: holds nothing that could be said"


def test_a_word_of_a_wrong_form_is_told_what_it_should_look_like(api: httpx.Client) -> None:
    refused = api.post("/v1/events", json={"type": "../../etc", "user": "zoe"}).json()["error"]
    assert refused["param"] == "type"
    assert "such as order.ready" in refused["message"]
    body = {"user": "zoe", "say": "Hello.", "purpose": "../x"}
    refused = api.post("/v1/outreach", json=body).json()["error"]
    assert "small letters, digits" in refused["message"]


def test_the_same_key_is_the_same_prompt(api: httpx.Client) -> None:
    first = say(api, "ken", key="order-9")
    again = say(api, "ken", key="order-9")
    assert again == first | {"duplicate": True}
    by_header = api.post(
        "/v1/outreach",
        json={"user": "ken", "say": "Your table is free."},
        headers={"Idempotency-Key": "order-9"},
    )
    assert by_header.json()["id"] == first["id"]
    other = api.post("/v1/outreach", json={"user": "ken", "say": "Else.", "key": "order-9"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "key_used")
    assert say(api, "kim", key="order-9")["id"] != first["id"]
    assert say(api, "ken")["id"] != say(api, "ken")["id"]


def test_the_ledger_is_searched_by_page(api: httpx.Client) -> None:
    ids = [say(api, "lea", f"Gate {word}.")["id"] for word in WORDS]
    found, before = [], {}
    while True:
        page = api.get("/v1/outreach", params={"user": "lea", "limit": 2, **before}).json()
        found += [each["id"] for each in page["outreach"]]
        if page["next"] is None:
            break
        before = {"before": repr(page["next"])}
    assert found == ids[::-1]
    by_words = api.get("/v1/outreach", params={"user": "lea", "text": "CHARLIE gate"}).json()
    assert [each["id"] for each in by_words["outreach"]] == [ids[2]]
    none = api.get("/v1/outreach", params={"user": "lea", "state": "heard"}).json()
    assert none == {"outreach": [], "next": None}
    wrong = api.get("/v1/outreach", params={"state": "loud"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "state")
    assert api.get("/v1/outreach", params={"limit": "many"}).status_code == 400
    assert api.get("/v1/outreach", params={"before": "nan"}).status_code == 400


def test_what_waits_can_be_withdrawn_and_again(api: httpx.Client) -> None:
    receipt = say(api, "wil")
    for _ in range(2):
        answer = api.delete(receipt["url"], params={"why": "sold out"})
        assert answer.status_code == 200
        assert answer.json()["state"] == "cancelled"
    last = answer.json()["steps"][-1]
    assert last["reason"] == "withdrawn by somebody on this machine: sold out"
    assert api.delete("/v1/outreach/out_" + "0" * 32).status_code == 404


def test_what_is_being_spoken_stays_and_says_so(
    open_api: Serving, api: httpx.Client, backstage: Backstage
) -> None:
    receipt = say(api, "sid")
    claim = begin(open_api, backstage, "sid", receipt["id"])
    refused = api.delete(receipt["url"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (
        409,
        "outreach_not_cancellable",
    )
    assert "being spoken" in refused.json()["error"]["message"]
    open_api.on_loop(lambda: backstage.operations.ledger.report(claim, State.HEARD))
    assert "heard" in api.delete(receipt["url"]).json()["error"]["message"]
    story = api.get(receipt["url"]).json()
    assert story["state"] == "heard"
    assert story["over"]
    assert story["begun"] == 1


def test_a_prompt_is_followed_to_its_end(
    open_api: Serving, api: httpx.Client, backstage: Backstage
) -> None:
    receipt = say(api, "fay")
    with api.stream("GET", f"{receipt['url']}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        steps = events(answer.iter_lines())
        assert [next(steps)[1]["state"] for _ in range(2)] == ["matched", "published"]
        claim = begin(open_api, backstage, "fay", receipt["id"])
        assert [next(steps)[1]["state"] for _ in range(2)] == ["reserved", "speaking"]
        open_api.on_loop(lambda: backstage.operations.ledger.report(claim, State.EXPIRED))
        n, last = next(steps)
        assert (n, last["state"], last["over"]) == (4, "expired", True)
        assert list(steps) == []
    with api.stream("GET", f"{receipt['url']}/events", headers={"Last-Event-ID": "3"}) as answer:
        assert [n for n, _ in events(answer.iter_lines())] == [4]


def test_all_prompts_are_followed_as_far_as_asked(api: httpx.Client) -> None:
    seen: list[dict] = []
    with (
        ThreadPoolExecutor(1) as reader,
        api.stream("GET", "/v1/outreach/events", params={"user": "gil"}) as answer,
    ):
        steps = events(answer.iter_lines())
        reading = reader.submit(lambda: [seen.append(next(steps)[1]) for _ in range(2)])
        said = set()
        # From about now on: what happens before the subscription stands is not told.
        while not reading.done():
            say(api, "someone else")
            said.add(say(api, "gil")["id"])
        reading.result()
    assert {step["user"] for step in seen} == {"gil"}
    assert {step["outreach_id"] for step in seen} <= said
    assert all("n" not in step for step in seen)


def test_a_service_key_of_one_person_speaks_of_nobody_else(
    guarded: Serving, keys: Keys, api: httpx.Client
) -> None:
    theirs = say(api, "uma")
    with httpx.Client(base_url=guarded.http_url, timeout=PATIENCE) as client:
        headers = bearer(keys.service)
        assert client.get(theirs["url"], headers=headers).status_code == 200
        by = client.delete(theirs["url"], headers=headers).json()["steps"][-1]
    assert (by["by"], by["reason"]) == ("service", "withdrawn by service")


def test_the_funnel_counts_by_rule(api: httpx.Client) -> None:
    say(api, "fun")
    rules = until(
        lambda: api.get("/v1/outreach/funnel").json()["rules"],
        lambda rules: rules.get("", {}).get("published", 0) > 0,
    )
    assert rules[""]["matched"] >= rules[""]["published"]
