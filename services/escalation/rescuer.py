"""Callers who wait for nothing: found by what the bridges and the carrier said, and by what nobody said.

A hand-off whose carrier did not ask again, a leg that was lost with its bridge, a call that ended before anybody could
help: the rules are in `agiza.domain.rescue`, here they are asked and carried out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from agiza.contracts.events import CallbackPromised, CallEnded, CallHungUp
from agiza.domain.callback import Promise
from agiza.domain.handoff import PENDING, HandoffState, HandoffStep, advance
from agiza.domain.rescue import (
    CALLER_LEFT,
    SILENT,
    TALK_MAX,
    Leg,
    Rescue,
    Waiting,
    judge_handoff,
    judge_leg,
    judge_room,
)
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
HANG_UP_AGAIN_S: Final = 5.0
"""A line that is to be hung up is asked for so often, not in every round."""
LINES_KEPT: Final = 1_000
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
    hung_up_at: dict[str, float] = field(default_factory=dict)

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
            errands = await self._give(conn, event.call_id, event.branch_id, row, found) or ()
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
        errands = await self._give(conn, row.call_id, row.branch_id, left, found) if found else None
        if errands is None:
            self.metrics.add("handoff_callback_total", outcome="impossible")
            log.error("caller_lost", handoff_id=row.handoff_id, call_id=row.call_id)
            await save_handoff(conn, row, replace(left, state=advance(row.state, HandoffStep.DIAL_FAILED)))
            return (HangUp(row.call_id),) if verdict is Rescue.FETCH else ()
        await save_handoff(conn, row, replace(left, state=advance(row.state, HandoffStep.CALLBACK_PROMISED)))
        return errands

    async def _give(
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

    # --- legs that nobody asked a person for -----------------------------------------------------------------------

    async def look_at(self, watch: Watch, *, was_taken: bool) -> None:
        """See what became of a leg that ended, or of a call that is over."""
        if watch.what == "left" and self.clock.now() < watch.since + self.silent:
            return
        if watch.reason == CALLER_LEFT and watch.what == "left" and await self.line.look_at(watch.call_id) == "over":
            async with transaction(self.pool) as conn:  # they hung up, and the carrier's word about it is lost
                await store_lines.settle_watch(conn, watch)
            return
        errands: Sequence[Errand] = ()
        async with transaction(self.pool) as conn:
            await lock_call(conn, watch.call_id)
            known = await store_lines.read_line(conn, watch.call_id)
            is_settled = known is None or await self._is_looked_after(conn, watch.call_id)
            if known is not None and watch.what == "left" and known.line.epoch > watch.leg_epoch:
                is_settled = True  # the carrier asked again and was given the next leg
            if known is not None and not is_settled:
                left_at = watch.since if watch.what == "left" else None
                leg = Leg(known.line, left_at=left_at, was_taken=was_taken)
                verdict = judge_leg(leg, self.clock.now(), silent=self.silent)
                errands = await self._rescue(conn, known, verdict)
                is_settled = verdict is not Rescue.NOTHING
            if is_settled:
                await store_lines.settle_watch(conn, watch)
        await self.errands.run(errands)

    async def look_at_live(self, call_id: str, *, bridge_gone_s: float | None, was_taken: bool) -> None:
        """See whether a caller is still with a bridge that lives."""
        errands: Sequence[Errand] = ()
        async with transaction(self.pool) as conn:
            await lock_call(conn, call_id)
            known = await store_lines.read_line(conn, call_id)
            if known is None:
                return
            leg = Leg(known.line, bridge_gone_s=bridge_gone_s, was_taken=was_taken)
            verdict = judge_leg(leg, self.clock.now(), silent=self.silent)
            if await self._is_looked_after(conn, call_id):
                # A person or a call back is on the way. Where that is a promise for after the call, the call is over.
                is_promised = await store_lines.has_callback(conn, call_id)
                is_silent = verdict in (Rescue.FETCH, Rescue.HANG_UP)
                verdict = Rescue.HANG_UP if is_promised and is_silent else Rescue.NOTHING
            if verdict is not Rescue.NOTHING and not self._may_hang_up(call_id):
                return
            errands = await self._rescue(conn, known, verdict)
        await self.errands.run(errands)

    def _may_hang_up(self, call_id: str) -> bool:
        now = asyncio.get_running_loop().time()
        if now < self.hung_up_at.get(call_id, -HANG_UP_AGAIN_S) + HANG_UP_AGAIN_S:
            return False
        if len(self.hung_up_at) >= LINES_KEPT:
            self.hung_up_at.clear()
        self.hung_up_at[call_id] = now
        return True

    async def _is_looked_after(self, conn: Connection, call_id: str) -> bool:
        """Whether a person or a call back is on the way; then other rules hold."""
        row = await store_handoffs.lock_newest_handoff(conn, call_id)
        if row is not None and (row.state in PENDING or row.state in (HandoffState.CALLBACK, HandoffState.CONNECTED)):
            return True
        return await store_lines.has_callback(conn, call_id)

    async def _rescue(self, conn: Connection, known: KnownLine, verdict: Rescue) -> Sequence[Errand]:
        if verdict not in (Rescue.HANG_UP, Rescue.FETCH, Rescue.CALL_BACK):
            return ()
        errands: Sequence[Errand] = (HangUp(known.call_id),) if verdict is not Rescue.CALL_BACK else ()
        if verdict is not Rescue.HANG_UP:
            wants_person = known.line.outcome == "handoff"
            given = await (self._send_person(conn, known) if wants_person else self._ring_back(conn, known))
            errands = errands if given is None else given
        self.metrics.add("lines_rescued_total", what="leg", how=verdict.value)
        log.warning("line_rescued", call_id=known.call_id, branch_id=known.branch_id, how=verdict.value)
        return errands

    async def _send_person(self, conn: Connection, known: KnownLine) -> Sequence[Errand] | None:
        """The agent has left for a person of whom we have never heard: the request was lost on its way to us."""
        found = await self.answering.possible(conn, known.call_id, known.branch_id, "en")
        return await self._give(conn, known.call_id, known.branch_id, None, found) if found is not None else None

    async def _ring_back(self, conn: Connection, known: KnownLine) -> Sequence[Errand] | None:
        """The customer goes on with the agent: once, within the branch's hours, and only for a cart that is open."""
        found = await self.answering.possible(conn, known.call_id, known.branch_id, "en")
        if found is None or not known.has_open_cart or not found.is_number_known or not self.line.can_place:
            return None
        branch, now = found.file.branch, self.clock.now()
        if not branch.escalation.ring_back or not branch.is_open(now) or found.parties.pii_caller is None:
            return None
        _, errands = await self.callbacks.give(
            conn,
            "agent",
            call_id=known.call_id,
            branch_id=known.branch_id,
            pii_phone=found.parties.pii_caller,
            reason="technical",
            language=found.parties.language,
            promise=Promise(now, now + timedelta(minutes=1), now, is_soon=True),
            traceparent="",
        )
        return errands

    async def end_over_long(self) -> None:
        """End conversations that have lasted longer than is allowed, and say so."""
        async with self.pool.connection() as conn:
            found = await store_lines.dialled_over_long(conn, self.clock.now(), TALK_MAX)
        for known in found:
            log.error("talk_over_long", call_id=known.call_id, branch_id=known.branch_id)
            self.metrics.add("lines_rescued_total", what="talk", how=Rescue.HANG_UP.value)
            await self.line.hang_up(known.call_id)
