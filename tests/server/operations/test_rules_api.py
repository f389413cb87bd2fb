"""Rules over HTTP: read, checked, written, previewed, tried, put live."""

import httpx
import pytest

RIGHT = """name: hello_there
status: draft
trigger: {cron: "30 16 * * *"}
audience: {live: true}
say: Hello there.
"""
WRONG = """name: hello_there
trigger: {evnt: order.ready}
say: Hello.
"""


def test_the_folders_rules_are_listed_with_their_mistakes(operator: httpx.Client) -> None:
    told = operator.get("/v1/rules").json()
    rules = {rule["name"]: rule for rule in told["rules"]}
    assert rules["order_ready"]["status"] == "live"
    assert rules["order_ready"]["trigger_words"] == "event order.ready"
    assert rules["order_ready"]["source"] == "file"
    (problem,) = told["problems"]
    assert (problem["line"], problem["message"]) == (3, "should be a time")


def test_a_mistake_is_told_with_its_line_and_nothing_is_kept(operator: httpx.Client) -> None:
    checked = operator.post("/v1/rules/check", json={"text": WRONG}).json()["problems"]
    assert checked[0]["line"] == 2
    assert "event" in checked[0]["message"]
    refused = operator.put("/v1/rules/hello_there", json={"text": WRONG})
    assert refused.status_code == 422
    assert refused.json()["problems"] == checked
    assert refused.json()["error"]["code"] == "invalid_rule"
    assert operator.get("/v1/rules/hello_there").status_code == 404
    assert operator.post("/v1/rules/check", json={"text": RIGHT}).json() == {"problems": []}


def test_a_rule_keeps_the_name_of_its_address(operator: httpx.Client) -> None:
    refused = operator.put("/v1/rules/other_name", json={"text": RIGHT})
    assert refused.status_code == 422
    assert refused.json()["problems"][0]["line"] == 1


def test_a_rule_is_written_put_live_and_its_history_read(operator: httpx.Client) -> None:
    text = RIGHT.replace("hello_there", "written")
    first = operator.put(
        "/v1/rules/written", content=text, headers={"Content-Type": "application/yaml"}
    )
    assert first.status_code == 200, first.text
    assert (first.json()["version"], first.json()["source"]) == (1, "console")
    live = operator.post("/v1/rules/written/status", json={"status": "live", "why": "tried"})
    assert (live.json()["status"], live.json()["why"]) == ("live", "tried")
    second = operator.put("/v1/rules/written", json={"text": text.replace("there.", "again.")})
    assert second.json()["version"] == 2
    assert "again." in second.json()["text"]
    history = [(each["version"], each["status"], each["by"]) for each in second.json()["versions"]]
    assert history == [(2, "", "operator"), (1, "live", "operator"), (1, "", "operator")]
    assert operator.post("/v1/rules/nobody/status", json={"status": "live"}).status_code == 404
    wrong = operator.post("/v1/rules/written/status", json={"status": "loud"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "status")


def test_a_preview_shows_ten_firings_and_every_check(operator: httpx.Client) -> None:
    answer = operator.post(
        "/v1/rules/anything/preview",
        json={"user": "pia", "time_zone": "Europe/London", "text": RIGHT},
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert len(told["firings"]) == 10
    assert all(firing["local"].endswith("16:30") for firing in told["firings"])
    assert told["checks"][0]["name"] == "switch"
    assert {check["name"]: check["passed"] for check in told["checks"]}["status"] is False
    assert told["text"] == "Hello there."
    assert told["decision"] == "suppress"
    assert operator.get("/v1/outreach", params={"user": "pia"}).json()["outreach"] == []


def test_a_preview_without_a_person_has_no_checks(operator: httpx.Client) -> None:
    told = operator.post(
        "/v1/rules/closing_soon/preview", json={"user": "", "time_zone": "", "text": ""}
    ).json()
    assert told["checks"] == []
    assert told["firings"][0]["local"].endswith("16:30")
    wrong = operator.post("/v1/rules/closing_soon/preview", json={"time_zone": "Mars/Base"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "time_zone")
    by_event = operator.post("/v1/rules/order_ready/preview", json={"user": "pia"}).json()
    assert by_event["firings"] == []
    assert by_event["text"] == "Your drink is ready."


def test_a_test_is_said_to_one_person_and_not_counted(operator: httpx.Client) -> None:
    answer = operator.post("/v1/rules/closing_soon/test", json={"user": "me"})
    assert answer.status_code == 202, answer.text
    story = operator.get(answer.json()["url"]).json()
    assert story["test"]
    assert story["text"] == "We close in half an hour."
    assert "closing_soon" not in operator.get("/v1/outreach/funnel").json()["rules"]
    assert operator.post("/v1/rules/nobody/test", json={"user": "me"}).status_code == 404


@pytest.mark.parametrize("text", ["", "[" * 200, "rules: []", "name: {", "- a\n- b", "\x00"])
def test_hostile_texts_are_only_wrong(operator: httpx.Client, text: str) -> None:
    answer = operator.post("/v1/rules/check", json={"text": text})
    assert answer.status_code == 200
    assert answer.json()["problems"]


def test_an_address_that_cannot_be_a_name_is_told_so(api: httpx.Client) -> None:
    text = "name: x\ntrigger: {event: a.b}\nsay: Hello."
    for name in ("A B", "%2e%2e", "a%00b", "x" * 300):
        refused = api.put(f"/v1/rules/{name}", json={"text": text})
        assert refused.status_code == 422
        assert "cannot be a rule's name" in refused.json()["problems"][0]["message"]
    assert api.get("/v1/rules/x").status_code == 404
