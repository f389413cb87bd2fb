"""What the ledger knows of one prompt."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from outreach.prompt import Outreach
from outreach.states import State


class Step(BaseModel):
    """One change of state. at: Unix time, Redis' own. by: the instance, scheduler or operator.

    reason: why, in words that are shown ("quiet hours until 08:00 in Europe/London").
    evidence: what it was decided on.
    """

    model_config = ConfigDict(frozen=True)

    state: State
    at: float
    by: str = ""
    reason: str = ""
    evidence: Mapping[str, JsonValue] = Field(default_factory=dict)


class Entry(BaseModel):
    """A prompt and how it has fared.

    epoch: fencing; grows with every reservation. begun: how often its first sample may have
    flowed. until: of HELD, when it is looked at again; of RESERVED and SPEAKING, when the lease
    runs out. holder: "INSTANCE/SESSION" of the lease.
    """

    model_config = ConfigDict(frozen=True)

    outreach: Outreach
    state: State
    epoch: int = 0
    begun: int = 0
    until: float = 0.0
    holder: str = ""
    steps: tuple[Step, ...] = ()
