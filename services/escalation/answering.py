"""What the bridge is answered about a hand-off: made from its row, so that it is the same however often it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from agiza.contracts.events import CallbackOffer, HandoffAnswered
from agiza.domain.callback import Promise, promise
from agiza.domain.handoff import PENDING, HandoffState
from agiza.domain.ids import BranchId
from agiza.domain.menu import BranchFile, Contact
from agiza.runtime.clock import Clock
from agiza.runtime.postgres import Connection
from services.escalation.carrier_line import CarrierLine
from services.escalation.phrases import Name, sentence
from services.escalation.roster import Parties, parties, ringable
from services.escalation.store_handoffs import HandoffRow

LEAVE_WITHIN: Final = timedelta(seconds=6)
"""The bridge leaves by itself within this after asking; the job and the sweeper see to it."""


@dataclass(frozen=True, slots=True)
class Possible:
    """What can be had for a caller at this moment."""

    parties: Parties
    file: BranchFile
    people: tuple[Contact, ...]
    promise: Promise | None
    is_number_known: bool


@dataclass(frozen=True, slots=True)
class Answering:
    """Answers from rows, roster and hours."""

    line: CarrierLine
    branches: Mapping[BranchId, BranchFile]
    clock: Clock
    leave_within: timedelta = LEAVE_WITHIN

    async def possible(self, conn: Connection, call_id: str, branch_id: str, language: str) -> Possible | None:
        """Who could be rung, and what could be promised. None for a branch that is not known."""
        known = await parties(conn, call_id, branch_id)
        file = self.branches.get(BranchId(branch_id))
        if known is None or file is None:
            return None
        branch = file.branch
        people = await ringable(conn, branch, self.line)
        customer = known.pii_customer
        can_be_rung = customer is not None and self.line.refuses(customer, branch) is None
        offered = promise(
            branch.escalation,
            [each for each in people if each.phone != customer],
            self.clock.now(),
            language=language,
            branch_phone=branch.phone,
        )
        return Possible(known, file, people, offered, can_be_rung)

    async def answer(self, conn: Connection, row: HandoffRow, request_id: str | None = None) -> HandoffAnswered:
        """What holds now for this hand-off; ``request_id`` is the request that is answered, else the newest one."""
        found = await self.possible(conn, row.call_id, row.branch_id, row.language)
        name, offer = _word_of(row, found, can_place=self.line.can_place)
        message = sentence(name, found.file.branch, row.language, found.promise) if found else ""
        is_pending = row.state in PENDING
        return HandoffAnswered(
            branch_id=row.branch_id,
            call_id=row.call_id,
            request_id=request_id or (row.request_ids[-1] if row.request_ids else row.handoff_id),
            handoff_id=row.handoff_id,
            contact_id=row.contact_id if is_pending else None,
            message=message,
            callback=offer,
            stay=is_pending and row.ringing is not None,
            reply_to=row.reply_to or "",
        )


def _word_of(row: HandoffRow, found: Possible | None, *, can_place: bool) -> tuple[Name, CallbackOffer]:
    can_be_rung = can_place and found is not None and found.promise is not None and found.is_number_known
    if row.state in PENDING:
        if row.ringing is not None:
            return "ringing", "none"
        return ("coming_for_sure" if can_be_rung else "coming"), "none"
    if row.state is HandoffState.CALLBACK:
        return "promised", "promised"
    if found is None or found.promise is None or not can_place:
        return "nobody", "none"
    return ("offer", "offered") if found.is_number_known else ("number_needed", "number_needed")
