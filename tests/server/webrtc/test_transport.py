"""What our transport uses of aiortc and aioice beyond their promises; a release that changes it
fails here first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aioice import Candidate
from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCIceParameters
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG, DataChunk

from server.webrtc.ice import IceConnection
from server.webrtc.ice_config import IceConfig
from server.webrtc.transport import (
    MAX_FRAGMENTS,
    MAX_STREAMS,
    DtlsTransport,
    IceTransport,
    SctpTransport,
)
from tests.support.serving import PATIENCE


@dataclass
class End:
    """One of two that talk to each other. trouble: why its peer has to go."""

    ice: IceConnection
    path: IceTransport
    dtls: DtlsTransport
    sctp: SctpTransport
    media: asyncio.Queue[bytes]
    trouble: list[str] = field(default_factory=list)
    channels: list[RTCDataChannel] = field(default_factory=list)


def end(role: str, *, controlling: bool) -> End:
    media: asyncio.Queue[bytes] = asyncio.Queue()
    trouble: list[str] = []
    ice = IceConnection(IceConfig(), ["127.0.0.1"], media.put_nowait, controlling=controlling)
    path = IceTransport(ice)
    dtls = DtlsTransport(path, role)
    sctp = SctpTransport(dtls, 5000, trouble.append)
    made = End(ice, path, dtls, sctp, media, trouble)
    sctp.on("datachannel", made.channels.append)
    return made


async def connect(one: End, other: End) -> None:
    for candidate in other.ice.local_candidates:
        await one.ice.add_remote_candidate(Candidate.from_sdp(candidate.to_sdp()))
    await one.path.start(
        RTCIceParameters(
            usernameFragment=other.ice.local_username, password=other.ice.local_password
        )
    )
    assert await one.dtls.shake_hands((("sha-256", other.dtls.fingerprint),))
    await one.sctp.start(None, 5000)


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[End, End]]:
    client, server = end("client", controlling=True), end("server", controlling=False)
    ends = (client, server)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(each.ice.gather_candidates() for each in ends))
        await asyncio.gather(connect(client, server), connect(server, client))
    try:
        yield ends
    finally:
        for each in ends:
            await each.sctp.stop()
            await each.dtls.stop()
            await each.path.stop()


def packet(sequence: int) -> bytes:
    return bytes((0x80, 111)) + sequence.to_bytes(2) + bytes(8) + b"opus"


async def test_media_goes_from_callback_to_callback_and_is_only_the_peers() -> None:
    async with pair() as (client, server):
        data = client.dtls.protect(packet(1), rtcp=False)
        assert data is not None
        assert b"opus" not in data
        client.ice.send_now(data)
        async with asyncio.timeout(PATIENCE):
            came = await server.media.get()
        assert server.dtls.unprotect(came, rtcp=False) == packet(1)
        assert server.dtls.unprotect(came[:-1] + b"\x00", rtcp=False) is None
        report = bytes((0x80, 201, 0, 1)) + bytes(4)
        protected = server.dtls.protect(report, rtcp=True)
        assert protected is not None
        assert client.dtls.unprotect(protected, rtcp=True) == report


async def test_before_the_handshake_and_after_the_end_nothing_is_protected() -> None:
    alone = end("server", controlling=False)
    assert alone.dtls.protect(packet(1), rtcp=False) is None
    assert alone.dtls.unprotect(packet(1), rtcp=False) is None
    alone.ice.send_now(b"into nothing")
    async with pair() as (client, _):
        await client.dtls.stop()
        assert client.dtls.protect(packet(1), rtcp=False) is None
    await alone.path.stop()


async def test_events_go_over_a_data_channel() -> None:
    async with pair() as (client, server):
        channel = RTCDataChannel(client.sctp, RTCDataChannelParameters(label="oai-events"))
        said: asyncio.Queue[str] = asyncio.Queue()
        server.sctp.on("datachannel", lambda it: it.on("message", said.put_nowait))
        opened = asyncio.Event()
        channel.on("open", opened.set)
        async with asyncio.timeout(PATIENCE):
            await opened.wait()
            channel.send("hello")
            assert await said.get() == "hello"
        assert server.channels[0].label == "oai-events"


async def flood(server: End, *, streams: int, each: int) -> None:
    """Beginnings of messages that never end, as if the peer had sent them."""
    tsn = server.sctp._last_received_tsn
    assert tsn is not None
    for number in range(streams * each):
        chunk = DataChunk(flags=SCTP_DATA_FIRST_FRAG)
        chunk.tsn = (tsn + 1 + number) % (1 << 32)
        chunk.stream_id = number % streams
        chunk.stream_seq = 0
        chunk.protocol = 51
        chunk.user_data = b"x"
        await server.sctp._receive_chunk(chunk)
    await server.sctp._handle_data(b"")


async def established(*ends: End) -> None:
    async with asyncio.timeout(PATIENCE):
        while any(each.sctp.state != "connected" for each in ends):
            await asyncio.sleep(0)


async def test_fragments_without_an_end_are_noticed() -> None:
    async with pair() as (client, server):
        await established(client, server)
        await flood(server, streams=1, each=MAX_FRAGMENTS + 1)
        assert server.trouble == ["a message on the data channel does not end"]


async def test_channels_without_number_are_noticed() -> None:
    async with pair() as (client, server):
        await established(client, server)
        await flood(server, streams=MAX_STREAMS + 1, each=1)
        assert server.trouble == [f"more than {MAX_STREAMS} data channels"]


async def test_what_breaks_aiortcs_sctp_is_noticed_and_raises_nothing() -> None:
    async with pair() as (client, server):
        await established(client, server)

        async def broken(_: object) -> None:
            raise AssertionError("duplicate chunk")

        server.sctp._receive_chunk = broken  # type: ignore[method-assign]
        channel = RTCDataChannel(client.sctp, RTCDataChannelParameters(label="oai-events"))
        async with asyncio.timeout(PATIENCE):
            while not server.trouble:
                await asyncio.sleep(0)
        assert "no SCTP" in server.trouble[0]
        channel.close()
