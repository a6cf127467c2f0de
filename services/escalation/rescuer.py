"""Callers who were promised a person and wait for nothing: taken out of the silence and rung back.

The carrier did not ask again, or hung up, or their bridge was lost: the rules are in `agiza.domain.rescue`, here they
are asked and carried out. Legs without a hand-off are in `lost_legs`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from agiza.contracts.events import CallbackPromised, CallEnded, CallHungUp
from agiza.domain.callback import Promise
from agiza.domain.handoff import PENDING, HandoffState, HandoffStep, advance
from agiza.domain.rescue import CALLER_LEFT, SILENT, Rescue, Waiting, judge_handoff, judge_room
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, lock_call, transaction
from services.escalation import store_handoffs, store_lines, store_outbound
from services.escalation.answering import Answering, Possible
from services.escalation.callbacks import Callbacks
from services.escalation.carrier_line import CarrierLine
from services.escalation.desk import Desk
from services.escalation.errands import Errand, Errands, HangUp
from services.escalation.joining import Joining, look_after
from services.escalation.moving import save_handoff
from services.escalation.store_handoffs import HandoffRow
from services.escalation.store_lines import KnownLine, Watch

STOP_RINGING_S: Final = 1.0
MINUTES_USUAL: Final = 15

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rescuer:
    """Looks after lines. ``silent``: how long a carrier may take to ask again, as far as is known of this one."""

    pool: Pool
    errands: Errands
    line: CarrierLine
    answering: Answering
    callbacks: Callbacks
    joining: Joining
    desk: Desk
    clock: Clock
    metrics: Metrics
    silent: timedelta = SILENT

    # --- what others said ------------------------------------------------------------------------------------------

    async def leg_ended(self, event: CallEnded) -> None:
        """A bridge has left a stream."""
        if event.outcome == "handoff":
            await self._stop_ringing(event)
        now = self.clock.now()
        errands: Sequence[Errand] = ()
        async with transaction(self.pool) as conn:
            await store_lines.watch_line(conn, Watch(event.call_id, event.leg_epoch, "left", now, event.reason))
            row = await store_handoffs.lock_newest_handoff(conn, event.call_id)
            # A report of a leg before says nothing about what the present one has asked for.
            is_waiting = row is not None and row.state in PENDING and row.leg_epoch <= event.leg_epoch
            said_goodbye = event.outcome in ("placed", "no_order")
            if row is not None and is_waiting and event.reason != CALLER_LEFT and not said_goodbye and not row.left_at:
                left = replace(row, left_at=now, updated_at=now)
                await save_handoff(conn, row, left)
                errands = (look_after(left, self.silent + timedelta(seconds=0.1)),)
        await self.errands.run(errands)
        if row is not None and is_waiting and said_goodbye:
            await self.desk.close(row.handoff_id)  # they did not want to wait for whoever is being rung

    async def _stop_ringing(self, event: CallEnded) -> None:
        """The bridge has left although somebody was still being rung: it had not heard of that in time.

        The carrier's Dial is next. The webhook waits a moment for this phone to be stopped first.
        """
        async with self.pool.connection() as conn:
            row = await store_handoffs.newest_handoff(conn, event.call_id)
            if row is None or row.state not in PENDING or row.ringing is None or row.leg_epoch > event.leg_epoch:
                return
            calls = await store_outbound.of_handoff(conn, row.handoff_id)
        ringing = [self.line.hang_up(call.carrier_call_id) for call in calls if call.carrier_call_id is not None]
        with contextlib.suppress(TimeoutError):  # a slow carrier must not hold up all other events
            async with asyncio.timeout(STOP_RINGING_S):
                await asyncio.gather(*ringing)
        async with transaction(self.pool) as conn:
            await lock_call(conn, event.call_id)
            stored = await store_handoffs.lock_handoff(conn, row.handoff_id)
            if stored is None or stored.ringing is None:
                return
            errands = await self.joining.abandon(conn, row.handoff_id)
            now = self.clock.now()
            await save_handoff(conn, stored, replace(stored, ringing=None, leave_by=now, updated_at=now))
        await self.errands.run(errands)

    async def hung_up(self, event: CallHungUp) -> None:
        """The carrier says that a call is over."""
        async with transaction(self.pool) as conn:
            await store_lines.watch_line(conn, Watch(event.call_id, 0, "over", self.clock.now()))
            row = await store_handoffs.lock_newest_handoff(conn, event.call_id)
            is_stored = await store_lines.read_line(conn, event.call_id) is not None
        if row is None or row.state not in PENDING:
            return
        if is_stored:
            await self.look_after(row.handoff_id)
        else:  # answered while the database was away: nothing more will be known
            await self.desk.close(row.handoff_id)

    async def callback_promised(self, event: CallbackPromised) -> None:
        """The webhook has told the caller that the branch rings back."""
        errands: Sequence[Errand] = ()
        async with transaction(self.pool) as conn:
            await lock_call(conn, event.call_id)
            row = await store_handoffs.lock_newest_handoff(conn, event.call_id)
            found = await self.answering.possible(conn, event.call_id, event.branch_id, row.language if row else "en")
            if found is None:
                return
            if row is not None:
                after = replace(row, state=advance(row.state, HandoffStep.CALLBACK_PROMISED))
                await save_handoff(conn, row, replace(after, updated_at=self.clock.now()))
            errands = await self.give(conn, event.call_id, event.branch_id, row, found) or ()
        await self.errands.run(errands)

    # --- hand-offs -------------------------------------------------------------------------------------------------

    async def look_after(self, handoff_id: str) -> None:
        """See whether the caller of this hand-off is on their way, and help where they are not."""
        async with self.pool.connection() as conn:
            call_id = await store_handoffs.call_of(conn, handoff_id)
        if call_id is None:
            return
        errands: Sequence[Errand] = ()
        async with transaction(self.pool) as conn:
            await lock_call(conn, call_id)
            row = await store_handoffs.lock_handoff(conn, handoff_id)
            if row is None:
                return
            known = await store_lines.read_line(conn, call_id)
            verdict = await self._verdict(conn, row, known)
            if verdict in (Rescue.FETCH, Rescue.CALL_BACK):
                errands = await self._call_back(conn, row, verdict)
            elif verdict is Rescue.HANG_UP:
                errands = (HangUp(call_id),)
        if verdict is Rescue.CLOSE:
            await self.desk.close(handoff_id)
        if verdict not in (Rescue.NOTHING, Rescue.SETTLED, Rescue.CLOSE):
            self.metrics.add("lines_rescued_total", what="handoff", how=verdict.value)
            log.warning("handoff_rescued", handoff_id=handoff_id, call_id=call_id, how=verdict.value)
        await self.errands.run(errands)

    async def _verdict(self, conn: Connection, row: HandoffRow, known: KnownLine | None) -> Rescue:
        now = self.clock.now()
        line = known.line if known else None
        verdict = judge_handoff(Waiting(row.state, row.leave_by, row.left_at), line, now, silent=self.silent)
        if verdict is Rescue.NOTHING and row.state is HandoffState.DIAL_SERVED and row.room is not None:
            alone_since = await store_outbound.alone_since(conn, row.handoff_id)
            if alone_since is not None:
                return judge_room(line, alone_since, now)
        return verdict

    async def _call_back(self, conn: Connection, row: HandoffRow, verdict: Rescue) -> Sequence[Errand]:
        """The caller was cut off on the way to a person: they are rung, with a person on the other side."""
        now = self.clock.now()
        left = replace(row, left_at=row.left_at or now, updated_at=now)
        found = await self.answering.possible(conn, row.call_id, row.branch_id, row.language)
        errands = await self.give(conn, row.call_id, row.branch_id, left, found) if found else None
        if errands is None:
            self.metrics.add("handoff_callback_total", outcome="impossible")
            log.error("caller_lost", handoff_id=row.handoff_id, call_id=row.call_id)
            await save_handoff(conn, row, replace(left, state=advance(row.state, HandoffStep.DIAL_FAILED)))
            return (HangUp(row.call_id),) if verdict is Rescue.FETCH else ()
        await save_handoff(conn, row, replace(left, state=advance(row.state, HandoffStep.CALLBACK_PROMISED)))
        return errands

    async def give(
        self, conn: Connection, call_id: str, branch_id: str, row: HandoffRow | None, found: Possible
    ) -> Sequence[Errand] | None:
        """Promise a person's call as soon as one can make it; None where there is no number to ring."""
        if not found.is_number_known or found.parties.pii_customer is None:
            return None
        now = self.clock.now()
        minutes = found.file.branch.escalation.callback_minutes
        within = timedelta(minutes=minutes or MINUTES_USUAL)
        at_once = found.promise or Promise(now, now + within, now, is_soon=True)
        if at_once.is_soon:
            at_once = replace(at_once, first_attempt_at=now)  # until a person has picked up, the caller's phone is free
        callback, errands = await self.callbacks.give(
            conn,
            "person",
            call_id=call_id,
            branch_id=branch_id,
            handoff_id=row.handoff_id if row else None,
            pii_phone=found.parties.pii_customer,
            reason=row.reason if row else "caller_asked",
            language=row.language if row else found.parties.language,
            promise=at_once,
            traceparent=row.traceparent if row else "",
        )
        if row is not None and (joined := await self.joining.fetch_customer(conn, row, callback)) is not None:
            return joined
        return errands
