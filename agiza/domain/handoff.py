"""Moving a caller to a person: which person, and how far it has come.

    choose_contact(contacts, now, ...) -> Contact | None        may_dial(phone, ...) -> bool
    advance(state, step) -> HandoffState

Only numbers of a branch's own contacts are ever rung, and of those only ordinary numbers of the branch's country
that are neither the caller's own nor the branch's: nothing that the caller or the model says can add one.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from agiza.domain.menu_model import Contact
from agiza.domain.phone import is_domestic


class HandoffState(StrEnum):
    """How far a hand-off has come. `CONNECTED`, `FAILED` and `CLOSED` stand after the call has ended."""

    REQUESTED = "requested"
    LEAVING = "leaving"
    DIAL_SERVED = "dial_served"
    CONNECTED = "connected"
    FAILED = "failed"
    CALLBACK = "callback"
    CLOSED = "closed"


class HandoffStep(StrEnum):
    """What happened to a hand-off."""

    LEAVE_ORDERED = "leave_ordered"
    DIAL_SERVED = "dial_served"
    DIAL_CONNECTED = "dial_connected"
    DIAL_FAILED = "dial_failed"
    CALLBACK_PROMISED = "callback_promised"
    CALL_ENDED = "call_ended"
    SETTLED = "settled"


_S, _T = HandoffState, HandoffStep

TRANSITIONS: Mapping[tuple[HandoffState, HandoffStep], HandoffState] = MappingProxyType(
    {
        (_S.REQUESTED, _T.LEAVE_ORDERED): _S.LEAVING,
        # The bridge leaves by itself and the carrier may ask before we ordered anything; events may also overtake
        # each other, so every later step is accepted from every earlier state.
        (_S.REQUESTED, _T.DIAL_SERVED): _S.DIAL_SERVED,
        (_S.REQUESTED, _T.DIAL_CONNECTED): _S.CONNECTED,
        (_S.REQUESTED, _T.DIAL_FAILED): _S.FAILED,
        (_S.REQUESTED, _T.CALLBACK_PROMISED): _S.CALLBACK,
        (_S.REQUESTED, _T.CALL_ENDED): _S.CLOSED,
        (_S.LEAVING, _T.DIAL_SERVED): _S.DIAL_SERVED,
        (_S.LEAVING, _T.DIAL_CONNECTED): _S.CONNECTED,
        (_S.LEAVING, _T.DIAL_FAILED): _S.FAILED,
        (_S.LEAVING, _T.CALLBACK_PROMISED): _S.CALLBACK,
        (_S.LEAVING, _T.CALL_ENDED): _S.CLOSED,
        (_S.DIAL_SERVED, _T.DIAL_CONNECTED): _S.CONNECTED,
        (_S.DIAL_SERVED, _T.DIAL_FAILED): _S.FAILED,
        (_S.DIAL_SERVED, _T.CALLBACK_PROMISED): _S.CALLBACK,
        (_S.DIAL_SERVED, _T.CALL_ENDED): _S.CLOSED,
        # The next person of the chain may be rung after one did not answer.
        (_S.FAILED, _T.DIAL_SERVED): _S.DIAL_SERVED,
        (_S.FAILED, _T.DIAL_CONNECTED): _S.CONNECTED,
        (_S.FAILED, _T.CALLBACK_PROMISED): _S.CALLBACK,
        (_S.FAILED, _T.SETTLED): _S.CLOSED,
        # Somebody who was rung meanwhile may still pick up, and a person may settle it before.
        (_S.REQUESTED, _T.SETTLED): _S.CLOSED,
        (_S.CALLBACK, _T.DIAL_CONNECTED): _S.CONNECTED,
        (_S.CLOSED, _T.CALLBACK_PROMISED): _S.CALLBACK,
        (_S.CALLBACK, _T.SETTLED): _S.CLOSED,
        (_S.CONNECTED, _T.SETTLED): _S.CLOSED,
        # A report of the connection that comes after the end of the call is still the truth about it.
        (_S.CLOSED, _T.DIAL_CONNECTED): _S.CONNECTED,
        (_S.CLOSED, _T.DIAL_FAILED): _S.FAILED,
    }
)

PENDING = frozenset({HandoffState.REQUESTED, HandoffState.LEAVING, HandoffState.DIAL_SERVED})
"""States in which the caller still waits for the person."""


def advance(state: HandoffState, step: HandoffStep) -> HandoffState:
    """The state after `step`. A step that says nothing new (repeated, or overtaken) leaves the state as it is."""
    return TRANSITIONS.get((state, step), state)


def may_dial(phone: str, *, caller: str | None, branch_phone: str) -> bool:
    """Whether this contact's number may be rung for this caller."""
    return is_domestic(phone, branch_phone) and phone not in (caller, branch_phone)


def choose_contact(
    contacts: Iterable[Contact],
    now: datetime,
    *,
    language: str,
    caller: str | None,
    branch_phone: str,
    tried: Collection[str] = (),
) -> Contact | None:
    """The person to ring: on duty at `now`, speaking the caller's language where one does, smallest order first.

    None when nobody who may be rung is on duty. `tried` are the ids of contacts that were rung already.
    """
    on_duty = [
        contact
        for contact in contacts
        if contact.id not in tried
        and contact.hours.is_open(now)
        and may_dial(contact.phone, caller=caller, branch_phone=branch_phone)
    ]
    return min(
        on_duty, key=lambda contact: (language not in contact.languages, contact.order, contact.id), default=None
    )


def ring_order(contacts: Iterable[Contact], now: datetime, *, language: str) -> tuple[Contact, ...]:
    """All contacts, the likeliest to answer first: for a caller who must reach somebody, on duty or not."""
    return tuple(
        sorted(
            contacts,
            key=lambda contact: (
                not contact.hours.is_open(now),
                language not in contact.languages,
                contact.order,
                contact.id,
            ),
        )
    )
