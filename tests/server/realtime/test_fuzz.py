"""Whatever a client sends, the session answers or ignores it, and lives on."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.realtime.client_events import ClientEvent
from server.realtime.errors import ClientError
from server.realtime.incoming import parse, typed
from server.realtime.wire_session import changed
from tests.server.realtime.test_wire_session import FRESH
from tests.support.hypothesis_profiles import examples
from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import WireClient, wire_client

Json = dict[str, Any]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)
IDS = st.sampled_from(["a", "b", "root", "", "item_0", "x" * 200, "\x00", "résumé"])
WORDS = st.sampled_from(["", "hello", "a large latte please", "when do you close"])
AUDIO = st.sampled_from(["", "AAAA", "AAA", "!", "AAAAAAAA" * 400, "/v8=" * 300])
METADATA = st.dictionaries(st.text(max_size=70), st.text(max_size=600) | VALUES, max_size=18)
MODALITIES = st.sampled_from([["text"], ["audio"], ["text", "audio"], [], ["smell"]])

MESSAGES = st.fixed_dictionaries(
    {
        "type": st.just("message"),
        "role": st.sampled_from(["user", "assistant", "system", "tool"]),
        "content": st.lists(
            st.fixed_dictionaries(
                {"type": st.sampled_from(["input_text", "output_text", "input_audio", "text"])},
                optional={"text": WORDS, "transcript": WORDS, "audio": AUDIO},
            ),
            max_size=3,
        ),
    },
    optional={"id": IDS},
)
CALLS = st.fixed_dictionaries(
    {"type": st.sampled_from(["function_call", "function_call_output", "mcp_call"])},
    optional={"id": IDS, "call_id": IDS, "name": WORDS, "arguments": WORDS, "output": WORDS},
)
FORMATS = st.sampled_from(
    [
        {"type": "audio/pcm"},
        {"type": "audio/pcm", "rate": 24000},
        {"type": "audio/pcmu"},
        {"type": "audio/pcma"},
        {"rate": 8000},
        "g711_ulaw",
    ]
)
TURNS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["server_vad", "semantic_vad", "none"]),
        "threshold": st.floats(-1, 2),
        "silence_duration_ms": st.integers(-1, 20_000),
        "idle_timeout_ms": st.none() | st.integers(0, 10_000),
        "eagerness": st.sampled_from(["low", "auto", "no"]),
        "create_response": st.booleans(),
        "interrupt_response": st.booleans(),
    },
)
TOOLS = st.lists(
    st.fixed_dictionaries(
        {"type": st.just("function"), "name": WORDS},
        optional={"description": WORDS, "parameters": VALUES},
    ),
    max_size=3,
)
SESSIONS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["realtime", "transcription"]),
        "output_modalities": MODALITIES,
        "instructions": WORDS,
        "tools": TOOLS,
        "tool_choice": st.sampled_from(["auto", "none", "required"]) | VALUES,
        "max_output_tokens": st.sampled_from([1, 4096, "inf", "many", -1]),
        "tracing": VALUES,
        "audio": st.fixed_dictionaries(
            {},
            optional={
                "input": st.fixed_dictionaries(
                    {}, optional={"format": FORMATS, "turn_detection": TURNS, "unknown": VALUES}
                ),
                "output": st.fixed_dictionaries(
                    {}, optional={"format": FORMATS, "voice": WORDS, "speed": st.floats(0, 2)}
                ),
            },
        ),
    },
)
RESPONSES = st.fixed_dictionaries(
    {},
    optional={
        "output_modalities": MODALITIES,
        "instructions": WORDS,
        "metadata": METADATA,
        "conversation": st.sampled_from(["auto", "none", "other"]),
        "input": st.lists(MESSAGES | CALLS, max_size=2),
        "tools": TOOLS,
        "max_output_tokens": st.sampled_from([1, "inf", 0]),
    },
)


def event(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """An event with all of its fields, each as it should be or nearly."""
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


EVENTS = st.one_of(
    event("session.update", session=SESSIONS),
    event("input_audio_buffer.append", audio=AUDIO),
    event("input_audio_buffer.commit"),
    event("input_audio_buffer.clear"),
    event("conversation.item.create", item=MESSAGES | CALLS),
    event("conversation.item.create", item=MESSAGES, previous_item_id=IDS),
    event("conversation.item.retrieve", item_id=IDS),
    event("conversation.item.delete", item_id=IDS),
    event(
        "conversation.item.truncate",
        item_id=IDS,
        content_index=st.sampled_from([0, 1]),
        audio_end_ms=st.integers(-1, 10**12),
    ),
    event("response.create", response=RESPONSES),
    event("response.create"),
    event("response.cancel", response_id=IDS),
    event("response.cancel"),
    event("output_audio_buffer.clear"),
)


@st.composite
def mutated(draw: st.DrawFn) -> Json:
    """An event of which one field, at any depth, is gone or something else."""
    whole = draw(EVENTS)
    place: Any = whole
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return whole
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if isinstance(inner, (dict, list)) and inner and draw(st.booleans()):
            place = inner
            continue
        if isinstance(place, dict) and draw(st.booleans()):
            del place[key]
        else:
            place[key] = draw(VALUES)
        return whole


ACKNOWLEDGED = {
    "session.update": "session.updated",
    "input_audio_buffer.clear": "input_audio_buffer.cleared",
    "conversation.item.create": "conversation.item.added",
    "conversation.item.retrieve": "conversation.item.retrieved",
    "conversation.item.delete": "conversation.item.deleted",
    "conversation.item.truncate": "conversation.item.truncated",
}
"""What answers these when no error does; the others' effects come in their own time."""


def on_a_session(
    serving: Serving, talk: Callable[[WireClient], Coroutine[Any, Any, None]], **query: str
) -> None:
    """Runs it as a client of its own."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE), wire_client(serving, **query) as client:
            client.unchecked = frozenset({"session.updated"})
            await talk(client)

    asyncio.run(run())


async def until_answered(client: WireClient, mark: str) -> None:
    """Everything before this was looked at: events are carried out in order."""
    await client.send({"type": "conversation.item.retrieve", "item_id": mark, "event_id": mark})
    while True:
        answer = await client.receive()
        if answer["type"] == "error" and answer["error"]["event_id"] == mark:
            return


@examples(40)
@given(events=st.lists(EVENTS | mutated(), min_size=1, max_size=12), extras=st.sampled_from("01"))
def test_every_event_is_answered_by_an_error_or_has_its_effect(
    serving: Serving, events: list[Json], extras: str
) -> None:
    named = [each | {"event_id": f"fuzz_{at}"} for at, each in enumerate(events)]

    async def talk(client: WireClient) -> None:
        await client.send(*named)
        await until_answered(client, "end")
        errors = [e["error"]["event_id"] for e in client.seen if e["type"] == "error"]
        assert set(errors) <= {each["event_id"] for each in named} | {"end"}
        assert len(errors) == len(set(errors)), "an event is refused once"
        accepted = [each["type"] for each in named if each["event_id"] not in errors]
        for kind, answer in ACKNOWLEDGED.items():
            wanted = sum(isinstance(name, str) and name == kind for name in accepted)
            got = [e for e in client.seen if e["type"] == answer]
            assert len(got) >= wanted, (kind, named, client.seen)

    on_a_session(serving, talk, extras=extras)


@examples(25)
@given(texts=st.lists(st.text(max_size=40) | VALUES.map(json.dumps), min_size=1, max_size=8))
def test_what_is_no_event_is_refused_and_the_session_goes_on(
    serving: Serving, texts: list[str]
) -> None:
    async def talk(client: WireClient) -> None:
        for text in texts:
            await client.socket.send(text)
        await until_answered(client, "end")
        errors = [e for e in client.seen if e["type"] == "error"]
        assert len(errors) == len(texts) + 1

    on_a_session(serving, talk)


@examples(300)
@given(st.binary(max_size=60) | st.text(max_size=60) | VALUES.map(json.dumps))
def test_no_message_fails_but_by_an_error_of_the_clients(message: bytes | str) -> None:
    with pytest.raises(ClientError):  # nothing that is made here is an event with a known type
        typed(parse(message), extras=True)


@examples(300)
@given(EVENTS | mutated())
def test_every_event_is_understood_or_refused(data: Json) -> None:
    refused: ClientError | None = None
    try:
        understood: ClientEvent = typed(parse(json.dumps(data)), extras=True)
    except ClientError as error:
        refused = error
    if refused is None:
        assert understood.type == data["type"]
    else:
        assert refused.code
        assert str(refused)


@examples(300)
@given(SESSIONS | st.dictionaries(st.text(max_size=10), VALUES, max_size=4))
def test_every_session_is_taken_or_refused(patch: Json) -> None:
    refused: ClientError | None = None
    session = FRESH
    try:
        session = changed(FRESH, patch)
    except ClientError as error:
        refused = error
    assert session.id == FRESH.id
    assert refused is None or (refused.param or "").startswith("session")


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(ClientError, match="JSON"):
        parse('{"type":' + "[" * 5000)
    with pytest.raises(ClientError):
        parse("[" * 2000 + "]" * 2000)
