"""Order events as the service makes them: orders spoken, placed and moved on by its own code, at a virtual time."""

from __future__ import annotations

import itertools
import uuid
from typing import Final

from agiza.contracts.envelope import Received, Stamp, decode, encode
from agiza.contracts.events import FunctionCall, ReadBackEvidence, ToolCalled
from agiza.domain.orders import OrderState
from agiza.runtime.clock import StoppedClock
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool, transaction
from agiza.runtime.traces import Trace
from services.orders.catalog import Catalog
from services.orders.handler import ToolHandler
from services.orders.moves import Told, tell

BRANCH: Final = "westlands"
ITEM: Final = "fries"
WORDS: Final = (
    Told(OrderState.RECEIVED),
    Told(OrderState.ACCEPTED, eta_minutes=15),
    Told(OrderState.PREPARING),
    Told(OrderState.READY),
    Told(OrderState.COMPLETED),
)
EVENTS: Final = 1 + len(WORDS)
"""Of each order."""
STEP_S: Final = 2.0


class Producer:
    """Makes orders, one after the other. ``clock`` is theirs: nobody waits for it."""

    def __init__(self, pool: Pool, clock: StoppedClock) -> None:
        self._pool = pool
        self._clock = clock
        self._handler = ToolHandler(pool, Catalog(pool), clock, Metrics())
        self._numbers = itertools.count(1)

    async def order(self) -> None:
        """One order from its first item to its handing over, in :data:`EVENTS` events."""
        call_id = f"HD_feed{next(self._numbers):06d}"
        await self._ask(call_id, "addItem", {"name": ITEM})
        total = await self._ask(call_id, "getTotal", {})
        heard = ReadBackEvidence(
            quote_id=str(total["quote_id"]), outcome="completed", played_ms=3000, caller_speech_ms=500
        )
        placed = await self._ask(call_id, "placeOrder", {}, heard)
        for told in WORDS:
            self._clock.advance(STEP_S)
            async with transaction(self._pool) as conn:
                await tell(
                    conn,
                    str(placed["order_id"]),
                    told,
                    branches=(BRANCH,),
                    said_by="bench",
                    now=self._clock.now(),
                    traceparent=str(Trace.new()),
                )

    async def while_away(self, minutes: float) -> int:
        """So many virtual minutes of a busy branch, an order every ten seconds; gives how many orders."""
        until = self._clock.monotonic() + minutes * 60
        count = 0
        while self._clock.monotonic() < until:
            await self.order()
            count += 1
        return count

    async def _ask(
        self, call_id: str, name: str, args: dict[str, object], heard: ReadBackEvidence | None = None
    ) -> dict[str, object]:
        answered = await self._handler.answer(self._called(call_id, name, args, heard), "stream")
        return dict(answered.event.results[0].response)

    def _called(self, call_id: str, name: str, args: dict[str, object], heard: ReadBackEvidence | None) -> Received:
        event = ToolCalled(
            branch_id=BRANCH,
            call_id=call_id,
            menu_version=1,
            leg_epoch=1,
            calls=(FunctionCall(id=str(uuid.uuid4()), name=name, args=args),),
            cart_version_told=None,
            deadline_ms=int(self._clock.now().timestamp() * 1000) + 8000,
            reply_to="agiza:replies:bench",
            read_back=heard,
        )
        stamp = Stamp(str(uuid.uuid4()), "/bench", self._clock.now(), str(Trace.new()))
        return decode(encode(event, stamp))
