"""The strategy ``answer_first``: a person is rung while the agent goes on; the two meet in a room.

ring -> picked up: the person hears who and why and waits in the room; the bridge is told to leave; the carrier asks,
and the webhook sends the caller into the room. Nobody picks up: the next one is rung; after the last the agent is told.
A caller who is lost on the way (the carrier stays silent, or hangs up) is rung and joins the same room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from agiza.contracts.events import LeaveRequested
from agiza.domain.callback import AttemptEnd, CallbackState, begun
from agiza.domain.handoff import HandoffState, HandoffStep, advance, choose_contact
from agiza.domain.ids import BranchId
from agiza.domain.menu import BranchFile, Contact
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection
from services.escalation import store_callbacks, store_handoffs, store_outbound
from services.escalation.answering import Answering
from services.escalation.callbacks import Callbacks
from services.escalation.carrier_line import CarrierLine
from services.escalation.errands import LOOK_AFTER, Errand, HangUp, Queue, Tell, place
from services.escalation.matters import Step
from services.escalation.moving import move_handoff, save_handoff
from services.escalation.outbound import new_call
from services.escalation.roster import parties, ringable
from services.escalation.store_callbacks import CallbackRow
from services.escalation.store_handoffs import HandoffRow
from services.escalation.store_outbound import OutboundRow

LEAVE_WITHIN: Final = timedelta(seconds=3)
"""Who picked up waits; the agent has one sentence."""
RINGS_MAX: Final = 4
"""As many people are rung one after the other while the caller is with the agent."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Joining:
    """Matter of ``staff_join`` and ``customer_join`` calls."""

    callbacks: Callbacks
    answering: Answering
    line: CarrierLine
    branches: Mapping[BranchId, BranchFile]
    clock: Clock
    metrics: Metrics

    # --- beginning -------------------------------------------------------------------------------------------------

    async def begin(self, conn: Connection, row: HandoffRow, contact: Contact) -> tuple[HandoffRow, Sequence[Errand]]:
        """The hand-off with this contact's phone about to ring. The caller of this stores the row."""
        now = self.clock.now()
        call = new_call(
            "staff_join",
            row.branch_id,
            row.call_id,
            contact.phone,
            now,
            language=row.language,
            handoff_id=row.handoff_id,
            contact_id=contact.id,
            room=room_of(row),
        )
        await store_outbound.insert_outbound(conn, call)
        ringing = replace(
            row, contact_id=contact.id, contact_phone=contact.phone, ringing=contact.id, leave_by=None, updated_at=now
        )
        return ringing, (place(call.outbound_id),)

    async def fetch_customer(self, conn: Connection, row: HandoffRow, callback: CallbackRow) -> Sequence[Errand] | None:
        """Ring the customer into the room in which somebody waits; None when nobody does any more."""
        waiting = [
            call
            for call in await store_outbound.of_handoff(conn, row.handoff_id)
            if call.kind == "staff_join" and call.state == "answered"
        ]
        if row.room is None or not waiting:
            return None
        if callback.state is not CallbackState.WAITING:
            return ()  # they are being rung already
        now = self.clock.now()
        call = new_call(
            "customer_join",
            row.branch_id,
            row.call_id,
            callback.pii_phone,
            now,
            language=row.language,
            callback_id=callback.callback_id,
            handoff_id=row.handoff_id,
            room=row.room,
        )
        await store_outbound.insert_outbound(conn, call)
        after = replace(callback.at(begun(callback.standing, row.contact_id), now), attempts=callback.attempts + 1)
        await store_callbacks.update_callback(conn, after)
        return (place(call.outbound_id),)

    async def abandon(self, conn: Connection, handoff_id: str) -> Sequence[Errand]:
        """Nobody has to pick up any more: end our calls about this hand-off."""
        errands: list[Errand] = []
        for call in await store_outbound.of_handoff(conn, handoff_id):
            if call.kind not in ("staff_join", "customer_join"):
                continue
            await store_outbound.move_outbound(conn, call.outbound_id, "ended", self.clock.now())
            if call.carrier_call_id is not None:
                errands.append(HangUp(call.carrier_call_id))
        return errands

    # --- what came of it -------------------------------------------------------------------------------------------

    async def outbound_moved(self, conn: Connection, row: OutboundRow, step: Step) -> Sequence[Errand]:
        """A call about a hand-off has come further."""
        handoff = await store_handoffs.lock_handoff(conn, row.handoff_id) if row.handoff_id else None
        if handoff is None:
            return ()
        if row.kind == "customer_join":
            return await self._customer_moved(conn, handoff, row, step)
        if step == "answered":
            return await self._picked_up(conn, handoff, row)
        is_ringing = handoff.state is HandoffState.REQUESTED and handoff.ringing == row.contact_id
        if step in ("unanswered", "not_placed") or is_ringing:  # also where the pick-up was overtaken by the end
            return await self._not_reached(conn, handoff, row, step)
        return await self._left_the_room(conn, handoff)

    async def _picked_up(self, conn: Connection, handoff: HandoffRow, row: OutboundRow) -> Sequence[Errand]:
        if handoff.state is not HandoffState.REQUESTED or handoff.ringing != row.contact_id:
            return ()  # settled meanwhile: the webhook tells whoever picked up
        now = self.clock.now()
        leaving = replace(
            handoff,
            state=advance(handoff.state, HandoffStep.LEAVE_ORDERED),
            room=row.room,
            ringing=None,
            leave_by=now + LEAVE_WITHIN,
            updated_at=now,
        )
        await save_handoff(conn, handoff, leaving)
        return (*_order_to_leave(leaving), look_after(leaving, LEAVE_WITHIN))

    async def _not_reached(
        self, conn: Connection, handoff: HandoffRow, row: OutboundRow, step: Step
    ) -> Sequence[Errand]:
        if handoff.state is not HandoffState.REQUESTED or handoff.ringing != row.contact_id:
            return ()
        now = self.clock.now()
        tried = tuple(dict.fromkeys((*handoff.tried, handoff.ringing or "")))
        if step == "not_placed":
            # Calls cannot be placed now. The carrier's Dial needs none: the agent leaves, as by the other strategy.
            dialled = replace(handoff, ringing=None, leave_by=now + self.answering.leave_within, updated_at=now)
            await save_handoff(conn, handoff, dialled)
            return (Tell(await self.answering.answer(conn, dialled), dialled.traceparent),)
        contact = await self._next_contact(conn, handoff, tried, now) if len(tried) < RINGS_MAX else None
        if contact is not None:
            ringing, errands = await self.begin(conn, replace(handoff, tried=tried), contact)
            await save_handoff(conn, handoff, ringing)
            return errands
        failed = replace(
            handoff, state=advance(handoff.state, HandoffStep.DIAL_FAILED), ringing=None, tried=tried, updated_at=now
        )
        await save_handoff(conn, handoff, failed)
        self.metrics.add("escalation_total", reason=handoff.reason, outcome="nobody_answered")
        return (Tell(await self.answering.answer(conn, failed), failed.traceparent),)

    async def _left_the_room(self, conn: Connection, handoff: HandoffRow) -> Sequence[Errand]:
        """Whoever had picked up is gone. A caller who has not come yet is dialled through instead."""
        if handoff.state is HandoffState.CALLBACK:
            return await self._spare_the_customer(conn, handoff)
        if handoff.room is None or handoff.state not in (HandoffState.REQUESTED, HandoffState.LEAVING):
            return (look_after(handoff, timedelta(seconds=6)),) if handoff.state is HandoffState.DIAL_SERVED else ()
        await save_handoff(conn, handoff, replace(handoff, room=None, updated_at=self.clock.now()))
        return ()

    async def _spare_the_customer(self, conn: Connection, handoff: HandoffRow) -> Sequence[Errand]:
        """Nobody waits in the room any more: a customer who is still being rung into it is rung back the usual way."""
        errands: list[Errand] = []
        for call in await store_outbound.of_handoff(conn, handoff.handoff_id):
            file = self.branches.get(BranchId(call.branch_id))
            if call.kind != "customer_join" or call.state == "answered" or call.callback_id is None or file is None:
                continue
            await store_outbound.move_outbound(conn, call.outbound_id, "ended", self.clock.now())
            if call.carrier_call_id is not None:
                errands.append(HangUp(call.carrier_call_id))
            callback = await store_callbacks.lock_callback(conn, call.callback_id)
            if callback is not None:
                errands += await self.callbacks.attempt_over(conn, callback, AttemptEnd.MISSED, file)
        return errands

    async def _customer_moved(
        self, conn: Connection, handoff: HandoffRow, row: OutboundRow, step: Step
    ) -> Sequence[Errand]:
        callback = await store_callbacks.lock_callback(conn, row.callback_id) if row.callback_id else None
        file = self.branches.get(BranchId(row.branch_id))
        if callback is None or file is None:
            return ()
        if step in ("connected", "ended"):
            await move_handoff(conn, handoff.handoff_id, HandoffStep.DIAL_CONNECTED, self.clock.now())
            return await self.callbacks.attempt_over(conn, callback, AttemptEnd.CONNECTED, file)
        if step == "answered":
            return ()
        over = await self.callbacks.attempt_over(conn, callback, AttemptEnd.MISSED, file)
        return (*await self.abandon(conn, handoff.handoff_id), *over)

    async def _next_contact(
        self, conn: Connection, row: HandoffRow, tried: tuple[str, ...], now: datetime
    ) -> Contact | None:
        known = await parties(conn, row.call_id, row.branch_id)
        file = self.branches.get(BranchId(row.branch_id))
        if known is None or file is None:
            return None
        return choose_contact(
            await ringable(conn, file.branch, self.line),
            now,
            language=row.language,
            caller=known.pii_customer,
            branch_phone=known.branch_phone,
            tried=tried,
        )


def room_of(row: HandoffRow) -> str:
    """Where the two meet; nobody else knows the name."""
    return f"handoff-{row.handoff_id}"


def look_after(row: HandoffRow, pause: timedelta) -> Queue:
    """Have somebody look whether the caller has come on."""
    pause_s = pause.total_seconds()
    return Queue(LOOK_AFTER, f"look:{row.handoff_id}:{row.updated_at.timestamp():.3f}", row.handoff_id, pause_s=pause_s)


def _order_to_leave(row: HandoffRow) -> Sequence[Errand]:
    if row.reply_to is None:
        return ()
    order = LeaveRequested(
        branch_id=row.branch_id, call_id=row.call_id, handoff_id=row.handoff_id, reply_to=row.reply_to
    )
    return (Tell(order, row.traceparent),)
