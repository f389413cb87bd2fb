"""What the topics and groups of Overture are called at the broker."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from messaging.bus import BusError


@dataclass(frozen=True, slots=True)
class Topics:
    """Names as configuration: two installations on one broker, or a company's own naming.

    prefix: before every name. names: instead of a name, "outreach" -> "acme-prompts"; the prefix
    is not added to these.

    >>> Topics(prefix="staging-")("outreach")
    'staging-outreach'
    """

    prefix: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, name: str) -> str:
        """What the topic or group is called at the broker."""
        return self.names.get(name, self.prefix + name)

    @classmethod
    def parse(cls, text: str) -> "Topics":
        """Of a setting: "staging-" (a prefix), or "outreach=acme-prompts,events=acme-events".

        Raises BusError.
        """
        if "=" not in text:
            return cls(prefix=text.strip())
        names = {}
        for pair in text.split(","):
            ours, _, theirs = (part.strip() for part in pair.partition("="))
            if not ours or not theirs:
                raise BusError(f"cannot read {pair!r}: name topics as OURS=THEIRS,OURS=THEIRS")
            names[ours] = theirs
        return cls(names=names)
