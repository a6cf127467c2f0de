"""Staff are rung about an order that nobody has taken: one after the other, each once, until one of them takes it.

A ring is a row of ``callbacks`` of kind ``kitchen``; it begins when the alarm has had its time on the screens. Who
picks up presses a key to take the order, and ``orders`` is told until it knows. An order that is taken elsewhere, or
accepted, stops the phones. When all on duty were rung the order stands on the page, and the customer is owed a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from agiza.domain.callback import SOON, AttemptEnd, CallbackState, Promise, begun
from agiza.domain.ids import BranchId
from agiza.domain.menu import BranchFile
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, lock_call, transaction
from services.escalation import store_alarms, store_outbound
from services.escalation import store_callbacks as store
from services.escalation.callbacks import BY_HAND, Callbacks
from services.escalation.carrier_line import CarrierLine
from services.escalation.errands import RING_BACK, Errand, Errands, HangUp, Queue, place
from services.escalation.keeping import KEPT_LATE, ORDER_REASON
from services.escalation.matters import Step
from services.escalation.order_owner import OrderOwner, OrdersAway
from services.escalation.outbound import new_call
from services.escalation.roster import next_to_ring
from services.escalation.store_callbacks import CallbackRow
from services.escalation.store_outbound import OutboundRow

TOLD: Final = timedelta(seconds=45)
"""Who picked up and pressed nothing may be on the way to the screen: the next one is rung after this."""

_END: Final[Mapping[Step, AttemptEnd]] = {
    "connected": AttemptEnd.CONNECTED,
    "unanswered": AttemptEnd.UNANSWERED,
    "not_placed": AttemptEnd.NOT_PLACED,
    "missed": AttemptEnd.MISSED,
    "ended": AttemptEnd.MISSED,
}

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KitchenRings:
    """Matter of ``staff_alarm`` calls."""

    pool: Pool
    line: CarrierLine
    callbacks: Callbacks
    errands: Errands
    owner: OrderOwner
    branches: Mapping[BranchId, BranchFile]
    clock: Clock
    metrics: Metrics
    untold: set[str] = field(default_factory=set)
    """Calls whose owner ``orders`` could not be told of yet, so that it is logged once."""

    async def sweep(self) -> None:
        """One round: begin what is due, stop what is settled, tell ``orders`` what it does not know. Raises psycopg's
        errors."""
        await self._begin_due()
        await self._stop_settled()
        await self._tell_owners()

    # --- beginning and stopping ------------------------------------------------------------------------------------

    async def _begin_due(self) -> None:
        now = self.clock.now()
        after = {str(branch_id): file.branch.kitchen.ring_after_seconds for branch_id, file in self.branches.items()}
        errands: list[Errand] = []
        async with transaction(self.pool) as conn:
            for due in await store_alarms.due(conn, after, now):
                row, asked = await self.callbacks.give(
                    conn,
                    "kitchen",
                    call_id=due.call_id,
                    branch_id=due.branch_id,
                    pii_phone=due.pii_phone or "",
                    reason=ORDER_REASON,
                    language=due.language,
                    promise=Promise(now, now, now, is_soon=True),
                    traceparent=due.traceparent,
                )
                if asked:
                    log.error("order_not_taken", call_id=due.call_id, branch_id=due.branch_id, ring_id=row.callback_id)
                    self.metrics.add("escalation_total", reason=ORDER_REASON, outcome="staff_rung")
                errands += asked
        await self.errands.run(errands)

    async def _stop_settled(self) -> None:
        async with self.pool.connection() as conn:
            settled = await store_alarms.settled(conn)
        for callback_id, call_id in settled:
            errands: list[Errand] = []
            async with transaction(self.pool) as conn:
                await lock_call(conn, call_id)
                row = await store.lock_callback(conn, callback_id)
                if row is None or await store_alarms.waits(conn, call_id):
                    continue
                await self._close(conn, row, CallbackState.CLOSED)
                for call in await store_outbound.of_callback(conn, callback_id):
                    if call.state == "answered":
                        continue  # they are being told already, and hear that it is settled
                    await store_outbound.move_outbound(conn, call.outbound_id, "ended", self.clock.now())
                    errands += [HangUp(call.carrier_call_id)] if call.carrier_call_id is not None else []
            await self.errands.run(errands)

    async def _tell_owners(self) -> None:
        """Who pressed the key owns the order as soon as ``orders`` knows it; until then this is said again."""
        async with self.pool.connection() as conn:
            takers = await store_alarms.takers(conn, self.clock.now())
        for taker in takers:
            try:
                await self.owner.own(taker.call_id, taker.branch_id, by=taker.pii_name)
            except OrdersAway as error:
                if taker.call_id not in self.untold:
                    self.untold.add(taker.call_id)
                    log.error("order_owner_untold", call_id=taker.call_id, branch_id=taker.branch_id, why=str(error))
                continue
            self.untold.discard(taker.call_id)

    # --- ringing ---------------------------------------------------------------------------------------------------

    async def attempt(self, callback_id: str) -> None:
        """Ring the next one on duty, if that is due. Raises psycopg's errors."""
        async with transaction(self.pool) as conn:
            call_id = await store.call_of(conn, callback_id)
            if call_id is None:
                return
            await lock_call(conn, call_id)
            row = await store.lock_callback(conn, callback_id)
            now = self.clock.now()
            if row is None or row.state is not CallbackState.WAITING or row.next_attempt_at is None:
                return
            if row.next_attempt_at > now:
                return
            errands = await self._ring(conn, row, now)
        await self.errands.run(errands)

    async def _ring(self, conn: Connection, row: CallbackRow, now: datetime) -> Sequence[Errand]:
        file = self.branches.get(BranchId(row.branch_id))
        if not await store_alarms.waits(conn, row.call_id):
            await self._close(conn, row, CallbackState.CLOSED)
            return ()
        if now > row.promised_for + KEPT_LATE:
            await self._close(conn, row, CallbackState.FAILED)
            return ()
        if file is None or not self.line.can_place:
            await store.update_callback(conn, replace(row, next_attempt_at=now + BY_HAND, updated_at=now))
            return ()
        contact = await next_to_ring(conn, row, file, self.line, now)
        if contact is None:
            if row.tried:
                await self._close(conn, row, CallbackState.FAILED)
            else:  # nobody is on duty yet
                await store.update_callback(conn, replace(row, next_attempt_at=now + BY_HAND, updated_at=now))
            return ()
        call = new_call(
            "staff_alarm",
            row.branch_id,
            row.call_id,
            contact.phone,
            now,
            language=row.language if row.language in contact.languages else contact.languages[0],
            callback_id=row.callback_id,
            pii_customer=row.pii_phone or None,
            contact_id=contact.id,
        )
        await store_outbound.insert_outbound(conn, call)
        after = row.at(begun(row.standing, contact.id), now)
        await store.update_callback(conn, replace(after, attempts=row.attempts + 1))
        return (place(call.outbound_id),)

    async def outbound_moved(self, conn: Connection, row: OutboundRow, step: Step) -> Sequence[Errand]:
        """A call to staff has come further. Each of them is rung once; after the last one it is over."""
        ring = await store.lock_callback(conn, row.callback_id) if row.callback_id else None
        file = self.branches.get(BranchId(row.branch_id))
        end = _END.get(step)
        if ring is None or file is None or end is None:
            return ()
        now = self.clock.now()
        if end is AttemptEnd.CONNECTED:
            await self._close(conn, ring, CallbackState.CONNECTED)
            return ()
        if ring.state is not CallbackState.CALLING:
            return ()
        was_rung = end is not AttemptEnd.NOT_PLACED
        if was_rung and await next_to_ring(conn, ring, file, self.line, now) is None:
            await self._close(conn, ring, CallbackState.FAILED)
            return ()
        pause = {AttemptEnd.MISSED: TOLD, AttemptEnd.NOT_PLACED: BY_HAND}.get(end, SOON)
        after = replace(
            ring,
            state=CallbackState.WAITING,
            tried=ring.tried if was_rung else ring.tried[:-1],
            next_attempt_at=now + pause,
            updated_at=now,
        )
        await store.update_callback(conn, after)
        job_id = f"ring-back:{ring.callback_id}:{ring.attempts + 1}"
        return (Queue(RING_BACK, job_id, ring.callback_id, pause_s=pause.total_seconds()),)

    async def _close(self, conn: Connection, row: CallbackRow, state: CallbackState) -> None:
        await store.update_callback(conn, replace(row, state=state, next_attempt_at=None, updated_at=self.clock.now()))
        outcome = {CallbackState.CONNECTED: "staff_took", CallbackState.FAILED: "staff_missed"}.get(state, "settled")
        self.metrics.add("escalation_total", reason=ORDER_REASON, outcome=outcome)
        told = log.error if state is CallbackState.FAILED else log.info
        told("order_ring_over", ring_id=row.callback_id, call_id=row.call_id, outcome=outcome)
