"""Legs without a hand-off that may have been lost: looked at a moment after their end, or while their bridge is missed.

Whoever sits in silence is hung up. A customer with an open cart is rung back once and goes on with the agent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from agiza.domain.callback import Promise
from agiza.domain.handoff import PENDING, HandoffState
from agiza.domain.rescue import CALLER_LEFT, SILENT, TALK_MAX, Leg, Rescue, judge_leg
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, lock_call, transaction
from services.escalation import store_handoffs, store_lines
from services.escalation.answering import Answering
from services.escalation.callbacks import Callbacks
from services.escalation.carrier_line import CarrierLine
from services.escalation.errands import Errand, Errands, HangUp
from services.escalation.rescuer import Rescuer
from services.escalation.store_lines import KnownLine, Watch

HANG_UP_AGAIN_S: Final = 5.0
"""A line that is to be hung up is asked for so often, not in every round."""
LINES_KEPT: Final = 1_000

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LostLegs:
    """Looks at legs. ``silent``: how long a carrier may take to ask again."""

    pool: Pool
    errands: Errands
    line: CarrierLine
    answering: Answering
    callbacks: Callbacks
    rescuer: Rescuer
    clock: Clock
    metrics: Metrics
    silent: timedelta = SILENT
    hung_up_at: dict[str, float] = field(default_factory=dict)

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
        return await self.rescuer.give(conn, known.call_id, known.branch_id, None, found) if found is not None else None

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
