"""How media finds its way: STUN and TURN servers, and the UDP ports of this machine."""

import re
from dataclasses import dataclass, field

_SERVER = re.compile(
    r"(?P<scheme>stun|turns?):"
    r"(?:(?P<user>[^:@/?\s]+):(?P<password>[^@/?\s]+)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)"
    r"(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?"
)
_DEFAULT_PORT = {"stun": 3478, "turn": 3478, "turns": 5349}
MIN_PORTS = 2
"""A range of fewer ports would serve one call at a time, and then not even that for a moment."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """A server that helps peers to meet. scheme: "stun", "turn" or "turns" (TLS)."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    transport: str = "udp"


@dataclass(frozen=True, slots=True)
class IceConfig:
    """servers: at most one of STUN and one of TURN are used. ports: first and last, None: any."""

    servers: tuple[IceServer, ...] = ()
    ports: tuple[int, int] | None = None

    @property
    def stun(self) -> IceServer | None:
        """The STUN server in use."""
        return next((server for server in self.servers if server.scheme == "stun"), None)

    @property
    def turn(self) -> IceServer | None:
        """The TURN server in use."""
        return next((server for server in self.servers if server.scheme != "stun"), None)

    @property
    def public_urls(self) -> tuple[str, ...]:
        """What a page is told. TURN servers are not: their credentials are no page's business, and
        one relay, ours, is enough for a call."""
        return () if self.stun is None else (f"stun:{self.stun.host}:{self.stun.port}",)


def parse_ice_servers(text: str) -> tuple[IceServer, ...]:
    """`stun:HOST[:PORT],turn:USER:PASSWORD@HOST[:PORT][?transport=tcp]`; raises ValueError."""
    servers = tuple(_server(part.strip()) for part in text.split(",") if part.strip())
    for kind in (("stun",), ("turn", "turns")):
        if sum(server.scheme in kind for server in servers) > 1:
            raise ValueError(f"names several {kind[0]} servers; one of each kind is used")
    return servers


def without_credentials(text: str) -> str:
    """`text` as it may be shown, whether it could be parsed or not."""
    return re.sub(r"(turns?:)[^@,]*@", r"\1***@", text)


def _server(text: str) -> IceServer:
    found = _SERVER.fullmatch(text)
    if found is None:
        raise ValueError(
            "should look like stun:HOST:3478 or turn:USER:PASSWORD@HOST:3478?transport=udp, "
            "several with commas between"
        )
    scheme, user = found["scheme"], found["user"] or ""
    port = int(found["port"] or _DEFAULT_PORT[scheme])
    if not 0 < port < 65536:
        raise ValueError(f"names port {port}; ports are 1 to 65535")
    if scheme == "stun" and (user or found["transport"]):
        raise ValueError("has a user or a transport for a STUN server, which knows neither")
    if scheme != "stun" and not user:
        raise ValueError("names a TURN server without credentials; turn:USER:PASSWORD@HOST")
    transport = found["transport"] or ("tcp" if scheme == "turns" else "udp")
    if scheme == "turns" and transport != "tcp":
        raise ValueError("asks for TURN with TLS over UDP; use turns: with ?transport=tcp")
    host = found["host"].strip("[]")
    return IceServer(scheme, host, port, user, found["password"] or "", transport)


def parse_udp_ports(text: str) -> tuple[int, int]:
    """`50000-50100`, both ends included; raises ValueError."""
    found = re.fullmatch(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*", text)
    if found is None:
        raise ValueError("should be a range of UDP ports, such as 50000-50100")
    first, last = int(found[1]), int(found[2])
    if not 1024 <= first <= 65535 or not last <= 65535 or last - first + 1 < MIN_PORTS:
        raise ValueError(f"should be {MIN_PORTS} ports or more between 1024 and 65535")
    return first, last
