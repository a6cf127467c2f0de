"""A later leg takes its call over: every older leg is refused from here on, and the new one is told the cart.

    answer = await TakeOvers(...).answer(received)

The fence is the cart's leg epoch in Postgres, raised under the cart's lock. A call that has no cart yet gets an empty
one for it. What the older leg had committed before is in the answer; what it still sends finds the fence.
"""

from __future__ import annotations

from agiza.contracts.envelope import Received
from agiza.contracts.events import CallTakenOver, LegSuperseded, TakeOverAnswered, TakeOverStatus
from agiza.domain.desk import take_over
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, transaction
from services.orders import store
from services.orders.opening import Opening, Openings

log = get_logger(__name__)


class TakeOvers:
    """Fences older legs."""

    def __init__(self, pool: Pool, openings: Openings, metrics: Metrics) -> None:
        self._pool = pool
        self._openings = openings
        self._metrics = metrics

    async def answer(self, received: Received) -> TakeOverAnswered:
        """Raise the fence and say with which cart the leg goes on. Repeated, it says the same and changes nothing.

        Raises ``MenuNotFound`` and psycopg's errors; then nothing was written.
        """
        event = received.event
        assert isinstance(event, CallTakenOver)
        async with transaction(self._pool) as conn:
            opening = await self._openings.open_in(conn, event.call_id, event.branch_id, event.leg_epoch)
            status = await self._fence(conn, event)
        self._metrics.add("calls_taken_over_total", outcome=status)
        log.info("call_taken_over", call_id=event.call_id, leg_epoch=event.leg_epoch, outcome=status)
        told = opening.in_language(event.language) if status == "ok" else Opening()
        return TakeOverAnswered(
            branch_id=event.branch_id,
            call_id=event.call_id,
            request_id=received.envelope.id,
            leg_epoch=event.leg_epoch,
            status=status,
            resumed=told.resumed,
            cart_version=told.cart_version,
            lines=told.lines,
            total=told.total,
            placed=told.placed,
            reply_to=event.reply_to,
        )

    async def _fence(self, conn: Connection, event: CallTakenOver) -> TakeOverStatus:
        try:
            row = await store.lock_cart(
                conn, call_id=event.call_id, branch_id=event.branch_id, menu_version=event.menu_version
            )
        except store.CartElsewhere:
            return "elsewhere"
        status = take_over(row.leg_epoch, event.leg_epoch)
        if status == "ok":
            await store.raise_fence(conn, row.cart_id, event.leg_epoch)
        else:
            self._metrics.add("stale_epoch_rejected_total")
        return status


def news_of(answer: TakeOverAnswered) -> LegSuperseded | None:
    """What all bridges are told after the commit; None where no older leg was fenced."""
    if answer.status != "ok" or answer.call_id is None:
        return None
    return LegSuperseded(branch_id=answer.branch_id, call_id=answer.call_id, leg_epoch=answer.leg_epoch)
