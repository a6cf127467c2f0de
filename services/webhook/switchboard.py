"""Every request of the carrier, from the parsed post to the document that answers it.

    document = await switchboard.answer(post, Channel.VOICE)

The decision is made inside one transaction on the call's row, so requests of one call are answered one after the
other whichever replica they reach. When the database is away the same decision is made on what this process
remembers, and no Stream is offered: nothing could be ordered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import psycopg

from agiza.carrier.callbacks import CarrierPost, understand
from agiza.carrier.documents import EMPTY, Document, Hangup, Reject
from agiza.carrier.tokens import TokenRefused, check_media_token
from agiza.carrier.urls import Urls
from agiza.domain.call_answers import Decision, OfferStream, Silent
from agiza.domain.call_control import awaits_reason, decide
from agiza.domain.call_state import Channel, Desk, Edge, Handoff, Phase, Phrase
from agiza.domain.cost import CarrierPrices
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import UNAVAILABLE, Connection, Pool, lock_call
from services.webhook.admission import Admission
from services.webhook.announcer import Announcer
from services.webhook.answers import Caller, document_for
from services.webhook.diallable import Diallable
from services.webhook.dialling import Dialling
from services.webhook.directory import Directory, Listed
from services.webhook.ledger import Ledger, is_progress
from services.webhook.memory import Memory
from services.webhook.outage import Watched
from services.webhook.store import (
    CallRow,
    dials_lately,
    insert_call,
    read_call,
    read_outbound,
    update_call,
)
from services.webhook.surroundings import Question, desk_of, new_row, outbound_row, with_outbound
from services.webhook.tolls import count_tolls

CONNECTION_WAIT_S: Final = 0.15
CONNECTION_PATIENCE_S: Final = 1.0
"""How long a database that answers, but is busy, is waited for on the second try."""
TRANSACTION_LIMIT_S: Final = 1.5
REASON_WAIT_S: Final = 0.4
REASON_POLL_S: Final = 0.04

_MAY_START: Final = (Edge.RINGING, Edge.ANSWERED, Edge.OTHER, Edge.COMPLETED)
_NOT_DIALLED: Final = (Phrase.UNAVAILABLE, Phrase.CALLBACK_PROMISED, Phrase.STAFF_MISSED)

TokenUsed = Callable[[str], Awaitable[bool]]
"""Nonce of a media token -> whether a bridge has taken it."""

log = get_logger(__name__)


class NotYet(Exception):
    """The stream ended and nobody has said why; worth asking again in a moment."""


class Switchboard:
    """Answers the carrier. One per process."""

    def __init__(
        self,
        *,
        pool: Pool,
        directory: Directory,
        urls: Urls,
        database: Watched,
        redis: Watched,
        announcer: Announcer,
        token_used: TokenUsed,
        dialling: Dialling,
        diallable: Diallable,
        admission: Admission,
        clock: Clock,
        metrics: Metrics,
        prices: CarrierPrices | None = None,
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._urls = urls
        self._database = database
        self._redis = redis
        self._announcer = announcer
        self._token_used = token_used
        self._dialling = dialling
        self._diallable = diallable
        self._admission = admission
        self._clock = clock
        self._memory = Memory()
        self._ledger = Ledger(urls, announcer, prices)
        self._metrics = metrics

    async def answer(
        self,
        post: CarrierPost,
        channel: Channel,
        *,
        signed: tuple[str, str, int] | None = None,
        outbound_id: str | None = None,
        is_replay: bool = False,
    ) -> Document:
        """The document for this request. ``signed`` is (call id, branch id, number) of a signed URL.

        With ``outbound_id`` the request is about a call that we placed, and ``signed`` names that instead of a call.
        ``is_replay``: just these signed bytes have been answered before; they get their answer again and move nothing.
        Raises :class:`LookupError` when the request names no call.
        """
        call_id = signed[0] if signed and outbound_id is None else post.call_id
        if call_id is None:
            raise LookupError("the request names no call")
        number = signed[2] if signed and outbound_id is None else None
        callback = understand(
            post,
            channel,
            attempt=number if channel is Channel.AFTER_DIAL else None,
            leg=number if channel in (Channel.NEXT, Channel.STATUS) else None,
        )
        listed, pii_caller = self._parties(post, signed[1] if signed else None)
        if listed is None:
            listed = await self._branch_of_known_call(call_id)
        if listed is None:
            log.warning("number_not_ours", call_id=call_id, channel=channel.value)
            return (Reject(),) if channel is Channel.VOICE and callback.edge is not Edge.COMPLETED else EMPTY
        return await self._decide(Question(call_id, listed, callback, pii_caller, outbound_id, is_replay))

    def _parties(self, post: CarrierPost, branch_id: str | None) -> tuple[Listed | None, str | None]:
        """The branch and the caller. Browser legs carry our number as the caller's: then they are swapped."""
        listed = self._directory.by_number(post.dialled)
        caller = post.pii_caller
        if listed is None and (swapped := self._directory.by_number(caller)) is not None:
            listed, caller = swapped, post.dialled
        if branch_id is not None:
            listed = self._directory.by_id(branch_id)
        return listed, caller

    async def _branch_of_known_call(self, call_id: str) -> Listed | None:
        """An event may name the call and no numbers."""
        if (row := self._memory.get(call_id)) is None and self._database.is_up:
            try:
                async with asyncio.timeout(TRANSACTION_LIMIT_S), self._pool.connection(CONNECTION_PATIENCE_S) as conn:
                    found = await read_call(conn, call_id)
                    row = found[0] if found else None
            except (*UNAVAILABLE, TimeoutError):
                await self._database.check()
        return self._directory.by_id(row.branch_id) if row else None

    # --- with the database ----------------------------------------------------------------------------------------

    async def _decide(self, question: Question) -> Document:
        could_start = question.callback.channel is Channel.VOICE and question.callback.edge in _MAY_START
        if could_start and question.listed.menu_version is None and self._database.is_up:
            question = replace(question, listed=await self._published(question.listed))
        reason_until = self._clock.monotonic() + REASON_WAIT_S
        patience_s = CONNECTION_WAIT_S
        while self._database.is_up:
            try:
                async with asyncio.timeout(TRANSACTION_LIMIT_S), self._pool.connection(patience_s) as conn:
                    may_wait = self._clock.monotonic() < reason_until
                    return await self._in_transaction(conn, question, may_wait=may_wait)
            except NotYet:
                await asyncio.sleep(REASON_POLL_S)
            except (*UNAVAILABLE, TimeoutError) as error:
                log.warning("call_row_out_of_reach", call_id=question.call_id, kind=type(error).__name__)
                if patience_s != CONNECTION_WAIT_S or not await self._database.check():
                    break
                patience_s = CONNECTION_PATIENCE_S  # it answers: only busy
            except psycopg.Error as error:  # a mistake of ours must not cost the caller the line
                log.error("call_row_refused", call_id=question.call_id, exc_info=error)
                break
        return self._from_memory(question)

    async def _published(self, listed: Listed) -> Listed:
        """A branch whose menu the database did not have yet: perhaps it has been published in this very moment."""
        with contextlib.suppress(*UNAVAILABLE, TimeoutError):
            async with asyncio.timeout(TRANSACTION_LIMIT_S):
                await self._directory.refresh(self._pool)
        return self._directory.by_id(listed.file.branch.id) or listed

    async def _in_transaction(self, conn: Connection, question: Question, *, may_wait: bool) -> Document:
        now = self._clock.now()
        while True:
            async with conn.transaction():
                found = await read_call(conn, question.call_id)
                if found is not None:
                    # Escalation may be giving up on us: only one of the two takes the caller further.
                    await lock_call(conn, question.call_id)
                    found = await read_call(conn, question.call_id)
                row, handoff = await self._known(conn, question, found, now)
                desk = await self._desk(conn, question, row, now)
                if may_wait and awaits_reason(row.call, handoff, question.callback, desk):
                    raise NotYet
                decision = decide(row.call, handoff, question.callback, desk, now)
                if question.is_replay and is_progress(row.call, decision.call):
                    decision = Decision(Silent(), row.call)
                elif (admitted := await self._admitted(row, decision, desk)) is not desk:
                    desk = admitted
                    decision = decide(row.call, handoff, question.callback, desk, now)
                after = self._ledger.after(row, question.callback, decision, now)
                if await _store(conn, row if found else None, after):
                    break
        self._memory.stored(question.call_id)
        return self._finish(question, row, after, decision, desk)

    async def _known(
        self, conn: Connection, question: Question, found: tuple[CallRow, Handoff | None] | None, now: datetime
    ) -> tuple[CallRow, Handoff | None]:
        """The call as stored, or as this process took it further while the database was away."""
        remembered = self._memory.get(question.call_id)
        if found is None:
            if remembered is None and question.outbound_id is not None:
                return outbound_row(question, await read_outbound(conn, question.outbound_id), now), None
            return remembered or new_row(question, now), None
        row, handoff = found[0], self._diallable.handoff(found[1], question.listed.file.branch)
        if remembered is not None and self._memory.is_unstored(question.call_id):
            further = max((row.call, remembered.call), key=lambda call: list(Phase).index(call.phase))
            row = replace(row, call=further)
        return row, handoff

    async def _desk(self, conn: Connection, question: Question, row: CallRow, now: datetime) -> Desk:
        can_order = self._redis.is_up and question.listed.menu_version is not None
        desk = desk_of(question.listed, row, self._dialling, self._diallable, can_order=can_order, now=now)
        if desk.may_dial:
            desk = replace(desk, may_dial=await self._is_within_limits(conn, question, row, now))
        if row.outbound_id is not None:
            matter = await read_outbound(conn, row.outbound_id)
            desk = with_outbound(desk, row, matter, question.listed.file.branch, self._diallable)
        if row.call.phase is not Phase.OFFERED or not row.media_token or not self._redis.is_up:
            return desk
        try:
            payload = check_media_token(row.media_token, (self._urls.secret,), now)
        except TokenRefused:
            return desk
        return replace(desk, token_used=await self._token_used(payload.nonce))

    async def _admitted(self, row: CallRow, decision: Decision, desk: Desk) -> Desk:
        """The same desk when the Stream of this decision may be offered, if it has one; else a desk without."""
        if not isinstance(decision.answer, OfferStream):
            return desk
        if row.call.phase is Phase.NEW:
            verdict = await self._admission.ask(row)
            if verdict == "caller_limit":
                return replace(desk, is_welcome=False)
            return desk if verdict == "admitted" else replace(desk, can_order=False)
        is_next_leg = decision.call.epoch > row.call.epoch
        return replace(desk, can_order=False) if is_next_leg and not await self._admission.ask_for_leg() else desk

    async def _is_within_limits(self, conn: Connection, question: Question, row: CallRow, now: datetime) -> bool:
        """Toll fraud shows as many Dials: for one caller, or for one branch."""
        escalation = question.listed.file.branch.escalation
        of_branch, of_caller = await dials_lately(conn, row.branch_id, row.pii_caller, now)
        return of_branch < escalation.dials_per_hour and of_caller < self._dialling.per_caller_day

    # --- without it -----------------------------------------------------------------------------------------------

    def _from_memory(self, question: Question) -> Document:
        now = self._clock.now()
        known = self._memory.get(question.call_id)
        if known is None and question.outbound_id is not None:
            # Whom we have rung is nobody's caller, and with whom they were to talk cannot be known now.
            log.warning("outbound_without_database", call_id=question.call_id)
            return (Hangup(),)
        row = known or new_row(question, now)
        desk = desk_of(question.listed, row, self._dialling, self._diallable, can_order=False, now=now)
        decision = decide(row.call, None, question.callback, desk, now)
        if question.is_replay and is_progress(row.call, decision.call):
            decision = Decision(Silent(), row.call)
        self._memory.unstored(question.call_id)
        log.warning("answered_without_database", call_id=question.call_id, phase=decision.call.phase.value)
        return self._finish(question, row, self._ledger.after(row, question.callback, decision, now), decision, desk)

    # --- both -----------------------------------------------------------------------------------------------------

    def _finish(self, question: Question, before: CallRow, row: CallRow, decision: Decision, desk: Desk) -> Document:
        """After the commit: remember, publish what is new, write the document."""
        if row.call.phase is not Phase.NEW:
            self._memory.remember(row)
        answer = self._diallable.answer(decision.answer, question.listed.file.branch)
        new = row.unsent[len(before.unsent) :]
        self._admission.moved(before, row)
        count_tolls(row.tolls[len(before.tolls) :], self._metrics)
        self._announcer.announce(row.call_id, new, is_stored=not self._memory.is_unstored(row.call_id))
        log.info(
            "carrier_answered",
            call_id=row.call_id,
            branch_id=row.branch_id,
            channel=question.callback.channel.value,
            edge=question.callback.edge.value,
            answer=type(answer).__name__,
            phase=row.call.phase.value,
        )
        if not desk.may_dial and decision.call.farewell in _NOT_DIALLED and before.call.phase is not row.call.phase:
            self._dialling.refused(row.call_id, row.branch_id)
        reason = desk.outbound.reason if desk.outbound else "caller_asked"
        number = desk.outbound.order_number if desk.outbound else None
        caller = Caller(row.call_id, question.listed.file.branch, row.language, row.media_token, reason, number)
        return document_for(answer, caller, self._urls, self._clock.now())


async def _store(conn: Connection, before: CallRow | None, after: CallRow) -> bool:
    """Write what changed. False when the call was inserted by another request since it was looked for."""
    if before is not None:
        if after != before:
            await update_call(conn, after)
        return True
    return after.call.phase is Phase.NEW or await insert_call(conn, after)
