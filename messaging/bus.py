"""The port of the bus: what every adapter means by publish and subscribe (DESIGN §6).

Redis is the truth about prompts; the bus is the fast path. A message comes at least once, so
handlers are idempotent on `Message.id`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias


class Delivery(Enum):
    """Who gets a message of a topic."""

    ONCE = "once"
    """One consumer of the group."""
    ALL = "all"
    """Every instance that is subscribed."""
    OWNER = "owner"
    """The instance that the publisher named."""


class BusError(Exception):
    """Something about the bus is wrong; the message says what to do."""


class BusUnavailableError(BusError):
    """The broker cannot be reached now; try again later."""


class BusFullError(BusUnavailableError):
    """A topic holds as many messages that nobody handled as it may; try again later."""


MAX_BODY_BYTES = 1024 * 1024
"""Of one message; what is larger belongs in a store, and its name in the message."""

CLOSE_S = 2.0
"""How long handlers that run may go on when their subscription closes."""


def check_body(body: bytes) -> None:
    """Raises BusError for a body that is too large for any adapter."""
    if len(body) > MAX_BODY_BYTES:
        raise BusError(
            f"a message of {len(body):,} bytes is too large for the bus ({MAX_BODY_BYTES:,} at "
            "most); store it elsewhere and publish where it is"
        )


@dataclass(frozen=True, slots=True)
class Message:
    """What a handler gets.

    id: the publisher's own, the same however often the message comes. tag: dotted, "order.ready".
    key: messages of one key come in the order they were published; "" for no order.
    born: Unix time of publishing. attempt: from 1; a broker that was killed may say 1 again.
    """

    id: str
    topic: str
    tag: str
    key: str
    body: bytes
    born: float
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message whose handler failed as often as the retries allow.

    letter: what `resend` takes. group: whose handler it was. reason: the last failure, "" if lost.
    """

    letter: str
    group: str
    message: Message
    died: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how soon a failed message comes again.

    attempts: in all; then it is a dead letter. The n-th wait is `first_s * 2 ** (n - 1)`, at most
    `longest_s`. handling_s: how long a handler may take before it counts as dead.
    """

    attempts: int = 6
    first_s: float = 0.2
    longest_s: float = 30.0
    handling_s: float = 10.0

    def wait_s(self, failures: int) -> float:
        """How long after its `failures`-th failure a message comes again."""
        # The exponent is bounded so that a long story of failures cannot overflow a float.
        return min(self.first_s * 2.0 ** min(failures - 1, 60), self.longest_s)


Handler: TypeAlias = Callable[[Message], Awaitable[None]]
"""Returns when the message is dealt with; raising means: again later."""


class Subscription(Protocol):
    """A consumer that runs."""

    async def aclose(self) -> None:
        """Takes no more, lets handlers that run finish (2 s), and gives back what was not begun."""
        ...


class Bus(Protocol):
    """One process's way to the broker. `instance` names this process, for OWNER and ALL.

    Counters: `counts` maps (topic, group or "", what) to a number; what: "published", "handled",
    "failed", "retried", "dead", "resent", "lost" (dropped as the oldest of too many).
    """

    name: str
    """Of the technology, for start-up lines: "memory", "Redis Streams", "RocketMQ at HOST:8081"."""

    @property
    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """(topic, group, what) -> how often; see above."""
        ...

    async def start(self) -> None:
        """Connects. Raises BusUnavailableError only if asked to be strict by its constructor;
        otherwise it goes on trying, and `trouble` says so."""
        ...

    @property
    def trouble(self) -> str:
        """Why messages do not flow now, "" when they do; for /readyz and the console."""
        ...

    async def publish(
        self,
        topic: str,
        body: bytes,
        *,
        id: str = "",
        key: str = "",
        tag: str = "",
        delay_s: float = 0.0,
        owner: str = "",
    ) -> str:
        """Hands a message to the broker, and returns its id once the broker has it.

        owner: the instance that gets it, where the topic is subscribed with Delivery.OWNER.
        Raises BusUnavailableError within 2 s; then the broker may or may not have it. Of these,
        BusFullError says that too many messages wait already, and this one was not taken. Raises
        BusError if the body is longer than MAX_BODY_BYTES.
        """
        ...

    async def subscribe(
        self,
        topic: str,
        group: str,
        handler: Handler,
        *,
        delivery: Delivery = Delivery.ONCE,
        tags: str = "*",
        retries: Retries | None = None,
        at_once: int = 16,
    ) -> Subscription:
        """Handles messages of a topic from now on, at most `at_once` at a time.

        tags: a pattern, "order.*" (one part), "order.#" (any number), "*" for everything.
        ALL and OWNER: messages published before an instance subscribed need not reach it.
        """
        ...

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> Sequence[DeadLetter]:
        """Oldest first."""
        ...

    async def resend(self, topic: str, group: str, letter: str) -> bool:
        """Gives a dead letter to its group once more; False if there is none of that name."""
        ...

    async def aclose(self) -> None:
        """Ends every subscription and connection."""
        ...
