"""A call's row after a decision: its token, its counts, its outcome, and the events that wait to be told."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from agiza.carrier.tokens import MediaTokenPayload, mint_media_token
from agiza.carrier.urls import Urls
from agiza.domain.call_answers import Decision, DialServed, OfferStream
from agiza.domain.call_state import Callback, CallState, Phase
from agiza.domain.call_step import OFFER_SECONDS
from agiza.domain.cost import CarrierPrices
from services.webhook.announcer import Announcer
from services.webhook.store import CallRow, with_unsent
from services.webhook.tolls import new_tolls


def is_progress(before: CallState, after: CallState) -> bool:
    """Whether the call went further. A call that nobody had heard of has nothing that could be repeated."""
    return before.phase is not Phase.NEW and _standing(before) != _standing(after)


def _standing(call: CallState) -> tuple[object, ...]:
    return call.phase, call.epoch, call.farewell, call.picked_up, call.dial.attempt if call.dial else 0


class Ledger:
    """Writes decisions into rows. Nothing here is stored yet."""

    def __init__(self, urls: Urls, announcer: Announcer, prices: CarrierPrices | None = None) -> None:
        self._urls = urls
        self._announcer = announcer
        self._prices = prices

    def after(self, row: CallRow, callback: Callback, decision: Decision, now: datetime) -> CallRow:
        """The row as it stands after the decision on this request."""
        tolls = new_tolls(row, callback, decision, self._prices, now)
        after = replace(row, call=decision.call, tolls=(*row.tolls, *tolls))
        if decision.call.epoch > row.call.epoch:  # a new leg: its own token, and its own report to come
            after = replace(after, media_token=None, outcome=None, end_reason=None)
        if any(isinstance(event, DialServed) for event in decision.events):
            after = replace(after, dials=row.dials + 1, dialled_at=now)
        if isinstance(decision.answer, OfferStream) and after.media_token is None:
            expires_at = now + timedelta(seconds=OFFER_SECONDS)
            after = replace(after, media_token=self._mint(after, expires_at), token_expires_at=expires_at)
        if decision.call.phase is Phase.ENDED and row.call.phase is not Phase.ENDED:
            after = _ended(replace(after, ended_at=now))
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


def _ended(row: CallRow) -> CallRow:
    """With an outcome, where no bridge will report one: no Stream was offered, and the call was not placed by us."""
    if row.outcome is not None or row.call.offered_at is not None or row.outbound_id is not None:
        return row
    reason = row.call.farewell.value if row.call.farewell else "no_agent"
    return replace(row, outcome="handoff" if row.call.dial else "no_order", end_reason=reason)
