"""Could the speaker stop here? Told by the intents room, weighed by the machine."""

from enum import Enum


class Completeness(Enum):
    """How finished an utterance sounds, from its words alone."""

    COMPLETE = "complete"
    """It can stand, and hardly anybody goes on: "a large latte with milk and sugar"."""
    LIKELY = "likely"
    """It can stand, and few go on from here: "a large latte with soy milk"."""
    UNSURE = "unsure"
    """No evidence either way."""
    DANGLING = "dangling"
    """It clearly goes on: "I'd like a large", "and", "with"."""
