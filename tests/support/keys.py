"""Keys for tests: one of each role, and one that is a single person's."""

from dataclasses import dataclass
from pathlib import Path

from server.keys import ApiKey, KeyRing, Role, digest_of, new_key


@dataclass(frozen=True, slots=True)
class Keys:
    """A keys file and what is in it. ann: a client key that speaks for the user "ann" only."""

    path: Path
    client: str
    operator: str
    service: str
    ann: str

    def ring(self) -> KeyRing:
        """As the server reads it."""
        return KeyRing(self.path)

    def withdraw(self, name: str) -> None:
        """Takes one key's line out."""
        lines = self.path.read_text().splitlines()
        self.path.write_text("\n".join(each for each in lines if each.split()[0] != name) + "\n")


def make_keys(folder: Path) -> Keys:
    """A keys file in that folder."""
    path = folder / "keys"
    keys = Keys(path, new_key(), new_key(), new_key(), new_key())
    lines = [
        ApiKey("client", Role.CLIENT, digest_of(keys.client)),
        ApiKey("operator", Role.OPERATOR, digest_of(keys.operator)),
        ApiKey("service", Role.SERVICE, digest_of(keys.service)),
        ApiKey("ann", Role.CLIENT, digest_of(keys.ann), user="ann"),
    ]
    path.write_text("\n".join(line.line() for line in lines) + "\n")
    path.chmod(0o600)
    return keys


def bearer(key: str | None) -> dict[str, str]:
    """The header that presents it; none without one."""
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def offered(key: str) -> list[str]:
    """The subprotocols that a browser presents it with."""
    return ["realtime", f"openai-insecure-api-key.{key}"]
