"""`/v1/dead-letters`: messages of the bus whose handler failed as often as they may be tried."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from messaging.bus import Bus, BusUnavailableError, DeadLetter
from server.door import Caller, Right
from server.operations.route import Operation
from server.operations.services import Operations
from server.operations.wire import Told, answer, rfc3339
from server.refusals import RefusedError

MAX_BODY = 4000
"""Characters of a message that are shown."""
MAX_LETTERS = 100
"""Of one group."""


class ToldLetter(Told):
    """A dead letter. body: as text, its beginning."""

    topic: str
    group: str
    letter: str
    id: str
    tag: str
    key: str
    born: float
    died: float
    time: str
    attempt: int
    reason: str
    body: str


class ToldCount(Told):
    """How often something happened to messages of a topic; group is "" where it has none."""

    topic: str
    group: str
    what: str
    count: int


class ToldBus(Told):
    """trouble: why messages do not flow, "" when they do."""

    name: str
    trouble: str


class Letters(Told):
    """All of them, and how the bus does, as this instance sees it."""

    dead_letters: tuple[ToldLetter, ...]
    counts: tuple[ToldCount, ...]
    bus: ToldBus


class Resent(Told):
    """It is with its handlers again."""

    resent: bool = True


class DeadLetters:
    """The endpoints."""

    def __init__(self, operations: Operations) -> None:
        self._bus = operations.bus
        self._queues = operations.queues

    def operations(self) -> Sequence[Operation]:
        """For the table."""
        return (
            Operation(
                "GET",
                "/v1/dead-letters",
                Right.OPERATE,
                self.list,
                "Messages that could not be handled, and counts of the bus",
                gives=Letters,
            ),
            Operation(
                "POST",
                "/v1/dead-letters/{topic}/{group}/{letter}/resend",
                Right.OPERATE,
                self.resend,
                "Give a dead letter to its handlers again",
                gives=Resent,
            ),
        )

    async def list(self, _: Request, __: Caller) -> Response:
        """What can be read now: while the bus is away, its trouble and no letters."""
        letters: list[ToldLetter] = []
        if not self._bus.trouble:
            for topic, group in sorted(self._known()):
                try:
                    found = await self._bus.dead_letters(topic, group, MAX_LETTERS)
                except BusUnavailableError:
                    break
                letters += [_told(topic, letter) for letter in found]
        counts = tuple(
            ToldCount(topic=topic, group=group, what=what, count=count)
            for (topic, group, what), count in sorted(self._bus.counts.items())
        )
        return answer(Letters(dead_letters=tuple(letters), counts=counts, bus=told_bus(self._bus)))

    async def resend(self, request: Request, _: Caller) -> Response:
        """Once it is on the bus; raises RefusedError (404, 503)."""
        path = request.path_params
        topic, group, letter = path["topic"], path["group"], path["letter"]
        try:
            resent = (topic, group) in self._known() and await self._bus.resend(
                topic, group, letter
            )
        except BusUnavailableError as error:
            raise RefusedError(
                503, "server_error", f"the bus cannot be reached now: {error}; try again"
            ) from None
        if not resent:
            raise RefusedError(404, "not_found", "there is no such dead letter", "letter")
        return answer(Resent())

    def _known(self) -> set[tuple[str, str]]:
        """Topics with their groups: those that there always are, and those of this process."""
        used = {(topic, group) for topic, group, _ in self._bus.counts if group}
        return {*self._queues, *used}


def told_bus(bus: Bus) -> ToldBus:
    """Which one, and how it does."""
    return ToldBus(name=bus.name, trouble=bus.trouble)


def _told(topic: str, letter: DeadLetter) -> ToldLetter:
    message = letter.message
    return ToldLetter(
        topic=topic,
        group=letter.group,
        letter=letter.letter,
        id=message.id,
        tag=message.tag,
        key=message.key,
        born=message.born,
        died=letter.died,
        time=rfc3339(letter.died),
        attempt=message.attempt,
        reason=letter.reason,
        body=message.body[: 4 * MAX_BODY].decode(errors="replace")[:MAX_BODY],
    )
