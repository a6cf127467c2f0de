"""What is done about a hand-off: recorded with its person, told to the bridge, followed to its end.

Everything may come twice and in any order: each handler takes the hand-off's row lock, asks the table of states, and
writes only what is new. The row is committed before anybody is told.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from agiza.contracts.envelope import Received
from agiza.contracts.events import CallDialEnded, CallDialServed, HandoffRequested, LeaveRequested
from agiza.domain.escalate import Asking, DialAfterLeaving, NobodyCanCome, Plan, PromiseCallback, RingFirst, plan
from agiza.domain.handoff import PENDING, HandoffState, HandoffStep, advance, choose_contact
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, lock_call, transaction
from services.escalation import store_handoffs as store
from services.escalation.answering import Answering, Possible
from services.escalation.callbacks import Callbacks
from services.escalation.carrier_line import CarrierLine
from services.escalation.errands import LEAVE, TELL_STAFF, Errand, Errands, Queue, Tell
from services.escalation.joining import Joining
from services.escalation.moving import save_handoff
from services.escalation.roster import contact_phone
from services.escalation.store_callbacks import settle_of_call
from services.escalation.store_handoffs import HandoffRow

LEAVE_REPEATED_FOR: Final = timedelta(seconds=60)
"""A bridge that has not heard the order to leave after this long is gone; its stream has ended with it."""
LEAVE_AFTER_S: Final = 4.0
"""Time for the agent to say that a person is being called; then the job tells the bridge to leave."""
REQUESTS_KEPT: Final = 20

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """The hand-offs of all branches."""

    pool: Pool
    errands: Errands
    line: CarrierLine
    answering: Answering
    callbacks: Callbacks
    joining: Joining
    clock: Clock
    metrics: Metrics

    # --- the agent asks for a person -------------------------------------------------------------------------------

    async def requested(self, received: Received, event: HandoffRequested) -> None:
        """Record the hand-off with the person to ring, then answer the bridge.

        Raises :class:`PublishFailed` when the answer could not be sent, and psycopg's errors; the same event again
        finds the row and sends the same answer.
        """
        request_id = received.envelope.id
        async with transaction(self.pool) as conn:
            await lock_call(conn, event.call_id)
            row, outcome, errands = await self._record(conn, received, event)
            answer = await self.answering.answer(conn, row, request_id)
        await self.errands.run((Tell(answer, row.traceparent), *errands))
        if outcome is not None:
            self.metrics.add("escalation_total", reason=event.reason, outcome=outcome)
            log.info(
                "handoff_recorded",
                handoff_id=row.handoff_id,
                call_id=row.call_id,
                contact_id=row.contact_id,
                outcome=outcome,
            )

    async def _record(
        self, conn: Connection, received: Received, event: HandoffRequested
    ) -> tuple[HandoffRow, str | None, Sequence[Errand]]:
        """The hand-off of this leg, what was decided anew, and what follows."""
        request_id = received.envelope.id
        stored = await store.lock_handoff_of_leg(conn, event.call_id, event.leg_epoch)
        if stored is not None and request_id in stored.request_ids:
            return stored, None, self._once_more(stored)
        if stored is not None and stored.state in PENDING and (event.reason != "callback" or not stored.ringing):
            row = _with_request(replace(stored, reply_to=event.reply_to), request_id)
            await store.update_handoff(conn, row)
            return row, None, self._once_more(row)
        found = await self.answering.possible(conn, event.call_id, event.branch_id, event.language)
        if found is None:
            log.warning("handoff_of_unknown_branch", call_id=event.call_id, branch_id=event.branch_id)
        wanted = self._plan(event, found)
        row = _with_request(stored or self._new(received, event), request_id)
        row = replace(row, reply_to=event.reply_to, language=event.language, updated_at=self.clock.now())
        if stored is None and not await store.insert_handoff(conn, row, event.pii_summary):
            raise AssertionError("the call's lock keeps other deliveries out")
        if stored is not None and event.pii_summary:
            await store.set_summary(conn, row.handoff_id, event.pii_summary)
        before: Sequence[Errand] = await self.joining.abandon(conn, row.handoff_id) if stored is not None else ()
        after, outcome, errands = await self._carry_out(conn, row, wanted, found, event)
        await store.update_handoff(conn, after)
        return after, outcome, (*before, *errands, _tell_staff(after))

    def _new(self, received: Received, event: HandoffRequested) -> HandoffRow:
        now = self.clock.now()
        return HandoffRow(
            handoff_id=str(uuid.uuid4()),
            call_id=event.call_id,
            leg_epoch=event.leg_epoch,
            branch_id=event.branch_id,
            contact_id=None,
            contact_phone=None,
            reason=event.reason,
            state=HandoffState.FAILED,
            attempts=0,
            reply_to=event.reply_to,
            traceparent=received.envelope.traceparent,
            requested_at=now,
            updated_at=now,
        )

    def _plan(self, event: HandoffRequested, found: Possible | None) -> Plan:
        if found is None:
            return NobodyCanCome(None)
        branch = found.file.branch
        contact = choose_contact(
            found.people,
            self.clock.now(),
            language=event.language,
            caller=found.parties.pii_caller,
            branch_phone=branch.phone,
        )
        return plan(
            Asking(
                reason=event.reason,
                strategy=branch.escalation.strategy,
                contact=contact,
                can_place=self.line.can_place,
                is_number_known=found.is_number_known,
                promise=found.promise,
            )
        )

    async def _carry_out(
        self, conn: Connection, row: HandoffRow, wanted: Plan, found: Possible | None, event: HandoffRequested
    ) -> tuple[HandoffRow, str, Sequence[Errand]]:
        now = self.clock.now()
        match wanted:
            case DialAfterLeaving(contact):
                asked = replace(
                    row,
                    state=HandoffState.REQUESTED,
                    contact_id=contact.id,
                    contact_phone=contact.phone,
                    requested_at=now,
                    leave_by=now + self.answering.leave_within,
                    ringing=None,
                    room=None,
                )
                return asked, "requested", self._once_more(asked)
            case RingFirst(contact):
                asked = replace(
                    row, state=HandoffState.REQUESTED, strategy="answer_first", requested_at=now, tried=(), room=None
                )
                ringing, errands = await self.joining.begin(conn, asked, contact)
                return ringing, "ringing", errands
            case PromiseCallback(promise):
                assert found is not None, "without a branch nothing is promised"
                assert found.parties.pii_customer is not None, "without a number nothing is promised"
                _, errands = await self.callbacks.give(
                    conn,
                    "person",
                    call_id=row.call_id,
                    branch_id=row.branch_id,
                    handoff_id=row.handoff_id,
                    pii_phone=found.parties.pii_customer,
                    reason=row.reason,
                    language=event.language,
                    promise=promise,
                    traceparent=row.traceparent,
                )
                promised = replace(row, state=HandoffState.CALLBACK, ringing=None, room=None, leave_by=None)
                return promised, "callback", errands
            case NobodyCanCome():
                nobody = replace(row, state=HandoffState.FAILED, contact_id=None, contact_phone=None, leave_by=None)
                return nobody, "nobody_on_duty", ()

    def _once_more(self, row: HandoffRow) -> Sequence[Errand]:
        """The job that a hand-off needs; a second one with its id changes nothing."""
        if row.state is HandoffState.REQUESTED and row.ringing is None:
            job_id = f"handoff:{row.call_id}:{row.leg_epoch}:{len(row.request_ids)}"
            return (Queue(LEAVE, job_id, row.handoff_id, pause_s=LEAVE_AFTER_S),)
        return ()

    # --- the bridge has to leave -----------------------------------------------------------------------------------

    async def order_leave(self, handoff_id: str) -> bool:
        """Tell the bridge to leave the stream, if the hand-off still waits for that. Whether it was told.

        Repeated orders are harmless. Raises :class:`PublishFailed` when Redis is away: worth another try.
        """
        async with transaction(self.pool) as conn:
            row = await store.lock_handoff(conn, handoff_id)
            if row is None or row.state not in (HandoffState.REQUESTED, HandoffState.LEAVING):
                return False
            if row.ringing is not None or row.left_at is not None or row.leave_by is None:
                return False
            now = self.clock.now()
            if now > row.leave_by + LEAVE_REPEATED_FOR and row.state is HandoffState.LEAVING:
                return False
            row = replace(row, state=advance(row.state, HandoffStep.LEAVE_ORDERED), updated_at=now)
            await store.update_handoff(conn, row)
        if row.reply_to is None:
            return False
        order = LeaveRequested(
            branch_id=row.branch_id, call_id=row.call_id, handoff_id=row.handoff_id, reply_to=row.reply_to
        )
        await self.errands.run((Tell(order, row.traceparent),))
        log.info("leave_ordered", handoff_id=row.handoff_id, call_id=row.call_id)
        return True

    # --- what the carrier made of it -------------------------------------------------------------------------------

    async def dial_served(self, event: CallDialServed) -> None:
        """The carrier was told to ring somebody."""
        errands: Sequence[Errand] = ()
        async with transaction(self.pool) as conn:
            await lock_call(conn, event.call_id)
            row = await self._meant(conn, event.handoff_id, event.call_id)
            if row is None or event.attempt <= row.attempts:
                return
            if row.ringing is not None:  # the carrier rings somebody itself now
                errands = await self.joining.abandon(conn, row.handoff_id)
            moved = replace(
                row,
                state=advance(row.state, HandoffStep.DIAL_SERVED),
                attempts=event.attempt,
                ringing=None,
                updated_at=self.clock.now(),
            )
            if event.contact_id is not None and event.contact_id != row.contact_id:
                phone = await contact_phone(conn, row.branch_id, event.contact_id)
                moved = replace(moved, contact_id=event.contact_id, contact_phone=phone)
            await save_handoff(conn, row, moved)
        await self.errands.run(errands)

    async def dial_ended(self, event: CallDialEnded) -> None:
        """A person picked up, or did not."""
        step = HandoffStep.DIAL_CONNECTED if event.connected else HandoffStep.DIAL_FAILED
        async with transaction(self.pool) as conn:
            await lock_call(conn, event.call_id)
            row = await self._meant(conn, event.handoff_id, event.call_id)
            if row is None or not await self._move(conn, row, step):
                return
            if event.connected:
                await settle_of_call(conn, event.call_id, self.clock.now())
        self.metrics.add("escalation_total", reason=row.reason, outcome="connected" if event.connected else "failed")
        if event.connected:
            waited_s = (self.clock.now() - row.requested_at).total_seconds()
            self.metrics.observe("handoff_connect_seconds", max(0.0, waited_s))

    async def close(self, handoff_id: str) -> None:
        """The caller is gone and needs nobody any more."""
        async with transaction(self.pool) as conn:
            call_id = await store.call_of(conn, handoff_id)
            if call_id is None:
                return
            await lock_call(conn, call_id)
            row = await store.lock_handoff(conn, handoff_id)
            errands: Sequence[Errand] = ()
            if row is not None and await self._move(conn, row, HandoffStep.CALL_ENDED):
                errands = await self.joining.abandon(conn, handoff_id)
        await self.errands.run(errands)

    async def _meant(self, conn: Connection, handoff_id: str | None, call_id: str) -> HandoffRow | None:
        """The hand-off of an event. One that names none belongs to the call's newest: the webhook knew of none yet."""
        if handoff_id is not None:
            return await store.lock_handoff(conn, handoff_id)
        return await store.lock_newest_handoff(conn, call_id)

    async def _move(self, conn: Connection, row: HandoffRow, step: HandoffStep) -> bool:
        now: datetime = self.clock.now()
        return await save_handoff(conn, row, replace(row, state=advance(row.state, step), updated_at=now))


def _with_request(row: HandoffRow, request_id: str) -> HandoffRow:
    return replace(row, request_ids=(*row.request_ids, request_id)[-REQUESTS_KEPT:])


def _tell_staff(row: HandoffRow) -> Queue:
    return Queue(TELL_STAFF, f"tell:{row.handoff_id}", row.handoff_id)
