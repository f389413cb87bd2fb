"""Messages as the entries of a stream. Other programs may add entries: any field may be missing."""

import re
from collections.abc import Mapping

from messaging.bus import Message

Fields = Mapping[bytes, bytes]


def fields_of(message: Message, owner: str = "") -> list[str | bytes]:
    """Names and values in turn. owner: the instance that it is for, encoded; "" for none."""
    named = {"tag": message.tag, "key": message.key, "owner": owner}
    fields: list[str | bytes] = ["id", message.id, "born", f"{message.born:.6f}"]
    for name, value in named.items():
        if value:  # each costs the reader 20 us
            fields += [name, value]
    return [*fields, "body", message.body]


def message_of(topic: str, entry: bytes, fields: Fields, attempt: int) -> Message:
    """entry: the stream's own id, from which a missing id and time are taken."""
    try:
        born = float(fields[b"born"])
    except (KeyError, ValueError):
        born = int(entry.split(b"-")[0]) / 1000
    return Message(
        text_of(fields, b"id") or entry.decode(),
        topic,
        text_of(fields, b"tag"),
        text_of(fields, b"key"),
        fields.get(b"body", b""),
        born,
        attempt,
    )


def text_of(fields: Fields, name: bytes) -> str:
    """A field as text, "" if it is missing."""
    return fields.get(name, b"").decode("utf-8", "replace")


def paired(flat: list[bytes]) -> Fields:
    """Names and values in turn, as scripts return them, as a mapping."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def encoded(name: str) -> str:
    """A name as part of a key: nothing in it can end the hash tag or begin another part."""
    return re.sub(r"[{}%:\s\x00-\x1f\x7f]", lambda found: f"%{ord(found[0]):02X}", name)


def stream_of(topic: str) -> str:
    """The key of a topic's stream; the name is the hash tag, so that a topic is in one slot."""
    return f"overture:bus:{{{encoded(topic)}}}"
