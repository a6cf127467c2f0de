"""Ringing a customer back: what may be promised, whom to ring first, when to try again, when to stop.

    promise(now, ...) -> Promise | None          next_contact(contacts, ...) -> Contact | None
    after_attempt(standing, ...) -> Standing

A person of the branch is rung first and hears why; then the customer is. All contacts on duty are rung once in a
round, one after the other; then there is a pause. A customer who was lost with an open cart is rung once only, and
talks with the agent.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from agiza.domain.handoff import choose_contact
from agiza.domain.menu_model import Contact, Escalation

SOON = timedelta(seconds=2)
"""Between two contacts of one round, and before the first: a line that was just ended may ring again."""
WAIT_MAX = timedelta(hours=24)
"""A call back that nobody can make within this time is not promised."""
ON_DUTY_GRACE = timedelta(minutes=5)
"""Who comes on duty does not have the phone in hand in the same minute."""


class CallbackState(StrEnum):
    """How far a promised call is. `FAILED` is still open: a person has to see to it."""

    WAITING = "waiting"
    CALLING = "calling"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


class AttemptEnd(StrEnum):
    """How one attempt ended."""

    CONNECTED = "connected"
    UNANSWERED = "unanswered"
    """The person of the branch did not pick up, or could not be rung."""
    MISSED = "missed"
    """The person did, and the customer did not."""
    NOT_PLACED = "not_placed"
    """No phone rang: the carrier was away, or the wallet is empty. Counts for nothing."""


@dataclass(frozen=True, slots=True)
class Promise:
    """When the customer will have been rung. `is_soon`: within the branch's minutes, not at the next opening."""

    promised_at: datetime
    by: datetime
    first_attempt_at: datetime
    is_soon: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of a promised call. `tried` are the contacts that were rung in this round."""

    state: CallbackState
    rounds: int
    tried: tuple[str, ...]
    next_attempt_at: datetime | None


def promise(
    escalation: Escalation, contacts: Iterable[Contact], now: datetime, *, language: str, branch_phone: str
) -> Promise | None:
    """What may honestly be promised now; None when the branch does not call back, or nobody could do it in time."""
    if escalation.callback_minutes <= 0:
        return None
    people = tuple(contacts)
    within = timedelta(minutes=escalation.callback_minutes)
    if choose_contact(people, now, language=language, caller=None, branch_phone=branch_phone) is not None:
        return Promise(now, now + within, now + SOON, is_soon=True)
    openings = [opening for contact in people if (opening := contact.hours.next_opening(now)) is not None]
    first = min(openings, default=None)
    if first is None or first - now > WAIT_MAX:
        return None
    return Promise(now, first + max(within, ON_DUTY_GRACE), first + SOON, is_soon=False)


def next_contact(
    contacts: Iterable[Contact],
    now: datetime,
    *,
    language: str,
    customer: str,
    branch_phone: str,
    tried: Collection[str],
) -> Contact | None:
    """Who is rung next in this round; None when all on duty have been."""
    return choose_contact(contacts, now, language=language, caller=customer, branch_phone=branch_phone, tried=tried)


def begun(standing: Standing, contact_id: str | None) -> Standing:
    """An attempt begins: nothing else is due until it has ended."""
    tried = standing.tried if contact_id is None else tuple(dict.fromkeys((*standing.tried, contact_id)))
    return replace(standing, state=CallbackState.CALLING, tried=tried, next_attempt_at=None)


def after_attempt(
    standing: Standing, end: AttemptEnd, escalation: Escalation, now: datetime, *, others_left: bool
) -> Standing:
    """The standing after an attempt with a person. `others_left`: somebody on duty was not rung in this round yet."""
    if standing.state in (CallbackState.CONNECTED, CallbackState.CLOSED):
        return standing
    match end:
        case AttemptEnd.CONNECTED:
            return replace(standing, state=CallbackState.CONNECTED, next_attempt_at=None)
        case AttemptEnd.NOT_PLACED:
            last = standing.tried[:-1]
            return replace(standing, state=CallbackState.WAITING, tried=last, next_attempt_at=now + pause(escalation))
        case AttemptEnd.UNANSWERED if others_left:
            return replace(standing, state=CallbackState.WAITING, next_attempt_at=now + SOON)
        case AttemptEnd.UNANSWERED | AttemptEnd.MISSED:
            return round_over(standing, escalation, now)


def round_over(standing: Standing, escalation: Escalation, now: datetime) -> Standing:
    """Everybody was rung, or the customer did not pick up: a pause, or the end of trying."""
    rounds = standing.rounds + 1
    if rounds >= escalation.callback_attempts:
        return replace(standing, state=CallbackState.FAILED, rounds=rounds, tried=(), next_attempt_at=None)
    return replace(
        standing, state=CallbackState.WAITING, rounds=rounds, tried=(), next_attempt_at=now + pause(escalation)
    )


def pause(escalation: Escalation) -> timedelta:
    """Between two rounds: so that all of them lie within what was promised."""
    return timedelta(minutes=escalation.callback_minutes) / max(1, escalation.callback_attempts)
