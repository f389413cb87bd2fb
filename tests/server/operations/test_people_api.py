"""People, consent, the kill switch, who talks, dead letters."""

import httpx
import pytest

from messaging.bus import Message, Retries
from sessions.presence import InstanceCard, LiveAt, SessionCard
from tests.server.operations.conftest import Backstage
from tests.server.operations.following import until
from tests.support.serving import Serving


def test_what_is_left_out_of_a_person_stays(api: httpx.Client) -> None:
    assert api.get("/v1/users/ida").status_code == 404
    assert api.put("/v1/users/ida", json={"time_zone": "Europe/London"}).status_code == 200
    told = api.put("/v1/users/ida", json={"name": "Ida", "attributes": {"plan": "gold"}}).json()
    assert (told["time_zone"], told["name"], told["attributes"]) == (
        "Europe/London",
        "Ida",
        {"plan": "gold"},
    )
    wrong = api.put("/v1/users/ida", json={"time_zone": "Mars/Base"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "time_zone")
    large = api.put("/v1/users/ida", json={"attributes": {"a": "x" * 20_000}})
    assert (large.status_code, large.json()["error"]["param"]) == (400, "attributes")
    assert "ida" in api.get("/v1/users", params={"limit": 1000}).json()["users"]


def test_everybody_is_listed_by_page(api: httpx.Client) -> None:
    names = {"page/1", "page{2}", "päge 3"}
    for name in names:
        assert api.put(f"/v1/users/{name.replace('/', '%2F')}", json={}).status_code in (200, 404)
    for name in names - {"page/1"}:
        assert api.get(f"/v1/users/{name}").json()["user"] == name
    found, cursor = set(), {}
    while True:
        page = api.get("/v1/users", params={"limit": 1, **cursor}).json()
        found |= set(page["users"])
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert names - {"page/1"} <= found


def test_a_refusal_withdraws_what_waits_and_suppresses_what_comes(api: httpx.Client) -> None:
    said = {"user": "nan", "say": "News!", "purpose": "news"}
    waiting = api.post("/v1/outreach", json=said).json()
    told = api.put("/v1/users/nan/consent/news", json={"agreed": False, "why": "asked by mail"})
    assert told.json()["consent"]["news"]["agreed"] is False
    assert told.json()["consent"]["news"]["why"] == "asked by mail"
    assert api.get(waiting["url"]).json()["state"] == "cancelled"
    later = api.post("/v1/outreach", json=said).json()
    assert later["state"] == "suppressed"
    assert "news" in later["reason"]
    api.put("/v1/users/nan/consent/news", json={"agreed": True})
    assert api.post("/v1/outreach", json=said).json()["state"] == "published"
    wrong = api.put("/v1/users/nan/consent/Bad%20Name", json={"agreed": True})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "purpose")


def test_the_switch_stops_everything_and_says_who_and_why(operator: httpx.Client) -> None:
    stopped = operator.put("/v1/outreach/switch", json={"stopped": True, "why": "wrong prices"})
    try:
        told = stopped.json()
        assert (told["stopped"], told["by"], told["why"]) == (True, "operator", "wrong prices")
        assert told["time"].endswith("Z")
        said = operator.post("/v1/outreach", json={"user": "sw", "say": "Hello."}).json()
        assert said["state"] == "suppressed"
        assert "wrong prices" in said["reason"]
    finally:
        operator.put("/v1/outreach/switch", json={"stopped": False})
    assert operator.get("/v1/outreach/switch").json()["stopped"] is False
    assert operator.put("/v1/outreach/switch", json={"stopped": "yes"}).status_code == 400


def test_who_talks_is_told_without_a_word_of_theirs(
    open_api: Serving, api: httpx.Client, backstage: Backstage
) -> None:
    presence = backstage.operations.presence

    async def talks() -> None:
        card = SessionCard(session="sess_1", user="tom", transport="websocket", floor="speaking")
        await presence.beat(InstanceCard(instance="one", address="127.0.0.1:1", sessions=(card,)))
        await presence.enter(LiveAt("sess_1", "tom", "one", 0.0, False))

    open_api.on_loop(talks)
    told = api.get("/v1/live").json()
    (session,) = [each for each in told["sessions"] if each["user"] == "tom"]
    assert (session["instance"], session["floor"]) == ("one", "speaking")
    assert told["instances"][0]["sessions"] == 1
    assert told["bus"] == {"name": "memory", "trouble": ""}
    assert api.get("/v1/users/tom").json()["live"][0]["session"] == "sess_1"


def test_a_dead_letter_is_read_and_sent_again(
    open_api: Serving, api: httpx.Client, backstage: Backstage
) -> None:
    handled: list[bytes] = []
    broken = True

    async def handle(message: Message) -> None:
        if broken:
            raise ValueError("the stock is away")
        handled.append(message.body)

    async def send() -> None:
        retries = Retries(attempts=1, first_s=0.01)
        await backstage.bus.subscribe("stock", "counter", handle, retries=retries)
        await backstage.bus.publish("stock", b"one latte", key="u42", tag="stock.low")

    open_api.on_loop(send)
    told = until(
        lambda: api.get("/v1/dead-letters").json(), lambda told: len(told["dead_letters"]) > 0
    )
    (letter,) = told["dead_letters"]
    assert (letter["body"], letter["tag"], letter["group"]) == ("one latte", "stock.low", "counter")
    assert "the stock is away" in letter["reason"]
    assert {"topic": "stock", "group": "counter", "what": "dead", "count": 1} in told["counts"]
    broken = False
    again = f"/v1/dead-letters/stock/counter/{letter['letter']}/resend"
    assert api.post(again).json() == {"resent": True}
    until(lambda: list(handled), lambda bodies: bodies == [b"one latte"])
    assert api.post(again).status_code == 404
    assert api.get("/v1/dead-letters").json()["dead_letters"] == []


@pytest.mark.parametrize("path", ["/v1/dead-letters/no/such/letter/resend"])
def test_a_letter_that_is_not_there(api: httpx.Client, path: str) -> None:
    assert api.post(path).status_code == 404
