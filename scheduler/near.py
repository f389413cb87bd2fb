"""The short way of a prompt: from the engine to a session of the same process, without the bus."""

from typing import Protocol

from outreach.prompt import Outreach


class Near(Protocol):
    """The sessions of this process. session: the one that the person uses now, wherever it is."""

    def expect(self, outreach: Outreach, session: str) -> None:
        """It is about to be entered in the ledger: its words may be made into sound meanwhile."""
        ...

    async def bring(self, outreach: Outreach, session: str) -> bool:
        """It is in the ledger: has it said; False if the bus must find its person. Never raises
        what the ledger or the bus raise."""
        ...


class NobodyNear:
    """Where no session is: a scheduler by itself."""

    def expect(self, outreach: Outreach, session: str) -> None:
        """See the port."""

    async def bring(self, outreach: Outreach, session: str) -> bool:
        """See the port."""
        return False
