"""What is done about a hand-off: recorded with its person, told to the bridge, followed to its end.

Everything may come twice and in any order: each handler takes the hand-off's row lock, asks the table of states, and
writes only what is new. The row is committed before anybody is told.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from agiza.contracts.envelope import Received
from agiza.contracts.events import (
    CallDialEnded,
    CallDialServed,
    CallHungUp,
    HandoffAnswered,
    HandoffRequested,
    LeaveRequested,
)
from agiza.domain.handoff import HandoffState, HandoffStep, advance, choose_contact
from agiza.domain.menu import Contact
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, transaction
from agiza.runtime.publisher import Publisher
from services.escalation import store
from services.escalation.phrases import coming, nobody
from services.escalation.store import HandoffRow

LEAVE_REPEATED_FOR: Final = timedelta(seconds=60)
"""A bridge that has not heard the order to leave after this long is gone; its stream has ended with it."""

log = get_logger(__name__)

StartJob = Callable[[HandoffRow], Awaitable[None]]
"""Ask for the job that watches this hand-off. May fail without harm: the sweeper does the same later."""


class Desk:
    """The hand-offs of all branches."""

    def __init__(
        self, *, pool: Pool, publisher: Publisher, start_job: StartJob, clock: Clock, metrics: Metrics
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._start_job = start_job
        self._clock = clock
        self._metrics = metrics

    # --- the agent asks for a person -------------------------------------------------------------------------------

    async def requested(self, received: Received, event: HandoffRequested) -> None:
        """Record the hand-off with the person to ring, then answer the bridge.

        Raises :class:`PublishFailed` when the answer could not be sent, and psycopg's errors; the same event again
        finds the row and sends the same answer.
        """
        async with transaction(self._pool) as conn:
            row, is_new = await self._record(conn, received, event)
        message = coming(event.language) if row.contact_id else nobody(event.language)
        answer = HandoffAnswered(
            branch_id=event.branch_id,
            call_id=event.call_id,
            request_id=received.envelope.id,
            handoff_id=row.handoff_id,
            contact_id=row.contact_id,
            message=message,
            reply_to=event.reply_to,
        )
        await self._publisher.publish(answer, received.envelope.traceparent)
        if is_new:
            outcome = "requested" if row.contact_id else "nobody_on_duty"
            self._metrics.add("escalation_total", reason=event.reason, outcome=outcome)
            log.info("handoff_recorded", handoff_id=row.handoff_id, call_id=row.call_id, contact_id=row.contact_id)
        if row.state is HandoffState.REQUESTED:
            await self._start_job(row)

    async def _record(self, conn: Connection, received: Received, event: HandoffRequested) -> tuple[HandoffRow, bool]:
        """The hand-off of this leg, and whether it is new. Nobody on duty before is looked for once more."""
        existing = await store.lock_handoff_of_leg(conn, event.call_id, event.leg_epoch)
        if existing is not None and existing.contact_id is not None:
            return existing, False
        now = self._clock.now()
        contact = await self._contact(conn, event)
        row = HandoffRow(
            handoff_id=existing.handoff_id if existing else str(uuid.uuid4()),
            call_id=event.call_id,
            leg_epoch=event.leg_epoch,
            branch_id=event.branch_id,
            contact_id=contact.id if contact else None,
            contact_phone=contact.phone if contact else None,
            reason=event.reason,
            state=HandoffState.REQUESTED if contact else HandoffState.FAILED,
            attempts=0,
            reply_to=event.reply_to,
            traceparent=received.envelope.traceparent,
            requested_at=now,
            updated_at=now,
        )
        if existing is not None:
            if contact is not None:
                await store.update_handoff(conn, row)
            return row, False
        if await store.insert_handoff(conn, row, event.pii_summary):
            return row, True
        stored = await store.lock_handoff_of_leg(conn, event.call_id, event.leg_epoch)
        assert stored is not None, "the row that was in the way is there"
        return stored, False

    async def _contact(self, conn: Connection, event: HandoffRequested) -> Contact | None:
        parties = await store.parties(conn, event.call_id, event.branch_id)
        if parties is None:
            log.warning("handoff_of_unknown_branch", call_id=event.call_id, branch_id=event.branch_id)
            return None
        return choose_contact(
            await store.roster(conn, event.branch_id),
            self._clock.now(),
            language=event.language,
            caller=parties.pii_caller,
            branch_phone=parties.branch_phone,
        )

    # --- the bridge has to leave -----------------------------------------------------------------------------------

    async def order_leave(self, handoff_id: str) -> bool:
        """Tell the bridge to leave the stream, if the hand-off still waits for that. Whether it was told.

        Repeated orders are harmless. Raises :class:`PublishFailed` when Redis is away: worth another try.
        """
        async with transaction(self._pool) as conn:
            row = await store.lock_handoff(conn, handoff_id)
            if row is None or row.state not in (HandoffState.REQUESTED, HandoffState.LEAVING):
                return False
            now = self._clock.now()
            if now > row.requested_at + LEAVE_REPEATED_FOR and row.state is HandoffState.LEAVING:
                return False
            row = replace(row, state=advance(row.state, HandoffStep.LEAVE_ORDERED), updated_at=now)
            await store.update_handoff(conn, row)
        if row.reply_to is None:
            return False
        order = LeaveRequested(
            branch_id=row.branch_id, call_id=row.call_id, handoff_id=row.handoff_id, reply_to=row.reply_to
        )
        await self._publisher.publish(order, row.traceparent)
        log.info("leave_ordered", handoff_id=row.handoff_id, call_id=row.call_id)
        return True

    # --- what the carrier made of it -------------------------------------------------------------------------------

    async def dial_served(self, event: CallDialServed) -> None:
        """The carrier was told to ring somebody."""
        async with transaction(self._pool) as conn:
            row = await self._meant(conn, event.handoff_id, event.call_id)
            if row is None or event.attempt <= row.attempts:
                return
            moved = replace(
                row,
                state=advance(row.state, HandoffStep.DIAL_SERVED),
                attempts=event.attempt,
                updated_at=self._clock.now(),
            )
            if event.contact_id is not None and event.contact_id != row.contact_id:
                phone = await store.contact_phone(conn, row.branch_id, event.contact_id)
                moved = replace(moved, contact_id=event.contact_id, contact_phone=phone)
            await self._save(conn, row, moved)

    async def dial_ended(self, event: CallDialEnded) -> None:
        """A person picked up, or did not."""
        step = HandoffStep.DIAL_CONNECTED if event.connected else HandoffStep.DIAL_FAILED
        async with transaction(self._pool) as conn:
            row = await self._meant(conn, event.handoff_id, event.call_id)
            if row is None or not await self._move(conn, row, step):
                return
        self._metrics.add("escalation_total", reason=row.reason, outcome="connected" if event.connected else "failed")
        if event.connected:
            waited_s = (self._clock.now() - row.requested_at).total_seconds()
            self._metrics.observe("handoff_connect_seconds", max(0.0, waited_s))

    async def hung_up(self, event: CallHungUp) -> None:
        """The call is over."""
        async with transaction(self._pool) as conn:
            row = await store.lock_newest_handoff(conn, event.call_id)
            if row is not None:
                await self._move(conn, row, HandoffStep.CALL_ENDED)

    async def close(self, handoff_id: str) -> None:
        """The call is over, as the sweeper found."""
        async with transaction(self._pool) as conn:
            row = await store.lock_handoff(conn, handoff_id)
            if row is not None:
                await self._move(conn, row, HandoffStep.CALL_ENDED)

    async def _meant(self, conn: Connection, handoff_id: str | None, call_id: str) -> HandoffRow | None:
        """The hand-off of an event. One that names none belongs to the call's newest: the webhook knew of none yet."""
        if handoff_id is not None:
            return await store.lock_handoff(conn, handoff_id)
        return await store.lock_newest_handoff(conn, call_id)

    async def _move(self, conn: Connection, row: HandoffRow, step: HandoffStep) -> bool:
        return await self._save(conn, row, replace(row, state=advance(row.state, step), updated_at=self._clock.now()))

    async def _save(self, conn: Connection, before: HandoffRow, after: HandoffRow) -> bool:
        """Write what changed; whether the state did."""
        if replace(after, updated_at=before.updated_at) == before:
            return False
        await store.update_handoff(conn, after)
        if after.state is not before.state:
            log.info("handoff_moved", handoff_id=after.handoff_id, call_id=after.call_id, state=after.state.value)
        return after.state is not before.state
