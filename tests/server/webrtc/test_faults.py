"""Callers that do wrong or vanish: each is told or let go of, at a bounded cost; others talk on."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
from aiortc import RTCIceTransport
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.host import Limits
from server.webrtc.offer import MAX_BYTES, MAX_CANDIDATES, OfferError, parse_offer
from tests.server.test_faults import eventually, metric
from tests.support.caller import SDP, Caller, calling, post, post_offer
from tests.support.serving import PATIENCE, Serving, Stage

HASTY = replace(Limits(), connect_s=0.5, ping_s=1.0)
"""A server that soon loses patience."""


async def an_offer() -> str:
    """A stock client's offer; the client is gone again."""
    caller = Caller()
    sdp = await caller.offer()
    await caller.aclose()
    return sdp


def without(sdp: str, start: str) -> str:
    """The offer less the lines that begin so."""
    return "\r\n".join(line for line in sdp.splitlines() if not line.startswith(start))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda _: "", "v=0"),
        (lambda _: "{}", "v=0"),
        (lambda sdp: sdp[:40], "no media section"),
        (lambda sdp: sdp[: sdp.index("m=audio") + 12], "no media section"),
        (lambda sdp: sdp[: sdp.index("a=ice-pwd") + 12], "no data|setup|ice-pwd|Opus|transport"),
        (lambda sdp: sdp[sdp.index("m=application") :].join(["v=0\r\n", ""]), "no audio"),
        (lambda sdp: re.sub(r"m=audio \d+", "m=audio 0", sdp), "no audio"),
        (lambda sdp: sdp.replace("opus", "opus2"), "no Opus"),
        (lambda sdp: without(sdp, "a=fingerprint"), "fingerprint"),
        (lambda sdp: without(sdp, "a=setup"), "setup"),
        (lambda sdp: without(sdp, "a=ice-ufrag"), "ice-ufrag"),
        (lambda sdp: without(sdp, "a=group"), "BUNDLE"),
        (lambda sdp: sdp + "m=video 9 UDP 96\r\n" * 20, "more than 16"),
    ],
)
async def test_an_offer_that_cannot_be_answered_is_told_why(
    serving: Serving, change: Any, told: str
) -> None:
    answer = await post_offer(serving, change(await an_offer()))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("invalid_offer", "sdp")
    assert re.search(told, error["message"])
    assert serving.live_sessions() == 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_mutilated_offer_is_read_or_refused(data: st.DataObject) -> None:
    sdp = OFFER
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(sdp)))
        end = data.draw(st.integers(start, min(len(sdp), start + 40)))
        sdp = sdp[:start] + data.draw(st.text(max_size=12)) + sdp[end:]
    try:
        offer = parse_offer(sdp)
    except OfferError:
        return
    assert len(offer.candidates) <= MAX_CANDIDATES


async def test_of_ten_thousand_candidates_a_few_are_tried_and_too_many_bytes_are_refused(
    serving: Serving,
) -> None:
    sdp = await an_offer()
    line = "a=candidate:{0} 1 udp 1 127.0.0.1 {0} typ host\r\n"
    many = "".join(line.format(port) for port in range(10_000, 20_000))
    answer = await post_offer(serving, sdp.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\n" + many))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    fit = "".join(line.format(port) for port in range(10_000, 11_000))
    offer = parse_offer(sdp.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\n" + fit))
    assert len(offer.candidates) == MAX_CANDIDATES


def test_candidates_that_we_cannot_or_should_not_send_to_are_dropped() -> None:
    bad = (
        "1 1 udp 1 0a1b2c3d.local 5000 typ host",
        "1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
        "1 2 udp 1 127.0.0.1 5000 typ host",
        "1 1 udp 1 224.0.0.1 5000 typ host",
        "1 1 udp 1 0.0.0.0 5000 typ host",
        "1 1 udp 1 127.0.0.1 0 typ host",
        "1 1 udp 1 127.0.0.1 5000 typ prflx",
        "1 1 udp",
    )
    lines = "".join(f"a=candidate:{candidate}\r\n" for candidate in bad)
    offer = parse_offer(without(OFFER, "a=candidate") + "\r\n" + lines)
    assert offer.candidates == ()


async def test_a_body_of_another_kind_or_size_is_refused(serving: Serving) -> None:
    other = await post(serving, "/v1/realtime/calls", json={"sdp": "v=0"})
    assert other.status_code == 415
    big = await post_offer(serving, "v=0\r\n" + "a=x\r\n" * MAX_BYTES)
    assert big.status_code == 413
    form = {"session": (None, "{}")}
    missing = await post(serving, "/v1/realtime/calls", files=form)
    assert (missing.status_code, missing.json()["error"]["param"]) == (400, "sdp")


async def test_a_page_from_elsewhere_cannot_call(serving: Serving) -> None:
    answer = await post_offer(serving, await an_offer(), Origin="https://evil.example")
    assert answer.status_code == 403


async def test_a_full_server_and_one_that_is_not_ready_say_so(stage: Stage) -> None:
    with stage.serving(limits=replace(Limits(), max_sessions=1)) as serving:
        async with calling(serving):
            answer = await post_offer(serving, await an_offer())
            assert answer.status_code in {429, 503}
            assert answer.headers["Retry-After"]
    with stage.serving(not_ready=lambda: "the recognizer is starting") as serving:
        answer = await post_offer(serving, await an_offer())
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")


async def test_no_free_udp_port_is_told_and_takes_no_place(stage: Stage) -> None:
    loop = asyncio.get_running_loop()
    taken, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    port = taken.get_extra_info("sockname")[1]
    ice = replace(stage.host.ice, ports=(port, port))
    with stage.serving(ice=ice) as serving:
        answer = await post_offer(serving, await an_offer())
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_udp_port")
        assert serving.live_sessions() == 0
    taken.close()


async def test_the_media_of_a_call_uses_the_ports_it_was_given(stage: Stage) -> None:
    ice = replace(stage.host.ice, ports=(46000, 46200))
    with stage.serving(ice=ice) as serving:
        answer = await post_offer(serving, await an_offer())
        ports = [int(port) for port in re.findall(r"udp \d+ \S+ (\d+) typ host", answer.text)]
        assert ports
        assert all(46000 <= port <= 46200 for port in ports)


async def test_a_caller_whose_media_never_comes_gives_the_place_back(stage: Stage) -> None:
    with stage.serving(limits=HASTY) as serving:
        assert (await post_offer(serving, await an_offer())).status_code == 201
        await eventually(lambda: serving.live_sessions() == 0)
        await eventually(lambda: metric(serving, 'overture_realtime_closes_total{code="1008"}') > 0)
        assert "call" not in serving.tasks()


async def test_a_caller_that_never_begins_dtls_gives_the_place_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage.serving(limits=HASTY) as serving:
        caller = Caller()
        sdp = await caller.offer()

        async def never(*_: object) -> None:
            """A handshake that is not begun."""

        for transceiver in caller.peer.getTransceivers():
            monkeypatch.setattr(transceiver.sender.transport, "start", never)
        await caller.take(await post_offer(serving, sdp))
        path: RTCIceTransport = caller.peer.getSenders()[0].transport.transport
        await eventually(lambda: path.state == "completed" or serving.live_sessions() == 0)
        await eventually(lambda: serving.live_sessions() == 0)
        await caller.aclose()


async def test_a_caller_with_another_certificate_than_in_its_offer_is_let_go(
    stage: Stage,
) -> None:
    with stage.serving() as serving:
        caller = Caller()
        sdp = re.sub(
            r"(a=fingerprint:\S+ )[0-9A-F]{2}:[0-9A-F]{2}", r"\g<1>00:00", await caller.offer()
        )
        await caller.take(await post_offer(serving, sdp))
        await eventually(lambda: serving.live_sessions() == 0)
        assert "session.created" not in caller.types()
        await caller.aclose()


async def test_a_caller_that_opens_another_channel_is_let_go(stage: Stage) -> None:
    with stage.serving(limits=HASTY) as serving:
        caller = Caller("chat")
        await caller.take(await post_offer(serving, await caller.offer()))
        await eventually(lambda: serving.live_sessions() == 0)
        assert caller.seen == []
        await caller.aclose()


async def test_a_caller_that_vanishes_is_found_out(stage: Stage) -> None:
    limits = replace(Limits(), ping_s=1.0)
    with stage.serving(limits=limits) as serving:
        async with calling(serving) as caller:
            ice = caller.peer.getSenders()[0].transport.transport._connection
            for protocol in ice._protocols:
                protocol.transport.abort()  # nothing goes any more, and no farewell either
            await eventually(lambda: serving.live_sessions() == 0)


async def test_a_flood_on_the_channel_ends_that_call_and_no_other(serving: Serving) -> None:
    async with calling(serving) as other, calling(serving, "user=u43") as flooding:
        for _ in range(3000):
            flooding.channel.send('{"type": "input_audio_buffer.clear"}')
        await flooding.until(lambda: flooding.is_over)
        other.ask("When do you close on Sunday?", "text")
        await other.event("response.done")


async def test_a_message_that_never_ends_ends_the_call(serving: Serving) -> None:
    async with calling(serving) as caller:
        caller.peer.sctp._remote_max_message_size = 0  # it believes that any size is welcome
        caller.channel.send('{"type": "' + "x" * (3 << 20) + '"}')
        await caller.until(lambda: caller.is_over)


async def test_binary_on_the_channel_ends_the_call(serving: Serving) -> None:
    async with calling(serving) as caller:
        caller.channel.send(b"\x00\x01")
        await caller.until(lambda: caller.is_over)


async def test_garbage_on_the_media_path_is_ignored(serving: Serving) -> None:
    async with calling(serving) as caller:
        ice = caller.peer.getSenders()[0].transport.transport._connection
        for first in range(256):
            await ice.send(bytes((first, 111)) + b"\xff" * 40)
            await ice.send(bytes((first,)))
        caller.ask("When do you close on Sunday?", "text")
        await caller.event("response.done")


async def test_calls_end_when_the_server_stops(stage: Stage) -> None:
    with stage.serving() as serving:
        async with calling(serving) as caller:
            await asyncio.to_thread(serving.stop)
            await caller.until(lambda: caller.is_over)


async def test_half_a_body_is_not_waited_for_once_its_sender_has_gone(serving: Serving) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
    head = f"POST /v1/realtime/calls HTTP/1.1\r\nHost: 127.0.0.1:{serving.port}\r\n"
    writer.write(
        f"{head}Content-Type: {SDP['Content-Type']}\r\nContent-Length: 999\r\n\r\nv=0".encode()
    )
    await writer.drain()
    writer.close()
    async with asyncio.timeout(PATIENCE):
        await reader.read()
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{serving.http_url}/healthz")).status_code == 200
    assert serving.live_sessions() == 0


fingerprint = ":".join(["A7"] * 32)
OFFER = f"""v=0
o=- 308508109991817833 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS 44fa2ac8
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:62fO
a=ice-pwd:kk852GYJa1pAP+Hv0O1moY1k
a=ice-options:trickle
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=candidate:1 1 udp 2113937151 127.0.0.1 50000 typ host generation 0
a=ssrc:2056448359 cname:nGFyDf5WvtUmHxCa
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:62fO
a=ice-pwd:kk852GYJa1pAP+Hv0O1moY1k
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=mid:1
a=sctp-port:5000
a=max-message-size:262144
"""
"""Chromium's, shortened."""


def test_chromiums_offer_is_read() -> None:
    offer = parse_offer(OFFER)
    assert (offer.opus, offer.direction, offer.setup) == (111, "sendrecv", "actpass")
    assert (offer.sctp_port, offer.max_message_size) == (5000, 262144)
    assert [candidate.port for candidate in offer.candidates] == [50000]
