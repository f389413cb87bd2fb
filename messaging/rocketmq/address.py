"""Where a RocketMQ is: its gRPC proxy, and its broker's own port for topics and groups."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from messaging.bus import BusError

GRPC_PORT = 8081
BROKER_PORT = 10911


@dataclass(frozen=True, slots=True)
class Address:
    """proxy: HOST:PORT of the gRPC proxy. broker: HOST:PORT of the broker's remoting protocol."""

    proxy: str
    broker: str


def parse_address(text: str, broker: str = "") -> Address:
    """Of "HOST:PORT", "HOST", or "rocketmq://HOST:PORT?broker=HOST:PORT". Raises BusError.

    Without a broker it is looked for on the proxy's host, at RocketMQ's own 10911, or as far from
    it as the proxy is from 8081 (so does script/rocketmq).

    >>> parse_address("rocketmq://mq.example:8081").broker
    'mq.example:10911'
    """
    url = urlsplit(text if "://" in text else f"rocketmq://{text}")
    try:
        host, port = url.hostname, url.port or GRPC_PORT
    except ValueError:
        host, port = None, 0
    if url.scheme != "rocketmq" or not host or url.path not in ("", "/"):
        raise BusError(f"cannot read {text!r}; write rocketmq://HOST:8081")
    if ":" in host:
        host = f"[{host}]"
    broker = broker or parse_qs(url.query).get("broker", [""])[0]
    if not broker:
        broker = f"{host}:{BROKER_PORT + port - GRPC_PORT}"
    name, _, number = broker.rpartition(":")
    if not name or not number.isdigit() or not 0 < int(number) < 65536:
        raise BusError(f"cannot read the broker {broker!r}; write broker=HOST:10911")
    return Address(f"{host}:{port}", broker)
