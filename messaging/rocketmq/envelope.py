"""What of our message travels beside its body, as one JSON property of RocketMQ's message."""

import time
from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from messaging.bus import DeadLetter, Message

PROPERTY = "overture"


class Envelope(BaseModel):
    """id, tag, key, born as in Message. due: when it is to be handled, later than born if delayed.

    owner: the instance it is for. only: the group it is for (a dead letter sent again).
    empty: RocketMQ takes no empty body, so it carries one byte.
    """

    id: str
    tag: str = ""
    key: str = ""
    born: float
    due: float
    owner: str = ""
    only: str = ""
    empty: bool = False

    def properties(self) -> dict[str, str]:
        """For the message to carry."""
        return _properties(self)

    def message(self, topic: str, body: bytes, attempt: int) -> Message:
        """What the handler gets."""
        body = b"" if self.empty else body
        return Message(self.id, topic, self.tag, self.key, body, self.born, attempt)


def open_envelope(properties: Mapping[str, str], message_id: str) -> Envelope:
    """Of a message that came; one that another program published has the broker's id as its own."""
    try:
        return Envelope.model_validate_json(properties.get(PROPERTY, ""))
    except ValidationError:
        now = time.time()
        return Envelope(id=message_id, born=now, due=now)


class Letter(BaseModel):
    """A dead letter beside the body of its message. group: whose handler gave up.

    resent: not empty on the note that says that this letter was sent again.
    """

    letter: str
    group: str = ""
    reason: str = ""
    died: float = 0.0
    attempt: int = 1
    message: Envelope | None = None
    resent: bool = False

    def properties(self) -> dict[str, str]:
        """For the message to carry."""
        return _properties(self)

    def dead_letter(self, topic: str, body: bytes) -> DeadLetter:
        """For the operator."""
        assert self.message is not None
        message = self.message.message(topic, body, self.attempt)
        return DeadLetter(self.letter, self.group, message, self.died, self.reason)


def open_letter(properties: Mapping[str, str]) -> Letter | None:
    """None for what another program put there."""
    try:
        return Letter.model_validate_json(properties.get(PROPERTY, ""))
    except ValidationError:
        return None


def _properties(content: BaseModel) -> dict[str, str]:
    """RocketMQ takes no control characters; JSON escapes all of them but DEL."""
    text = content.model_dump_json(exclude_defaults=True, ensure_ascii=True)
    return {PROPERTY: text.replace("\x7f", "\\u007f")}
