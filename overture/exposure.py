"""Who can reach the server, as far as settings say: addresses, keys, TLS, proxies, web origins."""

import ipaddress
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit


class Exposed(Protocol):
    """The settings that decide it."""

    @property
    def host(self) -> str: ...
    @property
    def keys_file(self) -> Path | None: ...
    @property
    def tls_cert(self) -> Path | None: ...
    @property
    def tls_key(self) -> Path | None: ...
    @property
    def behind_proxy(self) -> tuple[str, ...]: ...


def address(host: str) -> str:
    """An address to listen on; raises ValueError."""
    try:
        if host != "localhost":
            ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(
            "should be an address of this machine: 127.0.0.1, ::1, localhost, or 0.0.0.0 for all"
        ) from None
    return host


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def split(value: object) -> object:
    """A comma-separated list."""
    if not isinstance(value, str):
        return value
    return tuple(word.strip() for word in value.split(",") if word.strip())


def origin(value: str) -> str:
    """A web origin as browsers send it; raises ValueError."""
    parts = urlsplit(value)
    given = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in {"http", "https"} or not parts.hostname or value != given.lower():
        raise ValueError(
            "should be scheme and host as browsers send them, without a path, such as "
            "https://talk.example.org or http://localhost:3000"
        )
    return value


def proxy(value: str) -> str:
    """An address or a network; raises ValueError."""
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError("should be addresses or networks, such as 127.0.0.1,10.0.0.0/8") from None
    return value


def dangers(settings: Exposed) -> dict[str, str]:
    """Settings that do not go together: name of the one to change, and why. The network must not
    reach a server without keys, and keys must not cross it in the clear."""
    found = {}
    if (settings.tls_cert is None) != (settings.tls_key is None):
        given = "tls_cert" if settings.tls_cert else "tls_key"
        found[given] = "OVERTURE_TLS_CERT and OVERTURE_TLS_KEY are needed together"
    if is_loopback(settings.host):
        return found
    if settings.keys_file is None:
        found["host"] = (
            "would open the server to the network, and everybody could use it; make a key with "
            "`overture keys new NAME --role service`, set OVERTURE_KEYS_FILE (docs/keys.md), or "
            "stay on 127.0.0.1 and reach it through `ssh -L 8000:127.0.0.1:8000 THIS_MACHINE`"
        )
    elif settings.tls_cert is None and not settings.behind_proxy:
        found["host"] = (
            "would send keys and voices over the network in the clear, and browsers give no "
            "microphone to such a page; set OVERTURE_TLS_CERT and OVERTURE_TLS_KEY, or, behind a "
            "proxy that does TLS, OVERTURE_BEHIND_PROXY=ITS_ADDRESS"
        )
    return found
