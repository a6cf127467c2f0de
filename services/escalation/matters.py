"""What a call of ours is about: the part that is told how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from agiza.contracts.events import OutboundStep
from agiza.runtime.postgres import Connection
from services.escalation.errands import Errand
from services.escalation.store_outbound import OutboundRow

Step = OutboundStep | Literal["not_placed"]
"""How far a call of ours has come. ``not_placed``: no phone rang."""


class Matter(Protocol):
    """Owner of one or more kinds of outbound calls."""

    async def outbound_moved(self, conn: Connection, row: OutboundRow, step: Step) -> Sequence[Errand]:
        """Note the step, in the transaction that stores it. Told twice, the second time changes nothing."""
        ...
