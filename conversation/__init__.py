"""Who has the floor: a pure state machine. Standard library only, no I/O, no clock."""

from conversation.completeness import Completeness
from conversation.floor import Floor
from conversation.machine import Conversation
from conversation.policy import Endpointing, TurnPolicy

__all__ = ["Completeness", "Conversation", "Endpointing", "Floor", "TurnPolicy"]
