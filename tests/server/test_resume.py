"""Coming back to a conversation over the wire: by name, by token, in the place it was left."""

import asyncio
from base64 import b64decode

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.serving import PATIENCE, Serving
from tests.support.wire_client import Event, WireClient, wire_client


async def told_of(client: WireClient) -> Event:
    """What a client with extras is told of its session."""
    return await client.until("overture.session")


async def until_closed(client: WireClient) -> None:
    """Receives until the server closes the connection; raises ConnectionClosed."""
    while True:
        await client.receive()


async def connect_and_wait(serving: Serving, **query: str) -> None:
    """A connection that the server ends; raises ConnectionClosed."""
    async with wire_client(serving, **query) as client:
        await until_closed(client)


async def test_a_client_with_extras_is_told_its_token_and_others_are_not(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE):
        async with wire_client(serving, extras="1") as client:
            told = await told_of(client)
            assert len(told["resume_token"]) >= 32
            assert told["session_id"] == client.seen[0]["session"]["id"]
            assert told["resumed"] is False
        async with wire_client(serving) as client:
            await client.say("thank you", output_modalities=["text"])
            assert not [name for name in client.types() if name.startswith("overture.")]


async def test_a_guest_goes_on_with_the_token_alone(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE):
        async with wire_client(serving, extras="1", user="ann", session="sess_token") as client:
            token = (await told_of(client))["resume_token"]
            await client.say("I'd like a large latte", output_modalities=["text"])
        back = {"session": "sess_token", "resume": token, "user": ""}
        async with wire_client(serving, extras="1", **back) as client:
            told = await told_of(client)
            assert (told["resumed"], told["resume_token"]) == (True, token)
            done = await client.say("Make it small", output_modalities=["text"])
            assert "small" in done["response"]["output"][0]["content"][0]["text"].lower()


@pytest.mark.parametrize("live", [True, False])
async def test_another_takes_nothing_whether_it_is_live_or_not(
    serving: Serving, live: bool
) -> None:
    name = f"sess_mine_{live}".lower()
    async with asyncio.timeout(PATIENCE):
        async with wire_client(serving, extras="1", user="ann", session=name) as mine:
            token = (await told_of(mine))["resume_token"]
            await mine.say("I'd like a large latte", output_modalities=["text"])
            if live:
                await strangers_try(serving, name, token)
                # The conversation that they wanted goes on undisturbed.
                done = await mine.say("Make it small", output_modalities=["text"])
                assert "small" in done["response"]["output"][0]["content"][0]["text"].lower()
        if not live:
            await strangers_try(serving, name, token)
        async with wire_client(serving, user="ann", session=name) as client:
            done = await client.say("Make it medium", output_modalities=["text"])
            assert "medium" in done["response"]["output"][0]["content"][0]["text"].lower()


async def strangers_try(serving: Serving, name: str, token: str) -> None:
    """Everything somebody else may come with."""
    forged = token[:-1] + ("a" if token[-1] != "a" else "b")
    for query in (
        {"user": "bob"},
        {"user": "bob", "resume": token},
        {"user": "", "resume": forged},
        {"user": "ann", "resume": forged},
        {"user": ""},
    ):
        with pytest.raises(ConnectionClosed) as closed:
            await connect_and_wait(serving, session=name, **query)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        assert (
            "another's" in closed.value.rcvd.reason or "another user's" in closed.value.rcvd.reason
        )


async def test_of_two_clients_with_one_token_the_later_has_the_session(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE):
        async with wire_client(serving, extras="1", session="sess_two") as first:
            token = (await told_of(first))["resume_token"]
            await first.say("I'd like a large latte", output_modalities=["text"])
            back = {"session": "sess_two", "resume": token}
            async with wire_client(serving, extras="1", **back) as second:
                assert (await told_of(second))["resumed"] is True
                with pytest.raises(ConnectionClosed) as closed:
                    await until_closed(first)
                assert closed.value.rcvd is not None
                assert "another connection" in closed.value.rcvd.reason
                done = await second.say("Make it small", output_modalities=["text"])
                assert "small" in done["response"]["output"][0]["content"][0]["text"].lower()


async def test_a_client_that_connects_many_times_at_once_ends_up_with_its_session(
    serving: Serving,
) -> None:
    async with asyncio.timeout(PATIENCE):
        async with wire_client(serving, extras="1", session="sess_many") as client:
            token = (await told_of(client))["resume_token"]
            await client.say("I'd like a large latte", output_modalities=["text"])
        back = {"session": "sess_many", "resume": token}

        async def come_back() -> str:
            try:
                async with wire_client(serving, extras="1", **back) as client:
                    return "resumed" if (await told_of(client))["resumed"] else "anew"
            except ConnectionClosed as closed:
                return closed.rcvd.reason if closed.rcvd is not None else "cut off"

        came = await asyncio.gather(*(come_back() for _ in range(8)))
        assert set(came) <= {"resumed", "the session goes on in another connection"}
        assert "resumed" in came
        async with wire_client(serving, **back) as client:
            done = await client.say("Make it small", output_modalities=["text"])
            assert "small" in done["response"]["output"][0]["content"][0]["text"].lower()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"session": "a.b"}, "?session="),
        ({"resume": "x" * 129}, "?resume="),
        ({"played": "item_1"}, "?played="),
        ({"played": "item_1:-5"}, "?played="),
        ({"played": ":5"}, "?played="),
        ({"played": f"item_1:{10**20}"}, "?played="),
    ],
)
async def test_a_malformed_return_is_refused_with_what_would_be_right(
    serving: Serving, query: dict[str, str], said: str
) -> None:
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ConnectionClosed) as closed:
            await connect_and_wait(serving, **query)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        assert said in closed.value.rcvd.reason


def sound(event: Event) -> int:
    """Milliseconds of an audio delta."""
    return len(b64decode(event["delta"])) // 48


async def until_sounding(client: WireClient, ms: int) -> tuple[str, int]:
    """The item being said, once so much of it came."""
    heard = 0
    while heard < ms:
        event = await client.until("response.output_audio.delta")
        heard += sound(event)
    return event["item_id"], heard


async def test_the_rest_is_said_to_a_client_whose_connection_was_cut(serving: Serving) -> None:
    async with asyncio.timeout(PATIENCE):
        async with wire_client(serving, extras="1", session="sess_cut") as client:
            token = (await told_of(client))["resume_token"]
            await client.send(
                {"type": "conversation.item.create", "item": typed("What is in a mocha?")},
                {"type": "response.create"},
            )
            item_id, heard_ms = await until_sounding(client, 400)
            client.socket.transport.abort()
        back = {"resume": token, "played": f"{item_id}:{heard_ms}", "session": "sess_cut"}
        async with wire_client(serving, extras="1", **back) as client:
            created = await client.until("response.created")
            assert created["response"]["metadata"] == {"continues": item_id}
            done = await client.until("response.done")
            assert done["response"]["status"] == "completed"
            rest = done["response"]["output"][0]["content"][0]["transcript"]
            await client.send({"type": "conversation.item.retrieve", "item_id": item_id})
            kept = (await client.until("conversation.item.retrieved"))["item"]
            heard = kept["content"][0]["transcript"]
            assert heard
            assert rest.startswith(heard)


def typed(text: str) -> Event:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
