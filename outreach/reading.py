"""Entries as they come out of Redis."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import structlog
from pydantic import ValidationError

from outreach.entry import Entry, Step
from outreach.prompt import Outreach
from outreach.states import State

log = structlog.get_logger(__name__)


def read_entry(fields: Sequence[bytes] | Mapping[bytes, bytes]) -> Entry:
    """From what HGETALL says of a prompt; a script gives it as name, value, name, value, ..."""
    of = (
        fields if isinstance(fields, Mapping) else dict(zip(fields[::2], fields[1::2], strict=True))
    )
    numbers = sorted(int(name[1:]) for name in of if name[:1] == b"s" and name[1:].isdigit())
    return Entry(
        outreach=Outreach.model_validate_json(of[b"doc"]),
        state=State(of[b"state"].decode()),
        epoch=int(of[b"epoch"]),
        begun=int(of[b"begun"]),
        until=float(of[b"until"]),
        holder=of[b"holder"].decode(),
        steps=tuple(Step.model_validate_json(of[b"s%d" % number]) for number in numbers),
    )


def readable(found: Iterable[Sequence[bytes] | Mapping[bytes, bytes]]) -> Iterator[Entry]:
    """Of several, those that this version can read: a newer one may have written others."""
    for fields in found:
        try:
            yield read_entry(fields)
        except ValidationError as error:
            log.warning("a prompt in the ledger cannot be read", reason=str(error).split("\n")[0])
