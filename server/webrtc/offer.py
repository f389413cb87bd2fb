"""A client's offer (SDP, RFC 8866, RFC 9429), as far as a voice and a data channel need it."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_BYTES = 64 * 1024
"""An offer of all that a browser has is 10 kB."""
MAX_LINES = 4000
MAX_SECTIONS = 16
MAX_CANDIDATES = 16
"""Each is an address that we send to, several times: enough for any machine, few for an attack."""

_TOKEN = re.compile(r"[A-Za-z0-9+/=_.:~!@#$%^&*{}|-]{1,256}")
_UFRAG = re.compile(r"[A-Za-z0-9+/=_-]{4,256}")
_PWD = re.compile(r"[A-Za-z0-9+/=_-]{22,256}")
_FINGERPRINT = re.compile(r"(?:[0-9A-Fa-f]{2}:){15,63}[0-9A-Fa-f]{2}")
_HASHES = frozenset({"sha-256", "sha-384", "sha-512"})
_SETUPS = frozenset({"actpass", "active", "passive"})
_DIRECTIONS = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})


class OfferError(ValueError):
    """An offer that cannot be answered; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class RemoteCandidate:
    """An address at which the client may be. kind: "host", "srflx", "relay"."""

    foundation: str
    priority: int
    address: str
    port: int
    kind: str


@dataclass(slots=True)
class Section:
    """One `m=` line and what follows it. kind: "audio", "video", "application"."""

    kind: str
    protocol: str
    formats: list[str]
    enabled: bool
    attributes: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> Iterator[str]:
        """The values of an attribute, in order."""
        return (value for key, value in self.attributes if key == name)

    def first(self, name: str) -> str | None:
        """The first of them."""
        return next(self.all(name), None)

    @property
    def mid(self) -> str:
        """The section's name in the group that shares a transport."""
        return self.first("mid") or ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the client proposes. audio, application: the sections that are taken up.

    text: as it came. setup: the client's part in DTLS. direction: which way its audio goes, as
    it says it.
    """

    text: str = field(repr=False)
    sections: tuple[Section, ...]
    audio: Section
    application: Section | None
    opus: int
    direction: str
    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    ice_lite: bool
    candidates: tuple[RemoteCandidate, ...]
    sctp_port: int
    max_message_size: int


def parse_offer(text: str) -> Offer:
    """Reads and checks it whole; raises OfferError."""
    session, sections = _sections(text)
    audio, opus = _audio(sections)
    application = next((s for s in sections if s.enabled and _is_data(s)), None)
    if application is not None:
        _check_bundle(session, audio, application)

    def attribute(name: str) -> str:
        return audio.first(name) or session.first(name) or ""

    setup = attribute("setup")
    if setup not in _SETUPS:
        raise OfferError("it has no a=setup:actpass, active or passive")
    return Offer(
        text=text,
        sections=tuple(sections),
        audio=audio,
        application=application,
        opus=opus,
        direction=_direction(session, audio),
        ufrag=_matching(_UFRAG, attribute("ice-ufrag"), "a=ice-ufrag"),
        password=_matching(_PWD, attribute("ice-pwd"), "a=ice-pwd"),
        fingerprints=_fingerprints(session, audio),
        setup=setup,
        ice_lite=session.first("ice-lite") is not None,
        candidates=_candidates(audio, application),
        sctp_port=_number(application, "sctp-port", 5000, 65535),
        max_message_size=_number(application, "max-message-size", 65536, 1 << 31),
    )


def _sections(text: str) -> tuple[Section, list[Section]]:
    lines = text.splitlines()
    if not lines or lines[0].strip() != "v=0":
        raise OfferError("it does not begin with v=0; is it SDP?")
    if len(lines) > MAX_LINES:
        raise OfferError(f"it has more than {MAX_LINES} lines")
    session = Section("session", "", [], True)
    sections: list[Section] = []
    for line in lines:
        kind, _, value = line.strip().partition("=")
        if kind == "m":
            if len(sections) == MAX_SECTIONS:
                raise OfferError(f"it has more than {MAX_SECTIONS} media sections")
            sections.append(_section(value))
        elif kind == "a":
            name, _, content = value.partition(":")
            (sections[-1] if sections else session).attributes.append((name, content.strip()))
    if not sections:
        raise OfferError("it has no media section (m=); was it cut off?")
    return session, sections


def _section(value: str) -> Section:
    parts = value.split()
    if len(parts) < 4 or not parts[1].split("/")[0].isdecimal():
        raise OfferError(f"'m={value[:60]}' is no media section; was it cut off?")
    if not all(_TOKEN.fullmatch(part) for part in parts):
        raise OfferError("a media section has characters that SDP does not allow")
    return Section(parts[0], parts[2], parts[3:], parts[1] != "0")


def _audio(sections: list[Section]) -> tuple[Section, int]:
    """The section to talk over, and the payload type of Opus in it."""
    offered = [s for s in sections if s.kind == "audio" and s.enabled]
    if not offered:
        raise OfferError("it has no audio (m=audio); add an audio track or transceiver")
    for section in offered:
        if section.protocol != "UDP/TLS/RTP/SAVPF" or section.first("rtcp-mux") is None:
            continue
        for value in section.all("rtpmap"):
            number, _, codec = value.partition(" ")
            if codec.lower() == "opus/48000/2" and number in section.formats and _is_type(number):
                return section, int(number)
    raise OfferError("its audio offers no Opus over UDP/TLS/RTP/SAVPF with a=rtcp-mux")


def _is_type(number: str) -> bool:
    return number.isdecimal() and int(number) < 128


def _is_data(section: Section) -> bool:
    return (
        section.kind == "application"
        and section.protocol in {"UDP/DTLS/SCTP", "DTLS/SCTP"}
        and "webrtc-datachannel" in section.formats
    )


def _check_bundle(session: Section, audio: Section, application: Section) -> None:
    for group in session.all("group"):
        kind, *mids = group.split()
        if kind == "BUNDLE" and {audio.mid, application.mid} <= set(mids):
            return
    raise OfferError("its audio and data channel share no transport; offer a=group:BUNDLE")


def _direction(session: Section, audio: Section) -> str:
    for name, _ in (*audio.attributes, *session.attributes):
        if name in _DIRECTIONS:
            return name
    return "sendrecv"


def _matching(pattern: re.Pattern[str], value: str, name: str) -> str:
    if not pattern.fullmatch(value):
        raise OfferError(f"it has no usable {name}; was it cut off?")
    return value


def _fingerprints(session: Section, audio: Section) -> tuple[tuple[str, str], ...]:
    found = []
    for value in (*audio.all("fingerprint"), *session.all("fingerprint")):
        algorithm, _, digest = value.partition(" ")
        if algorithm.lower() in _HASHES and _FINGERPRINT.fullmatch(digest):
            found.append((algorithm.lower(), digest.upper()))
    if not found:
        raise OfferError("it has no usable a=fingerprint (sha-256, sha-384 or sha-512)")
    return tuple(dict.fromkeys(found))[:8]


def _candidates(*sections: Section | None) -> tuple[RemoteCandidate, ...]:
    """The first that can be used; a client that has none is found by its own checks."""
    found: dict[tuple[str, int], RemoteCandidate] = {}
    for section in sections:
        for value in section.all("candidate") if section is not None else ():
            candidate = _candidate(value)
            if candidate is not None:
                found.setdefault((candidate.address, candidate.port), candidate)
            if len(found) == MAX_CANDIDATES:
                return tuple(found.values())
    return tuple(found.values())


def _candidate(value: str) -> RemoteCandidate | None:
    """None for what we cannot send to: TCP, RTCP's own, names ending in .local above all."""
    parts = value.split()
    if len(parts) < 8 or parts[1] != "1" or parts[2].lower() != "udp" or parts[6] != "typ":
        return None
    foundation, priority, address, port, kind = parts[0], parts[3], parts[4], parts[5], parts[7]
    if kind not in {"host", "srflx", "relay"} or not _TOKEN.fullmatch(foundation):
        return None
    if not (port.isdecimal() and priority.isdecimal()) or len(port) > 5 or len(priority) > 10:
        return None
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    if ip.is_multicast or ip.is_unspecified or not 0 < int(port) < 65536:
        return None
    return RemoteCandidate(foundation, int(priority), str(ip), int(port), kind)


def _number(section: Section | None, name: str, default: int, most: int) -> int:
    value = section.first(name) if section is not None else None
    if value is None:
        return default
    if not value.isdecimal() or len(value) > 20:
        raise OfferError(f"a={name} should be a number")
    return min(int(value), most)
