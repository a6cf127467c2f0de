"""Calls of our own: placed once, followed to their end, whatever is lost on the way.

The row is committed before the carrier is asked, under an id that the carrier keeps too: asked again it rings nobody
twice. What becomes of the call comes as events of the webhook; where none comes, the carrier is asked.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from agiza.carrier.errors import CarrierApiError, Unreachable, WalletEmpty
from agiza.contracts.events import OutboundMoved
from agiza.domain.ids import BranchId
from agiza.domain.menu import BranchFile
from agiza.domain.rescue import TALK_MAX
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, lock_call, transaction
from services.escalation import store_lines
from services.escalation import store_outbound as store
from services.escalation.carrier_line import CarrierLine
from services.escalation.errands import Errand, Errands, HangUp
from services.escalation.matters import Matter, Step
from services.escalation.store_outbound import OutboundKind, OutboundRow, OutboundState

ASK_FOR: Final = timedelta(seconds=20)
"""So long the same call is asked for again; the carrier keeps the id while the call lives."""
ASK_AGAIN: Final = timedelta(seconds=1)
"""The job asks at once; the sweeper asks for what no job has asked for."""
RING_SILENT: Final = timedelta(seconds=3)
"""A call that was placed so long ago without a word is asked after, and then again and again: not every carrier tells
us that somebody has picked up."""
RING_LOST: Final = timedelta(seconds=90)
"""A phone that still rings after this is no longer waited for."""
CONFLICT: Final = "idempotency.conflict"
"""The carrier is answering an equal request of ours at this moment."""
TALK_LOST: Final = TALK_MAX + timedelta(minutes=2)

_AFTER: Final[Mapping[Step, OutboundState]] = {
    "answered": "answered",
    "connected": "connected",
    "unanswered": "failed",
    "not_placed": "failed",
    "missed": "ended",
    "ended": "ended",
}
_FINAL: Final = ("connected", "ended", "failed")

log = get_logger(__name__)


def new_call(
    kind: OutboundKind,
    branch_id: str,
    call_id: str,
    pii_to: str,
    now: datetime,
    *,
    language: str,
    callback_id: str | None = None,
    handoff_id: str | None = None,
    pii_customer: str | None = None,
    contact_id: str | None = None,
    room: str | None = None,
) -> OutboundRow:
    """A call that is to be placed."""
    return OutboundRow(
        outbound_id=f"out-{uuid.uuid4().hex}",
        call_id=call_id,
        callback_id=callback_id,
        handoff_id=handoff_id,
        branch_id=branch_id,
        kind=kind,
        pii_to=pii_to,
        pii_customer=pii_customer,
        contact_id=contact_id,
        room=room,
        language=language,
        state="asked",
        carrier_call_id=None,
        created_at=now,
        updated_at=now,
    )


class OutboundCalls:
    """Places calls and follows them."""

    def __init__(
        self,
        *,
        pool: Pool,
        line: CarrierLine,
        errands: Errands,
        matters: Mapping[OutboundKind, Matter],
        branches: Mapping[BranchId, BranchFile],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._pool = pool
        self._line = line
        self._errands = errands
        self._matters = matters
        self._branches = branches
        self._clock = clock
        self._metrics = metrics

    async def place(self, outbound_id: str) -> None:
        """Ask the carrier for this call, if that is still to be done.

        Raises :class:`~agiza.carrier.errors.CarrierApiError` with ``retryable`` where it should be asked again.
        """
        async with self._pool.connection() as conn:
            row = await store.read_outbound(conn, outbound_id)
            if row is None or row.state != "asked":
                return
            refused = await self._refusal(conn, row)
        if refused is not None:
            self._metrics.add("dial_refused_total", reason=refused)
            log.error("outbound_refused", outbound_id=outbound_id, branch_id=row.branch_id, reason=refused)
            await self.moved(outbound_id, "not_placed" if refused in ("off", "none") else "unanswered")
            return
        branch = self._branches[BranchId(row.branch_id)].branch
        if row.kind in ("ring_back", "customer_join"):
            await self._free_line(row)
        try:
            placed = await self._line.place(outbound_id, branch, row.pii_to)
        except CarrierApiError as error:
            if error.retryable:
                raise
            if error.code == CONFLICT:
                raise Unreachable(CONFLICT, error.status) from None
            log.error("call_not_placed", outbound_id=outbound_id, kind=row.kind, why=error.code)
            self._metrics.add("outbound_calls_total", kind=row.kind, outcome="refused")
            await self.moved(outbound_id, "not_placed" if isinstance(error, WalletEmpty) else "unanswered")
            return
        self._metrics.add("outbound_calls_total", kind=row.kind, outcome="placed")
        carrier_call_id = placed.session_id or placed.call_id
        async with transaction(self._pool) as conn:
            stored = await store.lock_outbound(conn, outbound_id)
            if stored is None:
                return
            # The webhook may have told us of its end before the carrier's answer came.
            state: OutboundState = "placed" if stored.state == "asked" else stored.state
            await store.move_outbound(conn, outbound_id, state, self._clock.now(), carrier_call_id=carrier_call_id)
        if state in _FINAL and carrier_call_id is not None:
            await self._line.hang_up(carrier_call_id)  # nobody wanted it any more by the time it rang
        log.info("call_placed", outbound_id=outbound_id, kind=row.kind, call_id=row.call_id)

    async def _free_line(self, row: OutboundRow) -> None:
        """End the call in which the customer hears nothing any more: an engaged phone cannot be rung."""
        async with self._pool.connection() as conn:
            known = await store_lines.read_line(conn, row.call_id)
        if known is not None and known.line.ended_at is None and not await self._line.hang_up(row.call_id):
            raise Unreachable("line_engaged")

    async def _refusal(self, conn: Connection, row: OutboundRow) -> str | None:
        """Why this call must not be placed. Judged at the last moment, whatever stands in the row."""
        file = self._branches.get(BranchId(row.branch_id))
        if not self._line.is_set_up or file is None:
            return "none"
        if self._line.state == "off":
            return "off"
        if self._line.refuses(row.pii_to, file.branch) is not None:
            return "number"
        customer = row.pii_customer or row.pii_to
        of_branch, of_customer = await store.placed_lately(conn, row.branch_id, customer, self._clock.now())
        # The row itself is counted already.
        if of_branch > file.branch.escalation.dials_per_hour or of_customer > self._line.limits.for_customer_day:
            return "limit"
        return None

    async def heard(self, event: OutboundMoved) -> None:
        """The webhook says what the carrier did."""
        await self.moved(event.outbound_id, event.step, carrier_call_id=event.call_id)

    async def moved(self, outbound_id: str, step: Step, *, carrier_call_id: str | None = None) -> None:
        """A call has come further. Repeated and late words change nothing."""
        async with self._pool.connection() as conn:
            known = await store.read_outbound(conn, outbound_id)
        if known is None or known.state in _FINAL:
            return
        async with transaction(self._pool) as conn:
            # All that is about one call takes its lock first, so that nobody waits for each other crosswise.
            await lock_call(conn, known.call_id)
            row = await store.lock_outbound(conn, outbound_id)
            if row is None:
                return
            if row.state in _FINAL or (step == "answered" and row.state == "answered"):
                return
            await store.move_outbound(
                conn, outbound_id, _AFTER[step], self._clock.now(), carrier_call_id=carrier_call_id
            )
            errands = await self._matters[row.kind].outbound_moved(conn, row, step)
        self._metrics.add("outbound_calls_total", kind=row.kind, outcome=step)
        log.info("outbound_moved", outbound_id=outbound_id, kind=row.kind, call_id=row.call_id, step=step)
        await self._errands.run(errands)

    # --- what nobody told us ---------------------------------------------------------------------------------------

    async def stuck(self) -> list[OutboundRow]:
        """Calls that have not moved for a while."""
        async with self._pool.connection() as conn:
            now = self._clock.now()
            return await store.stuck(conn, asked=now - ASK_AGAIN, placed=now - RING_SILENT, answered=now - TALK_LOST)

    async def follow(self, row: OutboundRow) -> None:
        """Do what is due about such a call. Raises nothing but psycopg's errors."""
        now = self._clock.now()
        age = now - row.updated_at
        if row.state == "asked":
            if now - row.created_at > ASK_FOR:
                await self.moved(row.outbound_id, "unanswered")
                return
            try:
                await self.place(row.outbound_id)
            except CarrierApiError as error:
                log.warning("call_not_placed_yet", outbound_id=row.outbound_id, why=error.code)
        elif row.state == "placed" and age > RING_SILENT:
            await self._ask_after(row, age)
        elif row.state == "answered" and age > TALK_LOST:
            # They have talked for longer than anybody may: it is no reason to ring both once more.
            await self._end(row, "connected" if row.kind == "staff_bridge" else "ended", is_over=False)

    async def _ask_after(self, row: OutboundRow, age: timedelta) -> None:
        """A phone that should ring: has somebody picked up, or is it over, and its word on the way is late or lost?"""
        async with self._pool.connection() as conn:
            is_picked_up = await store_lines.is_picked_up(conn, row.outbound_id)
        seen = await self._line.look_at(row.carrier_call_id) if row.carrier_call_id and not is_picked_up else None
        if is_picked_up or seen == "answered":
            await self.moved(row.outbound_id, "answered")
        elif seen == "over" and age > RING_SILENT * 2:  # the webhook's own word knows more: it is given a moment
            await self._end(row, "unanswered", is_over=True)
        elif age > RING_LOST:
            await self._end(row, "unanswered", is_over=False)

    async def _end(self, row: OutboundRow, step: Step, *, is_over: bool) -> None:
        errands: list[Errand] = [] if is_over or row.carrier_call_id is None else [HangUp(row.carrier_call_id)]
        await self._errands.run(errands)
        await self.moved(row.outbound_id, step)
