"""Who has the floor, and every way it may change hands. docs/ draws this table."""

from collections.abc import Mapping
from enum import Enum


class Floor(Enum):
    """The four states of a conversation."""

    IDLE = "idle"
    """Nobody speaks, nothing is being worked out."""
    LISTENING = "listening"
    """The user has the floor."""
    THINKING = "thinking"
    """The user's turn has ended and nothing has been said yet, or more is to be said."""
    SPEAKING = "speaking"
    """The agent has the floor."""


TRANSITIONS: Mapping[tuple[Floor, Floor], str] = {
    (Floor.IDLE, Floor.LISTENING): "the user starts to speak",
    (Floor.IDLE, Floor.THINKING): "the client asks for a response, or nobody has spoken for long",
    (Floor.IDLE, Floor.SPEAKING): "a prompt begins",
    (Floor.LISTENING, Floor.IDLE): "nothing was said, or the client owns the reply",
    (Floor.LISTENING, Floor.THINKING): "the turn has ended",
    (Floor.LISTENING, Floor.SPEAKING): "a critical prompt begins",
    (Floor.THINKING, Floor.SPEAKING): "the first audio flows",
    (Floor.THINKING, Floor.LISTENING): "the user goes on",
    (Floor.THINKING, Floor.IDLE): "there is nothing to say, or it was cancelled",
    (Floor.SPEAKING, Floor.IDLE): "all was played",
    (Floor.SPEAKING, Floor.LISTENING): "the user interrupts, or went on speaking beside a prompt",
    (Floor.SPEAKING, Floor.THINKING): "one response is over and the next follows",
}
"""(from, to) -> why. A change that is not here is a bug and raises."""


class IllegalTransitionError(AssertionError):
    """The machine tried to change the floor in a way the table does not hold: a bug in it."""
