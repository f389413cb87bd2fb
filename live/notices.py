"""What instances tell each other of prompts: the bodies of two topics of the bus."""

from typing import Literal, TypeVar

import structlog
from pydantic import BaseModel, Field, ValidationError

from messaging.bus import Message
from outreach.prompt import Outreach

log = structlog.get_logger(__name__)

Body = TypeVar("Body", bound="Notice")


class Notice(BaseModel):
    """Body of the topic "outreach": this prompt waits."""

    user: str = Field(min_length=1, max_length=256)
    id: str = Field(min_length=1, max_length=64)


class ToInstance(Notice):
    """Body of the topic "to-instance".

    deliver: the person's session is yours. card: `outreach` is said in `session`, show it in
    others. gone: take the card away. move: the person uses `session` now; `id` is "-".
    """

    kind: Literal["deliver", "card", "gone", "move"]
    session: str = Field(default="", max_length=256)
    outreach: Outreach | None = None


def read_notice(model: type[Body], message: Message) -> Body | None:
    """A body that cannot be read will not be any better next time."""
    try:
        return model.model_validate_json(message.body)
    except ValidationError as error:
        log.warning("message_unreadable", topic=message.topic, id=message.id, reason=str(error))
        return None
