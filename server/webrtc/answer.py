"""Our answer to an offer, in SDP: one transport, one voice each way, one data channel."""

import secrets
from dataclasses import dataclass

from server.webrtc.offer import Offer, Section

SCTP_PORT = 5000
MAX_MESSAGE_SIZE = 256 * 1024
"""Bytes of one event on the data channel; browsers send no more."""
HEARD_BIT_RATE = 32_000
"""Bits a second of what clients send: browsers would take 20,000 for speech up to 8 kHz."""
STREAM = "overture"
_OURS = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly"}


@dataclass(frozen=True, slots=True)
class Local:
    """Our side. candidates: lines as `a=candidate:` has them. ssrc: of the agent's voice."""

    ufrag: str
    password: str
    fingerprint: str
    candidates: tuple[str, ...]
    ssrc: int


def answer(offer: Offer, local: Local) -> str:
    """The answer, complete with all candidates."""
    taken = [section for section in (offer.audio, offer.application) if section is not None]
    mids = " ".join(section.mid for section in taken)
    lines = [
        "v=0",
        f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        *([f"a=group:BUNDLE {mids}"] if mids.strip() else []),
        f"a=msid-semantic: WMS {STREAM}",
    ]
    for section in offer.sections:
        if section is offer.audio:
            lines += _audio(offer, local)
        elif section is offer.application:
            lines += _application(section, offer, local)
        else:
            lines += _refused(section)
    return "\r\n".join(lines) + "\r\n"


def _audio(offer: Offer, local: Local) -> list[str]:
    kind = offer.opus
    return [
        f"m=audio 9 UDP/TLS/RTP/SAVPF {kind}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        *_transport(offer.audio, offer, local),
        f"a={_OURS.get(offer.direction, 'inactive')}",
        "a=rtcp-mux",
        f"a=rtpmap:{kind} opus/48000/2",
        # The ears hear 16 kHz, in one channel: more would be encoded, sent and thrown away.
        f"a=fmtp:{kind} minptime=10;stereo=0;maxplaybackrate=16000;"
        f"maxaveragebitrate={HEARD_BIT_RATE}",
        f"a=msid:{STREAM} voice",
        f"a=ssrc:{local.ssrc} cname:{STREAM}",
        *[f"a=candidate:{candidate}" for candidate in local.candidates],
        "a=end-of-candidates",
    ]


def _application(section: Section, offer: Offer, local: Local) -> list[str]:
    return [
        f"m=application 9 {section.protocol} webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        *_transport(section, offer, local),
        f"a=sctp-port:{SCTP_PORT}",
        f"a=max-message-size:{MAX_MESSAGE_SIZE}",
    ]


def _transport(section: Section, offer: Offer, local: Local) -> list[str]:
    return [
        *([f"a=mid:{section.mid}"] if section.mid else []),
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{our_setup(offer)}",
    ]


def our_setup(offer: Offer) -> str:
    """We wait for the client's hello where we may: it knows first that the path is open."""
    return "active" if offer.setup == "passive" else "passive"


def _refused(section: Section) -> list[str]:
    return [
        f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}",
        "c=IN IP4 0.0.0.0",
        *([f"a=mid:{section.mid}"] if section.mid else []),
        "a=inactive",
    ]
