"""ICE for one call: aioice, on the addresses and ports that we choose, without its queue for media.

What is overridden here is public in aioice by name, not by promise; tests/server/webrtc holds a
stock client against it, so that a release that changes it is noticed.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import structlog
from aioice import Candidate, Connection
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol, get_host_addresses, relayed_candidate
from aioice.ice import server_reflexive_candidate as reflexive_candidate

from server.webrtc.ice_config import IceConfig

log = structlog.get_logger("overture.webrtc")

SERVERS_PATIENCE = 1.0
"""Seconds that STUN and TURN servers get to answer before we do without them: the client waits."""
PORT_TRIES = 200
"""Ports of the range that are tried, from a random one on, until one is free."""
_random = Random()


class NoPortError(OSError):
    """No UDP port could be had."""


class _Socket(StunProtocol):
    """Sorts what comes by its first byte (RFC 7983 §7), where aioice tries to read all as STUN."""

    receiver: "IceConnection"

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """One datagram."""
        assert isinstance(data, bytes)
        if not data:
            return
        self.receiver.heard_at = self.receiver.now()
        if 127 < data[0] < 192:
            self.receiver.on_media(data)
        elif data[0] < 4:
            super().datagram_received(data, addr)
        else:
            self.receiver.data_received(data, self.local_candidate.component)


class IceConnection(Connection):
    """One call's path. on_media: gets each SRTP and SRTCP datagram.

    heard_at: when the last datagram came, on the loop's clock.
    """

    def __init__(
        self,
        config: IceConfig,
        addresses: Iterable[str],
        on_media: Callable[[bytes], None],
        *,
        controlling: bool = False,
    ) -> None:
        super().__init__(ice_controlling=controlling)
        self._config = config
        self._addresses = tuple(addresses)
        self.on_media = on_media
        self.now = asyncio.get_running_loop().time
        self.heard_at = self.now()

    async def get_component_candidates(
        self, component: int, addresses: list[str], timeout: int = 5
    ) -> list[Candidate]:
        """Our own addresses and ports instead of all and any; aioice calls this to gather."""
        sockets = [await self._bind(address, component) for address in self._addresses]
        self._protocols += sockets
        return [socket.local_candidate for socket in sockets] + await self._ask_servers(sockets)

    def send_now(self, data: bytes) -> None:
        """A datagram on the path that was found; nothing while there is none."""
        pair = self._nominated.get(1)
        if pair is not None and not pair.protocol.transport.is_closing():
            pair.protocol.transport.sendto(data, pair.remote_addr)

    @property
    def candidate_lines(self) -> tuple[str, ...]:
        """The local candidates as SDP has them."""
        return tuple(candidate.to_sdp() for candidate in self.local_candidates)

    async def _bind(self, address: str, component: int) -> StunProtocol:
        loop = asyncio.get_running_loop()
        for port in _ports(self._config.ports):
            try:
                transport, socket = await loop.create_datagram_endpoint(
                    lambda: _Socket(self), local_addr=(address, port)
                )
            except OSError:
                continue
            host, number = transport.get_extra_info("sockname")[:2]
            socket.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", host),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=host,
                port=number,
                type="host",
            )
            return socket
        raise NoPortError("no UDP port is free for this call; widen OVERTURE_UDP_PORTS")

    async def _ask_servers(self, sockets: list[StunProtocol]) -> list[Candidate]:
        stun, turn = self._config.stun, self._config.turn
        asked: set[asyncio.Task[tuple[Candidate, StunProtocol | None]]] = set()
        if stun is not None:
            for socket in sockets:
                if ipaddress.ip_address(socket.local_candidate.host).version == 4:
                    found = reflexive_candidate(socket, (stun.host, stun.port))
                    asked.add(asyncio.create_task(found, name="stun"))
        if turn is not None:
            relayed = relayed_candidate(
                component=1,
                hide_related_address=False,
                protocol_factory=lambda: _Socket(self),
                turn_server=(turn.host, turn.port),
                turn_username=turn.user,
                turn_password=turn.password,
                turn_ssl=turn.scheme == "turns",
                turn_transport=turn.transport,
            )
            asked.add(asyncio.create_task(relayed, name="turn"))
        if not asked:
            return []
        done, late = await asyncio.wait(asked, timeout=SERVERS_PATIENCE)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        candidates = []
        for task in done:
            problem = task.exception()
            if problem is not None:
                log.warning("ice_server_failed", server=task.get_name(), reason=str(problem))
                continue
            candidate, protocol = task.result()
            candidates.append(candidate)
            if protocol is not None:
                self._protocols.append(protocol)
        if late:
            log.warning("ice_server_silent", servers=sorted(task.get_name() for task in late))
        return candidates


def _ports(wanted: tuple[int, int] | None) -> Iterable[int]:
    if wanted is None:
        return (0,)
    first, last = wanted
    count = last - first + 1
    start = _random.randrange(count)
    return (first + (start + n) % count for n in range(min(count, PORT_TRIES)))


def local_addresses(host: str) -> tuple[str, ...]:
    """Where media may reach us for a client that called us `host` (a name or address).

    One that used a loopback name is on this machine: it gets the loopback and nothing else, so
    that a server on loopback opens no port to the network.
    """
    if host in {"localhost", "127.0.0.1", "::1", ""}:
        return ("127.0.0.1",)
    return tuple(get_host_addresses(use_ipv4=True, use_ipv6=True)) or ("127.0.0.1",)
