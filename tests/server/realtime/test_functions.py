"""Functions that a client runs, over a real socket: called through the café's intents."""

import asyncio
import json
from typing import Any

import pytest

from tests.server.realtime.test_turns import TEXT_ONLY
from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import Event, WireClient, wire_client

ORDERING = {
    "type": "function",
    "name": "orderDrink",
    "description": "Places an order.",
    "parameters": {"type": "object", "properties": {"coffeeDrink": {"type": "string"}}},
}


def with_tools(*tools: Event, **fields: Any) -> Event:
    """A text session with these functions."""
    session: Event = dict(TEXT_ONLY["session"])  # type: ignore[call-overload]
    return TEXT_ONLY | {"session": session | {"tools": list(tools)} | fields}


async def order(client: WireClient) -> Event:
    """Orders, and says yes; returns the response to that."""
    await client.say("I'd like a large latte with soy milk")
    return await client.say("yes")


async def test_a_confirmed_order_calls_the_function_and_goes_on_with_its_output(
    serving: Serving,
) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(with_tools(ORDERING))
        updated = await client.until("session.updated")
        assert updated["session"]["tools"] == [ORDERING]
        done = await order(client)
        (call,) = done["response"]["output"]
        assert (call["type"], call["name"], call["status"]) == (
            "function_call",
            "orderDrink",
            "completed",
        )
        assert json.loads(call["arguments"])["coffeeDrink"] == "latte"
        await client.send({"type": "conversation.item.retrieve", "item_id": call["id"]})
        assert (await client.until("conversation.item.retrieved"))["item"] == call
        item = {
            "type": "function_call_output",
            "call_id": call["call_id"],
            "output": '{"say": "Your number is seven."}',
        }
        await client.send(
            {"type": "conversation.item.create", "item": item}, {"type": "response.create"}
        )
        done = await client.until("response.done")
        assert done["response"]["output"][0]["content"][0]["text"] == "Your number is seven."
    begun = [at for at, e in enumerate(client.seen) if e["type"] == "response.created"]
    called = [
        e["type"] for e in client.seen[begun[1] : begun[2]] if e["type"] != "rate_limits.updated"
    ]
    assert called[:9] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
        "conversation.item.retrieved",
    ]


async def test_no_function_is_called_where_the_client_wants_none(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(with_tools(ORDERING, tool_choice="none"))
        done = await order(client)
    assert [item["type"] for item in done["response"]["output"]] == ["message"]


async def test_one_response_may_have_functions_of_its_own(serving: Serving) -> None:
    choice = {"type": "function", "name": "orderDrink"}
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send(TEXT_ONLY)
        done = await client.say("A large latte please", tools=[ORDERING], tool_choice=choice)
    assert [item["type"] for item in done["response"]["output"]] == ["function_call"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "session.tools.0.type"),
        ({"tools": [{"type": "function"}]}, "session.tools.0.name"),
        ({"tools": [{"type": "function", "name": "no spaces"}]}, "session.tools.0.name"),
        ({"tools": [ORDERING, ORDERING]}, "session.tools"),
        ({"tools": "all"}, "session.tools"),
        ({"tool_choice": "sometimes"}, "session.tool_choice"),
        ({"tool_choice": {"type": "function"}}, "session.tool_choice.name"),
        ({"max_output_tokens": 0}, "session.max_output_tokens"),
    ],
)
async def test_what_cannot_be_called_is_refused_with_its_field(
    serving: Serving, fields: dict[str, Any], param: str
) -> None:
    async with asyncio.timeout(PATIENCE), wire_client(serving) as client:
        await client.send({"type": "session.update", "session": fields, "event_id": "mine"})
        error = await client.error()
        assert (error["param"], error["event_id"]) == (param, "mine")
