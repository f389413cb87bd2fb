"""A client of RocketMQ 5's gRPC proxy: one channel, and the few calls that a bus needs.

Import it lazily: it loads gRPC.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NewType

import grpc

from messaging.bus import BusError, BusUnavailableError
from messaging.rocketmq.stubs import definition_pb2 as pb
from messaging.rocketmq.stubs import service_pb2 as calls
from messaging.rocketmq.stubs import service_pb2_grpc

CALL_S = 3.0
LOOK_S = 0.02
POLL_S = 20.0
"""How long a poll waits at the broker for a message; the proxy allows 5 to 20 s."""
LONGEST_DELAY_S = 24 * 3600.0

OPTIONS = [
    # Back at once when the port is: the default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 150),
    ("grpc.min_reconnect_backoff_ms", 2000),  # also the time-out of one attempt to connect
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.enable_http_proxy", 0),
]

ClientId = NewType("ClientId", str)
"""Names one producer, or one consumer of a group, to the proxy."""


class RocketMQError(BusError):
    """The proxy answered with a code other than OK."""

    def __init__(self, doing: str, code: int, message: str) -> None:
        name = pb.Code.Name(code) if code in pb.Code.values() else str(code)
        super().__init__(f"RocketMQ refused {doing}: {name} {message}".rstrip())
        self.code = code

    @property
    def unknown_name(self) -> bool:
        """The topic or group is not there (any more)."""
        return self.code in (pb.TOPIC_NOT_FOUND, pb.CONSUMER_GROUP_NOT_FOUND)

    @property
    def passing(self) -> bool:
        """The proxy is there, and cannot do it now: its broker is away or still starting."""
        return self.code >= 50000 or self.code in (pb.REQUEST_TIMEOUT, pb.TOO_MANY_REQUESTS)


@dataclass(slots=True, eq=False)
class Received:
    """A message that the broker handed out. receipt: what acknowledges it; a renewal changes it."""

    topic: str
    message_id: str
    receipt: str
    attempt: int
    properties: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ToSend:
    """At most one of line (an order) and due (Unix time). tag: the broker's, for its filter."""

    topic: str
    properties: Mapping[str, str]
    body: bytes
    line: str = ""
    due: float = 0.0
    tag: str = ""


class Client:
    """One channel to a proxy. Every call raises BusUnavailableError or RocketMQError."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._channel = grpc.aio.insecure_channel(endpoint, options=OPTIONS)
        self._stub = service_pb2_grpc.MessagingServiceStub(self._channel)
        host, _, port = endpoint.rpartition(":")
        self._endpoints = pb.Endpoints(
            scheme=pb.DOMAIN_NAME, addresses=[pb.Address(host=host, port=int(port))]
        )

    async def aclose(self) -> None:
        """Ends every call that runs."""
        await self._channel.close()

    @property
    def connected(self) -> bool:
        """Whether the channel is open; if not it tries."""
        return bool(self._channel.get_state(True) is grpc.ChannelConnectivity.READY)

    async def ready(self) -> None:
        """Returns when the channel is open."""
        # gRPC cannot stop waiting for a change of a channel that was closed meanwhile.
        while not self.connected:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)

    async def brokers(self, topic: str, client: ClientId) -> Sequence[Any]:
        """One of the topic's queues at each broker: what `receive` wants."""
        request = calls.QueryRouteRequest(topic=pb.Resource(name=topic), endpoints=self._endpoints)
        answer = await self._call("the route of a topic", self._stub.QueryRoute, request, client)
        return list({queue.broker.name: queue for queue in answer.message_queues}.values())

    async def send(self, message: ToSend, client: ClientId, within_s: float = CALL_S) -> int:
        """Returns when the broker has it: its offset in its queue."""
        system = pb.SystemProperties(
            message_id=uuid.uuid4().hex.upper(),
            message_type=pb.FIFO if message.line else pb.DELAY if message.due else pb.NORMAL,
            body_encoding=pb.IDENTITY,
            born_host="overture",
        )
        system.born_timestamp.FromNanoseconds(time.time_ns())
        if message.line:
            system.message_group = message.line
        if message.due:
            system.delivery_timestamp.FromMilliseconds(int(message.due * 1000))
        if message.tag:
            system.tag = message.tag
        whole = pb.Message(
            topic=pb.Resource(name=message.topic),
            user_properties=dict(message.properties),
            system_properties=system,
            body=message.body or b"\0",
        )
        request = calls.SendMessageRequest(messages=[whole])
        answer = await self._call("a message", self._stub.SendMessage, request, client, within_s)
        for entry in answer.entries:
            _check("a message", entry.status)
        return max((int(entry.offset) for entry in answer.entries), default=0)

    async def settle(self, group: str, topic: str, expression: str, client: ClientId) -> Any:
        """Says who this consumer is; returns its telemetry stream, to be read until it ends.

        The proxy forgets a consumer when the stream ends.
        """
        settings = pb.Settings(
            client_type=pb.SIMPLE_CONSUMER,
            access_point=self._endpoints,
            user_agent=pb.UA(language=pb.PYTHON, version="overture"),
        )
        settings.request_timeout.FromMilliseconds(int(CALL_S * 1000))
        settings.subscription.group.name = group
        settings.subscription.long_polling_timeout.FromSeconds(int(POLL_S))
        entry = settings.subscription.subscriptions.add()
        entry.topic.name = topic
        entry.expression.CopyFrom(_filter(expression))
        stream = self._stub.Telemetry(metadata=_metadata(client))
        try:
            async with asyncio.timeout(CALL_S):
                await stream.write(calls.TelemetryCommand(settings=settings))
                answer = await stream.read()
        except (grpc.RpcError, asyncio.InvalidStateError) as error:
            stream.cancel()
            raise _unavailable(self.endpoint, error) from error
        except TimeoutError as error:
            stream.cancel()
            raise BusUnavailableError(
                f"RocketMQ at {self.endpoint} does not accept the consumer group {group}; does it "
                "exist at the broker?"
            ) from error
        if answer is grpc.aio.EOF or not answer.HasField("settings"):
            stream.cancel()
            raise BusUnavailableError(f"RocketMQ at {self.endpoint} closed the consumer's stream")
        return stream

    async def listen(self, stream: Any) -> None:
        """Reads a telemetry stream; always raises, at its end."""
        try:
            while await stream.read() is not grpc.aio.EOF:
                pass  # commands for other kinds of clients
        except grpc.RpcError as error:
            raise _unavailable(self.endpoint, error) from error
        raise BusUnavailableError(f"RocketMQ at {self.endpoint} ended the consumer's stream")

    async def receive(
        self, group: str, queue: Any, expression: str, most: int, hidden_s: float, client: ClientId
    ) -> Sequence[Received]:
        """Waits up to 20 s for messages. hidden_s: how long nobody else gets them."""
        request = calls.ReceiveMessageRequest(
            group=pb.Resource(name=group),
            message_queue=queue,
            filter_expression=_filter(expression),
            batch_size=most,
            auto_renew=False,
        )
        request.invisible_duration.FromMilliseconds(int(hidden_s * 1000))
        request.long_polling_timeout.FromMilliseconds(int(POLL_S * 1000))
        received = []
        try:
            async for part in self._stub.ReceiveMessage(
                request, metadata=_metadata(client), timeout=POLL_S + CALL_S
            ):
                if part.HasField("message"):
                    received.append(_received(part.message))
                elif part.HasField("status"):
                    _check("to hand out messages", part.status, pb.MESSAGE_NOT_FOUND)
        except grpc.RpcError as error:
            if not received:
                raise _unavailable(self.endpoint, error) from error
        except RocketMQError:
            if not received:
                raise
        return received

    async def acknowledge(self, group: str, received: Received, client: ClientId) -> None:
        """It is dealt with."""
        request = calls.AckMessageRequest(
            group=pb.Resource(name=group),
            topic=pb.Resource(name=received.topic),
            entries=[
                calls.AckMessageEntry(
                    message_id=received.message_id, receipt_handle=received.receipt
                )
            ],
        )
        await self._call("an acknowledgement", self._stub.AckMessage, request, client)

    async def hide(self, group: str, received: Received, hidden_s: float, client: ClientId) -> None:
        """Nobody else gets it for so long from now on; at least a second."""
        request = calls.ChangeInvisibleDurationRequest(
            group=pb.Resource(name=group),
            topic=pb.Resource(name=received.topic),
            receipt_handle=received.receipt,
            message_id=received.message_id,
        )
        request.invisible_duration.FromMilliseconds(int(hidden_s * 1000))
        answer = await self._call(
            "to keep a message", self._stub.ChangeInvisibleDuration, request, client
        )
        received.receipt = answer.receipt_handle or received.receipt

    async def beat(self, group: str, client: ClientId) -> None:
        """This consumer still lives."""
        request = calls.HeartbeatRequest(
            group=pb.Resource(name=group), client_type=pb.SIMPLE_CONSUMER
        )
        await self._call("a heartbeat", self._stub.Heartbeat, request, client)

    async def leave(self, group: str, client: ClientId) -> None:
        """This consumer ends."""
        request = calls.NotifyClientTerminationRequest(group=pb.Resource(name=group))
        await self._call("a farewell", self._stub.NotifyClientTermination, request, client, 1.0)

    async def _call(
        self,
        doing: str,
        method: Any,
        request: Any,
        client: ClientId,
        within_s: float = CALL_S,
    ) -> Any:
        call: Awaitable[Any] = method(request, metadata=_metadata(client), timeout=within_s)
        try:
            answer = await call
        except grpc.RpcError as error:
            raise _unavailable(self.endpoint, error) from error
        _check(doing, answer.status)
        return answer


def _check(doing: str, status: Any, *also: int) -> None:
    if status.code != pb.OK and status.code not in also:
        raise RocketMQError(doing, status.code, status.message)


def _unavailable(endpoint: str, error: BaseException) -> BusUnavailableError:
    details = error.details() if isinstance(error, grpc.aio.AioRpcError) else str(error)
    return BusUnavailableError(f"RocketMQ at {endpoint} cannot be reached: {details}")


def _filter(expression: str) -> Any:
    return pb.FilterExpression(type=pb.TAG, expression=expression)


def _metadata(client: ClientId) -> tuple[tuple[str, str], ...]:
    return (
        ("x-mq-language", "PYTHON"),
        ("x-mq-protocol", "GRPC_V2"),
        ("x-mq-client-version", "5.1.2"),
        ("x-mq-client-id", client),
        ("x-mq-request-id", uuid.uuid4().hex),
    )


def _received(message: Any) -> Received:
    system = message.system_properties
    return Received(
        topic=message.topic.name,
        message_id=system.message_id,
        receipt=system.receipt_handle,
        attempt=max(1, system.delivery_attempt),
        properties=dict(message.user_properties),
        body=message.body,
    )
