"""Promises to ring a customer back, from the word that was given to the call that keeps it.

Kind ``person``: a person of the branch is rung, hears who and why, and is connected with the customer. Kind ``agent``:
a customer whose line was lost goes on with the agent. Every step is a row; jobs make it quick, the sweeper certain.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from agiza.domain.callback import (
    SOON,
    AttemptEnd,
    CallbackState,
    Promise,
    after_attempt,
    begun,
    round_over,
)
from agiza.domain.handoff import HandoffStep
from agiza.domain.ids import BranchId
from agiza.domain.menu import BranchFile, Contact
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, lock_call, transaction
from services.escalation import store_callbacks as store
from services.escalation import store_lines, store_outbound
from services.escalation.carrier_line import CarrierLine
from services.escalation.errands import RING_BACK, Errand, Errands, Queue, place
from services.escalation.keeping import is_over_for_customer, too_late
from services.escalation.matters import Step
from services.escalation.moving import move_handoff
from services.escalation.outbound import new_call
from services.escalation.roster import next_to_ring
from services.escalation.store_callbacks import CallbackKind, CallbackRow
from services.escalation.store_outbound import OutboundRow

STILL_LIVE: Final = timedelta(seconds=5)
"""A customer who is still on the line is rung when they have hung up: looked at again after this."""
ENGAGED: Final = timedelta(seconds=30)
"""A customer who is in another call with us is rung after this."""
BY_HAND: Final = timedelta(minutes=1)
"""While calls cannot be placed, a promise is looked at again after this; people see it on their page meanwhile."""

log = get_logger(__name__)


class Callbacks:
    """The promises of all branches. Matter of ``staff_bridge`` and ``ring_back`` calls."""

    def __init__(
        self,
        *,
        pool: Pool,
        line: CarrierLine,
        errands: Errands,
        branches: Mapping[BranchId, BranchFile],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._pool = pool
        self._line = line
        self._errands = errands
        self._branches = branches
        self._clock = clock
        self._metrics = metrics

    # --- giving the word -------------------------------------------------------------------------------------------

    async def give(
        self,
        conn: Connection,
        kind: CallbackKind,
        *,
        call_id: str,
        branch_id: str,
        pii_phone: str,
        reason: str,
        language: str,
        promise: Promise,
        traceparent: str,
        handoff_id: str | None = None,
    ) -> tuple[CallbackRow, Sequence[Errand]]:
        """Record the promise; one that was given before stays as it is, unless its trying had ended."""
        now = self._clock.now()
        row = CallbackRow(
            callback_id=f"cb-{uuid.uuid4().hex}",
            call_id=call_id,
            handoff_id=handoff_id,
            branch_id=branch_id,
            kind=kind,
            pii_phone=pii_phone,
            reason=reason,
            language=language,
            state=CallbackState.WAITING,
            attempts=0,
            promised_for=promise.by,
            next_attempt_at=promise.first_attempt_at,
            traceparent=traceparent,
            created_at=now,
            updated_at=now,
        )
        if not await store.insert_callback(conn, row):
            stored = await store.lock_callback_of_call(conn, call_id, kind)
            assert stored is not None, "the row that was in the way is there"
            if stored.state in (CallbackState.WAITING, CallbackState.CALLING) or kind == "agent":
                return stored, ()
            # Its trying had ended, or a person had closed it; the customer has been given the word once more.
            row = replace(row, callback_id=stored.callback_id, attempts=stored.attempts, created_at=stored.created_at)
            await store.revive_callback(conn, row)
        if kind != "kitchen":
            self._metrics.add("handoff_callback_total", outcome="promised")
        log.info("callback_promised", callback_id=row.callback_id, call_id=call_id, kind=kind, reason=reason)
        wait_s = (promise.first_attempt_at - now).total_seconds()
        job_id = f"ring-back:{row.callback_id}:{row.attempts + 1}"
        return row, (Queue(RING_BACK, job_id, row.callback_id, pause_s=max(0.0, wait_s)),)

    # --- keeping it ------------------------------------------------------------------------------------------------

    async def attempt(self, callback_id: str) -> None:
        """Make the next attempt, if one is due. Raises psycopg's errors."""
        caller_call_id = await self._line_in_the_way(callback_id)
        is_engaged = caller_call_id is not None and not await self._line.hang_up(caller_call_id)
        if is_engaged and self._line.is_set_up:
            await self._put_off(callback_id, SOON)  # whose line is engaged cannot be rung
            return
        async with transaction(self._pool) as conn:
            row = await self._due(conn, callback_id)
            if row is None:
                return
            now = self._clock.now()
            errands = await self._begin(conn, row, now)
        await self._errands.run(errands)

    async def _line_in_the_way(self, callback_id: str) -> str | None:
        """The caller's own call, where it is still there and nobody talks on it any more."""
        async with transaction(self._pool) as conn:
            row = await self._due(conn, callback_id)
            if row is None:
                return None
            now = self._clock.now()
            known = await store_lines.read_line(conn, row.call_id)
            if known is None or known.line.ended_at is not None:
                return None
            if await is_over_for_customer(conn, row, known):
                return row.call_id
            if row.kind == "agent":  # the carrier asked after all, and they were given the next leg, or a person
                await self._store(conn, replace(row, state=CallbackState.CLOSED, next_attempt_at=None, updated_at=now))
                return None
            # The agent goes on talking with them; the call back was promised for afterwards.
            await store.update_callback(conn, replace(row, next_attempt_at=now + STILL_LIVE))
            return None

    async def _due(self, conn: Connection, callback_id: str) -> CallbackRow | None:
        """The promise under the call's lock and its own, if its next attempt is due."""
        call_id = await store.call_of(conn, callback_id)
        if call_id is None:
            return None
        await lock_call(conn, call_id)
        row = await store.lock_callback(conn, callback_id)
        if row is None or row.state is not CallbackState.WAITING or row.next_attempt_at is None:
            return None
        return row if row.next_attempt_at <= self._clock.now() else None

    async def _put_off(self, callback_id: str, by: timedelta) -> None:
        async with transaction(self._pool) as conn:
            row = await store.lock_callback(conn, callback_id)
            if row is not None and row.state is CallbackState.WAITING:
                await store.update_callback(conn, replace(row, next_attempt_at=self._clock.now() + by))

    async def _begin(self, conn: Connection, row: CallbackRow, now: datetime) -> Sequence[Errand]:
        file = self._branches.get(BranchId(row.branch_id))
        if (over := await too_late(conn, row, file, now)) is not None:
            await self._store(conn, replace(row, state=over, next_attempt_at=None, updated_at=now))
            return ()
        if file is None or not self._line.can_place:
            log.error("callback_cannot_be_made", callback_id=row.callback_id, state=self._line.state)
            await store.update_callback(conn, replace(row, next_attempt_at=now + BY_HAND))
            return ()
        if await store_lines.is_on_the_line(conn, row.pii_phone, row.call_id, now):
            await self._customer_rang(conn, row, now)
            return ()
        contact: Contact | None = None
        if row.kind == "person":
            contact = await next_to_ring(conn, row, file, self._line, now)
            if contact is None:
                await self._no_contact(conn, row, file, now)
                return ()
        to_staff = contact is not None
        call = new_call(
            "staff_bridge" if to_staff else "ring_back",
            row.branch_id,
            row.call_id,
            contact.phone if contact else row.pii_phone,
            now,
            language=row.language,
            callback_id=row.callback_id,
            handoff_id=row.handoff_id,
            pii_customer=row.pii_phone if to_staff else None,
            contact_id=contact.id if contact else None,
        )
        await store_outbound.insert_outbound(conn, call)
        after = row.at(begun(row.standing, contact.id if contact else None), now)
        await store.update_callback(conn, replace(after, attempts=row.attempts + 1))
        return (place(call.outbound_id),)

    async def _customer_rang(self, conn: Connection, row: CallbackRow, now: datetime) -> None:
        """They were quicker. With the agent they find their cart; who wants a person is rung when that call is over."""
        if row.kind == "agent":
            await self._store(conn, replace(row, state=CallbackState.CLOSED, next_attempt_at=None, updated_at=now))
        else:
            await store.update_callback(conn, replace(row, next_attempt_at=now + ENGAGED))

    async def _no_contact(self, conn: Connection, row: CallbackRow, file: BranchFile, now: datetime) -> None:
        """Everybody on duty was rung in this round, or nobody is on duty, which counts for nothing."""
        if row.tried:
            await self._store(conn, row.at(round_over(row.standing, file.branch.escalation, now), now))
        else:
            await store.update_callback(conn, replace(row, next_attempt_at=now + BY_HAND, updated_at=now))

    # --- what came of it -------------------------------------------------------------------------------------------

    async def outbound_moved(self, conn: Connection, row: OutboundRow, step: Step) -> Sequence[Errand]:
        """A call that keeps a promise has come further."""
        callback = await store.lock_callback(conn, row.callback_id) if row.callback_id else None
        file = self._branches.get(BranchId(row.branch_id))
        if callback is None or file is None:
            return ()
        if row.kind == "ring_back":
            return await self._ring_back_moved(conn, callback, step)
        end = _END.get(step)
        if end is None:
            return ()
        return await self.attempt_over(conn, callback, end, file)

    async def _ring_back_moved(self, conn: Connection, row: CallbackRow, step: Step) -> Sequence[Errand]:
        """The customer is rung once: with them, or with their absence, it is settled."""
        now = self._clock.now()
        if row.state not in (CallbackState.CALLING, CallbackState.WAITING):
            return ()
        if step == "not_placed":
            await self._store(conn, replace(row, state=CallbackState.FAILED, next_attempt_at=None, updated_at=now))
        elif step == "unanswered":
            await self._store(conn, replace(row, state=CallbackState.CLOSED, next_attempt_at=None, updated_at=now))
        else:
            await self._store(conn, replace(row, state=CallbackState.CONNECTED, next_attempt_at=None, updated_at=now))
        return ()

    async def attempt_over(
        self, conn: Connection, row: CallbackRow, end: AttemptEnd, file: BranchFile
    ) -> Sequence[Errand]:
        """An attempt with a person has ended."""
        now = self._clock.now()
        others_left = await next_to_ring(conn, row, file, self._line, now) is not None
        after = row.at(after_attempt(row.standing, end, file.branch.escalation, now, others_left=others_left), now)
        await self._store(conn, after)
        if after.state is CallbackState.CONNECTED and row.handoff_id is not None:
            await move_handoff(conn, row.handoff_id, HandoffStep.DIAL_CONNECTED, now)
        if after.next_attempt_at is None:
            return ()
        wait_s = (after.next_attempt_at - now).total_seconds()
        return (Queue(RING_BACK, f"ring-back:{row.callback_id}:{row.attempts + 1}", row.callback_id, pause_s=wait_s),)

    async def recover(self, callback_id: str) -> None:
        """Go on with a promise whose call is over and was forgotten: nothing rings for it and nothing will."""
        errands: Sequence[Errand] = ()
        call_id = None
        async with transaction(self._pool) as conn:
            call_id = await store.call_of(conn, callback_id)
            if call_id is None:
                return
            await lock_call(conn, call_id)
            row = await store.lock_callback(conn, callback_id)
            if row is None or row.state is not CallbackState.CALLING:
                return
            file = self._branches.get(BranchId(row.branch_id))
            if file is None or await store_outbound.of_callback(conn, callback_id):
                return
            if row.kind == "kitchen":
                await store.update_callback(
                    conn, replace(row, state=CallbackState.WAITING, next_attempt_at=self._clock.now() + SOON)
                )
                return
            log.warning("callback_recovered", callback_id=callback_id, call_id=call_id)
            errands = await self.attempt_over(conn, row, AttemptEnd.UNANSWERED, file)
        await self._errands.run(errands)

    async def _store(self, conn: Connection, row: CallbackRow) -> None:
        await store.update_callback(conn, row)
        if row.state in (CallbackState.CONNECTED, CallbackState.FAILED, CallbackState.CLOSED):
            outcome = row.state.value
            self._metrics.add("handoff_callback_total", outcome=outcome)
            told = log.error if row.state is CallbackState.FAILED else log.info
            told("callback_over", callback_id=row.callback_id, call_id=row.call_id, kind=row.kind, outcome=outcome)


_END: Final[Mapping[Step, AttemptEnd]] = {
    "connected": AttemptEnd.CONNECTED,
    "unanswered": AttemptEnd.UNANSWERED,
    "not_placed": AttemptEnd.NOT_PLACED,
    "missed": AttemptEnd.MISSED,
    # The person's line ended and nobody said that the two had talked.
    "ended": AttemptEnd.MISSED,
}
