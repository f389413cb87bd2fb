"""What every adapter of the bus promises (messaging/bus.py), over all of them."""

import asyncio
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from messaging.bus import MAX_BODY_BYTES, Bus, BusError, Delivery, Message, Retries
from tests.messaging.buses import BROKERS, PATIENCE, Broker, dying_consumer, until

QUICK = Retries(attempts=3, first_s=0.02, longest_s=0.1)


class Heard:
    """A handler that remembers what it got."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def bodies(self) -> list[bytes]:
        return [message.body for message in self.messages]

    async def count(self, n: int) -> None:
        """Returns when it has got this many."""
        await until(lambda: len(self.messages) >= n)


@pytest.fixture(params=BROKERS)
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[Broker]:
    async with BROKERS[request.param]() as started:
        yield started


@pytest.fixture
async def bus_of(broker: Broker) -> AsyncIterator[Callable[[str], Awaitable[Bus]]]:
    """Starts an instance's bus; it ends with the test."""
    started: list[Bus] = []

    async def start(instance: str) -> Bus:
        bus = broker.bus(instance)
        started.append(bus)
        async with asyncio.timeout(PATIENCE):
            await bus.start()
        return bus

    yield start
    async with asyncio.timeout(PATIENCE):
        for bus in started:
            await bus.aclose()


BusOf = Callable[[str], Awaitable[Bus]]


@pytest.fixture
def topic() -> str:
    """A topic that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


async def test_a_message_comes_as_it_was_published(bus_of: BusOf, topic: str) -> None:
    bus, heard = await bus_of("one"), Heard()
    await bus.subscribe(topic, "group", heard)
    id = await bus.publish(topic, b"\x00\xff body", key="u42", tag="order.ready")
    await heard.count(1)
    message = heard.messages[0]
    assert (message.id, message.topic, message.tag) == (id, topic, "order.ready")
    assert (message.key, message.body, message.attempt) == ("u42", b"\x00\xff body", 1)
    assert message.born > 1.6e9


async def test_the_publishers_own_id_is_kept(bus_of: BusOf, topic: str) -> None:
    bus, heard = await bus_of("one"), Heard()
    await bus.subscribe(topic, "group", heard)
    assert await bus.publish(topic, b"", id="evt-1") == "evt-1"
    await heard.count(1)
    assert heard.messages[0].id == "evt-1"


async def test_each_message_goes_to_one_consumer_of_a_group(bus_of: BusOf, topic: str) -> None:
    first, second = Heard(), Heard()
    await (await bus_of("one")).subscribe(topic, "group", first)
    await (await bus_of("two")).subscribe(topic, "group", second)
    publisher = await bus_of("publisher")
    sent = [await publisher.publish(topic, str(n).encode()) for n in range(40)]
    await until(lambda: len(first.messages) + len(second.messages) >= 40)
    # Nothing comes twice: what is published now is handled after everything before it began.
    await publisher.publish(topic, b"last")
    await until(lambda: b"last" in first.bodies + second.bodies)
    got = [message.id for message in first.messages + second.messages if message.body != b"last"]
    assert sorted(got) == sorted(sent)


async def test_each_group_gets_every_message(bus_of: BusOf, topic: str) -> None:
    bus, first, second = await bus_of("one"), Heard(), Heard()
    await bus.subscribe(topic, "first", first)
    await bus.subscribe(topic, "second", second)
    await bus.publish(topic, b"x")
    await first.count(1)
    await second.count(1)


async def test_all_reaches_every_instance(bus_of: BusOf, topic: str) -> None:
    heard = [Heard(), Heard(), Heard()]
    for n, each in enumerate(heard):
        await (await bus_of(f"instance-{n}")).subscribe(topic, "g", each, delivery=Delivery.ALL)
    publisher = await bus_of("publisher")
    for n in range(5):
        await publisher.publish(topic, str(n).encode())
    for each in heard:
        await each.count(5)
        assert sorted(each.bodies) == [b"0", b"1", b"2", b"3", b"4"]


async def test_owner_reaches_the_named_instance_alone(bus_of: BusOf, topic: str) -> None:
    first, second = Heard(), Heard()
    one, two = await bus_of("one"), await bus_of("two {#1}: é/*")
    await one.subscribe(topic, "g", first, delivery=Delivery.OWNER)
    await two.subscribe(topic, "g", second, delivery=Delivery.OWNER)
    await one.publish(topic, b"to two", owner="two {#1}: é/*")
    await two.publish(topic, b"to one", owner="one")
    await one.publish(topic, b"to nobody", owner="three")
    await one.publish(topic, b"to one", owner="one")
    await first.count(2)
    await second.count(1)
    assert (first.bodies, second.bodies) == ([b"to one", b"to one"], [b"to two"])


async def test_a_pattern_of_tags_chooses(bus_of: BusOf, topic: str) -> None:
    bus = await bus_of("one")
    heard = {pattern: Heard() for pattern in ("order.*", "order.#", "*", "order.ready")}
    for n, (pattern, each) in enumerate(heard.items()):
        await bus.subscribe(topic, f"group-{n}", each, tags=pattern)
    tags = ["order.ready", "order.ready.late", "order", "menu.ready", ""]
    for tag in tags:
        await bus.publish(topic, tag.encode(), tag=tag, key="k")
    await bus.publish(topic, b"end", tag="order.ready", key="k")  # comes last: one key
    for each in heard.values():
        await until(lambda each=each: b"end" in each.bodies)  # type: ignore[misc]
    got = {pattern: [body.decode() for body in each.bodies[:-1]] for pattern, each in heard.items()}
    assert got == {
        "order.*": ["order.ready"],
        "order.#": ["order.ready", "order.ready.late", "order"],
        "*": tags,
        "order.ready": ["order.ready"],
    }


@pytest.mark.parametrize("delivery", [Delivery.ONCE, Delivery.ALL])
async def test_messages_of_a_key_come_in_order_and_one_at_a_time(
    bus_of: BusOf, topic: str, delivery: Delivery
) -> None:
    by_key: dict[str, list[int]] = defaultdict(list)
    running: set[str] = set()
    overlaps: list[str] = []

    async def handler(message: Message) -> None:
        if message.key in running:
            overlaps.append(message.key)
        running.add(message.key)
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0)
        if message.attempt == 1 and random.random() < 0.1:
            running.discard(message.key)
            raise RuntimeError("again, please")
        by_key[message.key].append(int(message.body))
        running.discard(message.key)

    instances = ["one", "two"] if delivery is Delivery.ONCE else ["one"]
    for instance in instances:
        bus = await bus_of(instance)
        await bus.subscribe(topic, "g", handler, delivery=delivery, retries=QUICK, at_once=8)
    publisher = await bus_of("publisher")
    for n in range(150):
        await publisher.publish(topic, str(n).encode(), key=f"key {n % 7}")
    await until(lambda: sum(map(len, by_key.values())) >= 150)
    assert not overlaps
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


@pytest.mark.parametrize("delivery", list(Delivery))
async def test_what_fails_comes_again_then_is_a_dead_letter_that_can_be_sent_again(
    bus_of: BusOf, topic: str, delivery: Delivery
) -> None:
    bus = await bus_of("one")
    attempts: list[int] = []
    mended = False

    async def handler(message: Message) -> None:
        attempts.append(message.attempt)
        if not mended:
            raise ValueError("no such drink: läte")

    await bus.subscribe(topic, "g", handler, delivery=delivery, retries=QUICK)
    owner = "one" if delivery is Delivery.OWNER else ""
    id = await bus.publish(topic, b"latte", key="u42", tag="order.ready", owner=owner)
    await until(lambda: bus.counts[topic, "g", "dead"] == 1)
    assert attempts == [1, 2, 3]
    async with asyncio.timeout(PATIENCE):
        while not (letters := await bus.dead_letters(topic, "g")):
            await asyncio.sleep(0.005)
    [letter] = letters
    assert letter.group == "g"
    assert (letter.message.id, letter.message.key, letter.message.tag) == (id, "u42", "order.ready")
    assert letter.message.body == b"latte"
    assert letter.reason == "ValueError: no such drink: läte"
    assert letter.died >= letter.message.born

    mended = True
    assert await bus.resend(topic, "g", letter.letter)
    await until(lambda: len(attempts) == 4)
    assert attempts[3] == 1
    assert not await bus.dead_letters(topic, "g")
    assert not await bus.resend(topic, "g", letter.letter)
    assert not await bus.resend(topic, "g", "no such letter")
    await until(lambda: bus.counts[topic, "g", "handled"] == 1)
    assert {what: n for (of, _, what), n in bus.counts.items() if of == topic and n} == {
        "published": 1,
        "failed": 3,
        "retried": 2,
        "dead": 1,
        "resent": 1,
        "handled": 1,
    }


async def test_a_dead_letter_is_sent_again_to_its_own_group_only(bus_of: BusOf, topic: str) -> None:
    bus, other = await bus_of("one"), Heard()
    attempts: list[int] = []

    async def handler(message: Message) -> None:
        attempts.append(message.attempt)
        if len(attempts) == 1:
            raise ValueError("once")

    await bus.subscribe(topic, "failing", handler, retries=Retries(attempts=1))
    await bus.subscribe(topic, "other", other)
    await bus.publish(topic, b"first")
    await until(lambda: bus.counts[topic, "failing", "dead"] == 1)
    [letter] = await bus.dead_letters(topic, "failing")
    assert not await bus.dead_letters(topic, "other")
    await bus.resend(topic, "failing", letter.letter)
    await until(lambda: len(attempts) == 2)
    await bus.publish(topic, b"second")
    await until(lambda: b"second" in other.bodies)
    assert other.bodies == [b"first", b"second"]


async def test_the_next_of_a_key_waits_until_the_one_before_it_is_dead(
    bus_of: BusOf, topic: str
) -> None:
    bus = await bus_of("one")
    seen: list[bytes] = []

    async def handler(message: Message) -> None:
        seen.append(message.body)
        if message.body == b"bad":
            raise ValueError("bad")

    await bus.subscribe(topic, "g", handler, retries=QUICK)
    await bus.publish(topic, b"bad", key="k")
    await bus.publish(topic, b"good", key="k")
    await until(lambda: b"good" in seen)
    assert seen == [b"bad", b"bad", b"bad", b"good"]


async def test_a_handler_that_takes_too_long_has_failed(bus_of: BusOf, topic: str) -> None:
    bus = await bus_of("one")
    retries = Retries(attempts=2, first_s=0.01, handling_s=0.1)

    async def handler(message: Message) -> None:
        await asyncio.Event().wait()

    await bus.subscribe(topic, "g", handler, retries=retries)
    await bus.publish(topic, b"")
    await until(lambda: bus.counts[topic, "g", "dead"] == 1)
    async with asyncio.timeout(PATIENCE):
        while not (letters := await bus.dead_letters(topic, "g")):
            await asyncio.sleep(0.005)
    assert letters[0].reason == "not handled within 0.1 s"


@pytest.mark.parametrize("delivery", list(Delivery))
async def test_a_delayed_message_comes_later(bus_of: BusOf, topic: str, delivery: Delivery) -> None:
    bus, heard = await bus_of("one"), Heard()
    await bus.subscribe(topic, "g", heard, delivery=delivery)
    owner = "one" if delivery is Delivery.OWNER else ""
    started = asyncio.get_running_loop().time()
    await bus.publish(topic, b"later", delay_s=0.4, owner=owner)
    await bus.publish(topic, b"now", owner=owner)
    await heard.count(2)
    assert heard.bodies == [b"now", b"later"]
    # A broker may count in milliseconds, and this clock may not be its.
    assert asyncio.get_running_loop().time() - started >= 0.38


@pytest.mark.parametrize("delivery", list(Delivery))
async def test_no_more_run_at_once_than_asked_for(
    bus_of: BusOf, topic: str, delivery: Delivery
) -> None:
    bus = await bus_of("one")
    go = asyncio.Event()
    running, most, done = 0, 0, 0

    async def handler(message: Message) -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await go.wait()
        await asyncio.sleep(0)
        running -= 1
        done += 1

    await bus.subscribe(topic, "g", handler, delivery=delivery, at_once=3)
    owner = "one" if delivery is Delivery.OWNER else ""
    for n in range(20):
        await bus.publish(topic, b"", key=f"k{n % 5}" if n % 2 else "", owner=owner)
    await until(lambda: running == 3)
    go.set()
    await until(lambda: done == 20)
    assert most == 3


async def test_what_a_closing_consumer_did_not_finish_goes_to_another(
    bus_of: BusOf, topic: str
) -> None:
    begun, heard = Heard(), Heard()
    closing, staying = await bus_of("closing"), await bus_of("staying")

    async def never_ends(message: Message) -> None:
        await begun(message)
        await asyncio.Event().wait()

    await closing.subscribe(topic, "g", never_ends, at_once=1)
    await closing.publish(topic, b"1", key="k")
    await closing.publish(topic, b"2", key="k")
    await begun.count(1)
    # One at a time, because a RocketMQ proxy in LOCAL mode counts attempts of whole batches.
    await staying.subscribe(topic, "g", heard, at_once=1)
    async with asyncio.timeout(PATIENCE):
        await closing.aclose()
    await heard.count(2)
    assert heard.bodies == [b"1", b"2"]
    assert heard.messages[0].attempt == 2
    assert len(begun.messages) == 1


async def test_closing_lets_a_handler_finish(bus_of: BusOf, topic: str) -> None:
    bus, begun, finished = await bus_of("one"), asyncio.Event(), Heard()

    async def handler(message: Message) -> None:
        begun.set()
        for _ in range(5):
            await asyncio.sleep(0)
        await finished(message)

    subscription = await bus.subscribe(topic, "g", handler)
    await bus.publish(topic, b"")
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
        await subscription.aclose()
    assert len(finished.messages) == 1
    assert bus.counts[topic, "g", "handled"] == 1


# In memory there is one process alone: closing without finishing is tested above.
@pytest.mark.parametrize("broker", [name for name in BROKERS if name != "memory"], indirect=True)
async def test_a_consumer_that_dies_mid_message_loses_nothing(
    broker: Broker, bus_of: BusOf, topic: str
) -> None:
    url = broker.url()
    assert url is not None
    heard, staying = Heard(), await bus_of("staying")
    process = await dying_consumer(url, topic, "g")
    try:
        await staying.publish(topic, b"1", key="k")
        await staying.publish(topic, b"2", key="k")
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            await process.stdout.readline()  # it handles the first, and the second waits for it
        await staying.subscribe(topic, "g", heard, retries=Retries(handling_s=1.0))
    finally:
        process.kill()
        await process.wait()
    await heard.count(2)
    assert heard.bodies == [b"1", b"2"]


async def test_names_and_bodies_may_be_anything(bus_of: BusOf, topic: str) -> None:
    bus, heard = await bus_of("one"), Heard()
    hostile = ["{u}", "}{", "a b\r\nDEL *", "ünï\u202e☕", "%41%%", "*", "x" * 300, "a:b:{c}", "|"]
    await bus.subscribe(topic, "grüppe {1}\n", heard)
    bodies = [b"", bytes(range(256)) * 1024, "☕".encode(), b"\r\n$5\r\n"]
    sent = set()
    for n, name in enumerate(hostile):
        id = f"{name}/{n}"
        body = bodies[n % len(bodies)]
        sent.add((id, name, name, body))
        assert await bus.publish(topic, body, id=id, key=name, tag=name) == id
    await heard.count(len(hostile))
    assert {(m.id, m.key, m.tag, m.body) for m in heard.messages} == sent


async def test_topics_with_hostile_names_stay_apart(bus_of: BusOf, topic: str) -> None:
    bus = await bus_of("one")
    names = [f"{topic}{end}" for end in ("", ":to:one", "{", "}", "%7B", " ", "é", ":nudge")]
    heard = {name: Heard() for name in names}
    for name, each in heard.items():
        await bus.subscribe(name, "g", each)
    for name in names:
        await bus.publish(name, name.encode())
    for name, each in heard.items():
        await each.count(1)
        assert each.bodies == [name.encode()]


async def test_a_body_too_large_is_refused(bus_of: BusOf, topic: str) -> None:
    bus = await bus_of("one")
    with pytest.raises(BusError, match="too large"):
        await bus.publish(topic, b"x" * (MAX_BODY_BYTES + 1))


async def test_messages_wait_while_a_group_has_no_consumer(bus_of: BusOf, topic: str) -> None:
    bus, heard = await bus_of("one"), Heard()
    await (await bus.subscribe(topic, "g", heard)).aclose()
    await bus.publish(topic, b"meanwhile")
    await bus.subscribe(topic, "g", heard)
    await heard.count(1)
    assert heard.bodies == [b"meanwhile"]


async def test_a_closed_subscription_gets_nothing_more(bus_of: BusOf, topic: str) -> None:
    bus, closed, open_ = await bus_of("one"), Heard(), Heard()
    await (await bus.subscribe(topic, "a", closed, delivery=Delivery.ALL)).aclose()
    await bus.subscribe(topic, "b", open_, delivery=Delivery.ALL)
    await bus.publish(topic, b"x")
    await open_.count(1)
    assert not closed.messages


async def test_many_messages_to_slow_consumers_all_come(bus_of: BusOf, topic: str) -> None:
    heard = Heard()

    async def handler(message: Message) -> None:
        await asyncio.sleep(0)
        await heard(message)

    for instance in ("one", "two"):
        await (await bus_of(instance)).subscribe(topic, "g", handler, at_once=2)
    publisher = await bus_of("publisher")
    sent = await asyncio.gather(
        *(publisher.publish(topic, b"", key=str(n % 11) if n % 3 else "") for n in range(300))
    )
    await heard.count(300)
    assert {message.id for message in heard.messages} == set(sent)
