"""What the parts of one session share: the way out, the clock, the setup, faults, memory and the record."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from simulators.live_api.clock import Clock
from simulators.live_api.context import Context
from simulators.live_api.faults import Faults, Moment
from simulators.live_api.outbox import Outbox
from simulators.live_api.record import SessionRecord
from simulators.live_api.setup import Setup


class TurnInterrupted(Exception):
    """The model's turn is over before it was complete; `turnComplete` has been sent already.

    `spoken` is what the caller can have heard of it, `cancelled` the ids of function calls that were withdrawn.
    """

    def __init__(self, spoken: str, cancelled: tuple[str, ...] = ()) -> None:
        super().__init__("the model's turn was interrupted")
        self.spoken = spoken
        self.cancelled = cancelled


@dataclass(slots=True)
class Stage:
    outbox: Outbox
    clock: Clock
    setup: Setup
    faults: Faults
    context: Context
    record: SessionRecord
    flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.flowing.set()

    def reached(self, moment: Moment) -> None:
        """Go silent here if the faults say so, once."""
        if moment in self.faults.stall_after:
            self.faults.stall_after = self.faults.stall_after - {moment}
            self.flowing.clear()

    def nudged(self) -> None:
        if self.faults.stall_ends == "on_content":
            self.flowing.set()
