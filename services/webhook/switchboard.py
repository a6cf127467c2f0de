"""Every request of the carrier, from the parsed post to the document that answers it.

    document = await switchboard.answer(post, Channel.VOICE)

The decision is made inside one transaction on the call's row, so requests of one call are answered one after the
other whichever replica they reach. When the database is away the same decision is made on what this process
remembers, and no Stream is offered: nothing could be ordered.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import psycopg

from agiza.carrier.callbacks import CarrierPost, understand
from agiza.carrier.documents import EMPTY, Document, Reject
from agiza.carrier.tokens import MediaTokenPayload, TokenRefused, check_media_token, mint_media_token
from agiza.domain.call_answers import Decision, OfferStream
from agiza.domain.call_control import awaits_reason, decide
from agiza.domain.call_state import Callback, CallState, Channel, Desk, DialTarget, Edge, Handoff, Phase
from agiza.domain.call_step import OFFER_SECONDS
from agiza.domain.handoff import ring_order
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE, Connection, Pool
from agiza.runtime.traces import Trace
from services.webhook.announcer import Announcer
from services.webhook.answers import Caller, Urls, document_for
from services.webhook.directory import Directory, Listed
from services.webhook.outage import Watched
from services.webhook.store import CallRow, insert_call, read_call, update_call, with_unsent

CONNECTION_WAIT_S: Final = 0.15
CONNECTION_PATIENCE_S: Final = 1.0
"""How long a database that answers, but is busy, is waited for on the second try."""
TRANSACTION_LIMIT_S: Final = 1.5
REASON_WAIT_S: Final = 0.4
REASON_POLL_S: Final = 0.04
REMEMBERED_MAX: Final = 10_000
"""Calls kept in memory for an outage, the oldest forgotten first."""

TokenUsed = Callable[[str], Awaitable[bool]]
"""Nonce of a media token -> whether a bridge has taken it."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """One request, with the call and branch that it is about."""

    call_id: str
    listed: Listed
    callback: Callback
    pii_caller: str | None


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
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._urls = urls
        self._database = database
        self._redis = redis
        self._announcer = announcer
        self._token_used = token_used
        self._clock = clock
        self._remembered: OrderedDict[str, CallRow] = OrderedDict()
        self._unstored: set[str] = set()

    async def answer(
        self, post: CarrierPost, channel: Channel, *, signed: tuple[str, str, int] | None = None
    ) -> Document:
        """The document for this request. ``signed`` is (call id, branch id, number) of a signed URL.

        Raises :class:`LookupError` when the request names no call.
        """
        call_id = signed[0] if signed else post.call_id
        if call_id is None:
            raise LookupError("the request names no call")
        callback = understand(post, channel, signed[2] if signed and channel is Channel.AFTER_DIAL else None)
        listed, pii_caller = self._parties(post, signed[1] if signed else None)
        if listed is None:
            listed = await self._branch_of_known_call(call_id)
        if listed is None:
            log.warning("number_not_ours", call_id=call_id, channel=channel.value)
            return (Reject(),) if channel is Channel.VOICE and callback.edge is not Edge.COMPLETED else EMPTY
        return await self._decide(Question(call_id, listed, callback, pii_caller))

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
        if (row := self._remembered.get(call_id)) is None and self._database.is_up:
            try:
                async with asyncio.timeout(TRANSACTION_LIMIT_S), self._pool.connection(CONNECTION_PATIENCE_S) as conn:
                    found = await read_call(conn, call_id)
                    row = found[0] if found else None
            except (*UNAVAILABLE, TimeoutError):
                await self._database.check()
        return self._directory.by_id(row.branch_id) if row else None

    # --- with the database ----------------------------------------------------------------------------------------

    async def _decide(self, question: Question) -> Document:
        could_start = question.callback.channel is Channel.VOICE and question.callback.edge in (
            Edge.RINGING, Edge.ANSWERED, Edge.OTHER, Edge.COMPLETED,
        )  # fmt: skip
        # Whether a bridge could order is asked of Redis itself: it is quick, and the answer must be right.
        can_order = self._redis.is_up and (not could_start or await self._redis.check())
        if could_start and question.listed.menu_version is None and self._database.is_up:
            question = replace(question, listed=await self._published(question.listed))
        reason_until = self._clock.monotonic() + REASON_WAIT_S
        patience_s = CONNECTION_WAIT_S
        while self._database.is_up:
            try:
                async with asyncio.timeout(TRANSACTION_LIMIT_S), self._pool.connection(patience_s) as conn:
                    may_wait = self._clock.monotonic() < reason_until
                    return await self._in_transaction(conn, question, can_order=can_order, may_wait=may_wait)
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

    async def _in_transaction(
        self, conn: Connection, question: Question, *, can_order: bool, may_wait: bool
    ) -> Document:
        now = self._clock.now()
        while True:
            async with conn.transaction():
                found = await read_call(conn, question.call_id)
                row, handoff = self._known(question, found, now)
                desk = await self._desk(question, row, can_order=can_order, now=now)
                if may_wait and awaits_reason(row.call, handoff, question.callback, desk):
                    raise NotYet
                decision = decide(row.call, handoff, question.callback, desk, now)
                after = self._after(row, decision, now)
                if await _store(conn, row if found else None, after):
                    break
        self._unstored.discard(question.call_id)
        return self._finish(question, row, after, decision, now)

    def _known(
        self, question: Question, found: tuple[CallRow, Handoff | None] | None, now: datetime
    ) -> tuple[CallRow, Handoff | None]:
        """The call as stored, or as this process took it further while the database was away."""
        remembered = self._remembered.get(question.call_id)
        if found is None:
            return remembered or _new_row(question, now), None
        row, handoff = found
        if remembered is not None and question.call_id in self._unstored:
            further = max((row.call, remembered.call), key=lambda call: list(Phase).index(call.phase))
            row = replace(row, call=further)
        return row, handoff

    async def _desk(self, question: Question, row: CallRow, *, can_order: bool, now: datetime) -> Desk:
        can_order = can_order and question.listed.menu_version is not None
        desk = _desk(question.listed, row, can_order=can_order, now=now)
        if row.call.phase is not Phase.OFFERED or question.callback.edge is not Edge.RINGING or not row.media_token:
            return desk
        try:
            payload = check_media_token(row.media_token, (self._urls.secret,), now)
        except TokenRefused:
            return desk
        return replace(desk, token_used=await self._token_used(payload.nonce))

    # --- without it -----------------------------------------------------------------------------------------------

    def _from_memory(self, question: Question) -> Document:
        now = self._clock.now()
        row = self._remembered.get(question.call_id) or _new_row(question, now)
        desk = _desk(question.listed, row, can_order=False, now=now)
        decision = decide(row.call, None, question.callback, desk, now)
        self._unstored.add(question.call_id)
        log.warning("answered_without_database", call_id=question.call_id, phase=decision.call.phase.value)
        return self._finish(question, row, self._after(row, decision, now), decision, now)

    # --- both -----------------------------------------------------------------------------------------------------

    def _after(self, row: CallRow, decision: Decision, now: datetime) -> CallRow:
        """The row as it stands after the decision, with its token and its events."""
        after = replace(row, call=decision.call)
        if isinstance(decision.answer, OfferStream) and after.media_token is None:
            expires_at = now + timedelta(seconds=OFFER_SECONDS)
            after = replace(after, media_token=self._mint(after, expires_at), token_expires_at=expires_at)
        if decision.call.phase is Phase.ENDED and row.call.phase is not Phase.ENDED:
            after = replace(after, ended_at=now)
            if after.outcome is None and decision.call.offered_at is None:  # no bridge will report on this call
                after = replace(
                    after,
                    outcome="handoff" if decision.call.dial else "no_order",
                    end_reason=decision.call.farewell.value if decision.call.farewell else "no_agent",
                )
        return with_unsent(after, [self._announcer.prepared(event, after, now) for event in decision.events])

    def _mint(self, row: CallRow, expires_at: datetime) -> str:
        payload = MediaTokenPayload(
            call_id=row.call_id,
            branch_id=row.branch_id,
            menu_version=row.menu_version,
            epoch=row.call.epoch,
            exp=int(expires_at.timestamp()),
            nonce=secrets.token_urlsafe(16),
            lang=row.language,
            withheld=row.pii_caller is None,
            trace=row.traceparent,
        )
        return mint_media_token(payload, self._urls.secret)

    def _finish(self, question: Question, before: CallRow, row: CallRow, decision: Decision, now: datetime) -> Document:
        """After the commit: remember, publish what is new, write the document."""
        if row.call.phase is not Phase.NEW:
            self._remember(row)
        new = row.unsent[len(before.unsent) :]
        self._announcer.announce(row.call_id, new, is_stored=row.call_id not in self._unstored)
        log.info(
            "carrier_answered",
            call_id=row.call_id,
            branch_id=row.branch_id,
            channel=question.callback.channel.value,
            edge=question.callback.edge.value,
            answer=type(decision.answer).__name__,
            phase=row.call.phase.value,
        )
        caller = Caller(row.call_id, question.listed.file.branch, row.language, row.media_token)
        return document_for(decision.answer, caller, self._urls, now)

    def _remember(self, row: CallRow) -> None:
        self._remembered[row.call_id] = replace(row, unsent=())
        self._remembered.move_to_end(row.call_id)
        while len(self._remembered) > REMEMBERED_MAX:
            forgotten, _ = self._remembered.popitem(last=False)
            self._unstored.discard(forgotten)


def _new_row(question: Question, now: datetime) -> CallRow:
    branch = question.listed.file.branch
    return CallRow(
        call_id=question.call_id,
        branch_id=branch.id,
        menu_version=question.listed.menu_version or 0,
        pii_caller=question.pii_caller,
        language=branch.languages[0],
        call=CallState(),
        traceparent=str(Trace.new()),
        started_at=now,
    )


def _desk(listed: Listed, row: CallRow, *, can_order: bool, now: datetime) -> Desk:
    branch = listed.file.branch
    contacts = ring_order(listed.file.contacts, now, language=row.language)
    return Desk(
        branch_phone=branch.phone,
        caller=row.pii_caller,
        is_open=branch.is_open(now),
        can_order=can_order,
        contacts=tuple(DialTarget(contact.id, contact.phone) for contact in contacts),
        outcome=row.outcome,
    )


async def _store(conn: Connection, before: CallRow | None, after: CallRow) -> bool:
    """Write what changed. False when the call was inserted by another request since it was looked for."""
    if before is not None:
        if after != before:
            await update_call(conn, after)
        return True
    return after.call.phase is Phase.NEW or await insert_call(conn, after)
