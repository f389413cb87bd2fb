"""What of the RocketMQ bus can be told without a RocketMQ: addresses, names, the broker's own
protocol, what is loaded."""

import asyncio
import json
import struct
import subprocess
import sys
import zlib
from asyncio import StreamReader, StreamWriter, start_server

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.bus import BusError, BusUnavailableError
from messaging.rocketmq import names
from messaging.rocketmq.address import parse_address
from messaging.rocketmq.envelope import Envelope, open_envelope, open_letter
from messaging.rocketmq.remoting import Remoting, RemotingError
from messaging.rocketmq.stored import decode_stored


def test_the_brokers_port_is_guessed_from_the_proxys() -> None:
    assert parse_address("rocketmq://mq.example:8081").broker == "mq.example:10911"
    assert parse_address("127.0.0.1:18081").broker == "127.0.0.1:20911"
    assert parse_address("mq.example").proxy == "mq.example:8081"
    assert parse_address("rocketmq://[::1]:8081").broker == "[::1]:10911"


def test_the_broker_can_be_named() -> None:
    address = parse_address("rocketmq://mq:8081?broker=other:9")
    assert (address.proxy, address.broker) == ("mq:8081", "other:9")
    assert parse_address("mq:8081", "third:7").broker == "third:7"


@pytest.mark.parametrize(
    "text", ["", "redis://x:1", "rocketmq://", "rocketmq://x:port", "rocketmq://x:8081/topic"]
)
def test_an_address_that_cannot_be_read_says_how_to_write_it(text: str) -> None:
    with pytest.raises(BusError, match="write rocketmq://HOST:8081"):
        parse_address(text)


@pytest.mark.parametrize("broker", ["nowhere", "x:", "x:0", "x:70000", "x:y"])
def test_a_broker_that_cannot_be_read_says_how_to_write_it(broker: str) -> None:
    with pytest.raises(BusError, match="broker=HOST:10911"):
        parse_address("mq:8081", broker)


@given(st.text(max_size=40), st.text(max_size=40))
def test_different_names_stay_different_at_the_broker(one: str, other: str) -> None:
    assert (names.encode(one) == names.encode(other)) == (one == other)


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_every_name_is_one_that_rocketmq_takes(topic: str, group: str, instance: str) -> None:
    there = names.encode(topic)
    own = names.own_group(there, group, "all", instance)
    for name in (names.keyed(there), names.later(there), names.dead(there), names.keyed(own)):
        assert len(name) <= 127
        assert not set(name) - set(names.ALLOWED)
    assert names.AT in own  # it is known as one instance's own, however long


@given(st.text(max_size=50), st.text(max_size=50))
def test_what_travels_with_a_message_comes_back(key: str, tag: str) -> None:
    sent = Envelope(id="i", key=key, tag=tag, born=1.5, due=2.5, owner=key, only=tag)
    properties = sent.properties()
    assert all(" " <= letter <= "~" for value in properties.values() for letter in value)
    assert open_envelope(properties, "theirs") == sent


def test_a_message_of_another_program_has_the_brokers_id() -> None:
    assert open_envelope({}, "THEIRS").id == "THEIRS"
    assert open_envelope({"overture": "{"}, "THEIRS").key == ""
    assert open_letter({"overture": "[]"}) is None


def _stored(offset: int, body: bytes, properties: str, *, compressed: bool, long: bool) -> bytes:
    content = zlib.compress(body) if compressed else body
    topic = b"a-topic"
    rest = struct.pack(">iii", 0, 0, 0)  # checksum, queue, flag
    rest += struct.pack(">qqiq", offset, 0, 1 if compressed else 0, 0)
    rest += bytes(8) + bytes(8) + bytes(8) + bytes(4) + bytes(8)
    rest += struct.pack(">i", len(content)) + content
    rest += struct.pack(">H" if long else ">B", len(topic)) + topic
    rest += struct.pack(">H", len(properties.encode())) + properties.encode()
    return struct.pack(">iI", len(rest) + 8, 0xDAA320AB if long else 0xDAA320A7) + rest


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("long", [False, True])
def test_stored_messages_are_read(compressed: bool, long: bool) -> None:
    content = b"".join(
        _stored(n, b"body" * n, "a\x01b\x02c\x01é\x02", compressed=compressed, long=long)
        for n in (3, 4)
    )
    first, second = decode_stored(content)
    assert (first.offset, first.body, first.properties) == (3, b"body" * 3, {"a": "b", "c": "é"})
    assert second.offset == 4


@given(st.binary(max_size=200))
def test_half_a_stored_message_is_no_message(garbage: bytes) -> None:
    whole = _stored(1, b"x", "", compressed=False, long=False)
    assert len(list(decode_stored(whole + whole[:-1]))) == 1
    assert not list(decode_stored(struct.pack(">iI", 10_000, 0xDAA320A7) + garbage))


async def test_the_brokers_refusal_is_told() -> None:
    async def refuse(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readexactly(4)
        header = json.dumps({"code": 17, "remark": "no such topic"}).encode()
        writer.write(struct.pack(">ii", 4 + len(header), len(header)) + header)
        await writer.drain()
        writer.close()

    async with await start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Remoting(f"127.0.0.1:{port}") as broker:
            with pytest.raises(RemotingError, match=r"no such topic \(code 17\)") as refused:
                await broker.call(351, {})
    assert refused.value.code == 17


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(64)])
async def test_something_else_on_the_brokers_port_is_told(answer: bytes) -> None:
    async def other(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await start_server(other, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Remoting(f"127.0.0.1:{port}") as broker:
            with pytest.raises(BusUnavailableError, match="did not answer"):
                await broker.call(351, {})


def test_a_server_without_rocketmq_does_not_load_grpc() -> None:
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, messaging.rocketmq, messaging.memory, overture.compose; "
            "print([name for name in ('grpc', 'rocketmq') if name in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert found.stdout.strip() == "[]"


def test_only_the_stubs_of_the_client_library_are_loaded() -> None:
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, threading, messaging.rocketmq.bus; "
            "print([n for n in sys.modules if n.startswith(('rocketmq.v5', 'opentelemetry'))], "
            "threading.active_count())",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert found.stdout.strip() == "[] 1"


async def test_a_mistake_does_not_end_a_consumer() -> None:
    from messaging.rocketmq.consumer import Consumer

    made = asyncio.Event()
    tries: list[str] = []

    class Connected:
        async def ready(self) -> None:
            """At once."""

    async def make() -> None:
        tries.append("made")
        if len(tries) == 1:
            raise KeyError("offset")
        made.set()
        await asyncio.Event().wait()

    async def room() -> int:
        return 1

    consumer = Consumer(
        Connected(),  # type: ignore[arg-type]
        "t",
        "g",
        expression="*",
        hidden_s=10.0,
        make=make,
        remake=make,
        room=room,
        take=lambda consumer, received: None,
    )
    running = asyncio.create_task(consumer.run())
    async with asyncio.timeout(30):
        await made.wait()
    assert "offset" in consumer.trouble
    running.cancel()
    await asyncio.wait([running])
