"""How many sessions there may be: of all together, of a person, from an address, by a key."""

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from server.door import Caller
from server.host import Limits
from server.refusals import RefusedError


class Places:
    """Counts live sessions, whatever they travel on."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.taken: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def taken_by(self, caller: Caller) -> Iterator[None]:
        """One for as long as the context lasts; raises RefusedError when none is left.

        Somebody whose key speaks for anyone is a backend: they may fill the server, from one
        address, unless their key has a bound of its own.
        """
        bounds = {("all", ""): self._limits.max_sessions}
        if caller.key_sessions is not None:
            bounds["key", caller.key] = caller.key_sessions
        if caller.user is not None:
            bounds["user", caller.user] = self._limits.sessions_per_user
            if network := _network(caller.address):
                bounds["address", network] = self._limits.sessions_per_address
        for place, most in bounds.items():
            if self.taken[place] >= most:
                raise RefusedError(429, "too_many_sessions", _REASONS[place[0]])
        self.taken.update(bounds.keys())
        try:
            yield
        finally:
            self.taken.subtract(bounds.keys())
            self.taken = +self.taken  # what is 0 takes no memory


_REASONS = {
    "all": "all places are taken",
    "key": "this key has as many sessions as it may",
    "user": "this user has as many sessions as they may; end one",
    "address": "as many sessions as may be come from this address",
}


def _network(address: str) -> str:
    """What one subscriber has: an IPv4 address, or 2**64 of IPv6. "" for this machine itself."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:  # how a socket for both kinds shows IPv4
            return _network(str(ip.ipv4_mapped))
        return "" if ip.is_loopback else str(ipaddress.ip_network((ip, 64), strict=False))
    return "" if ip.is_loopback else address
