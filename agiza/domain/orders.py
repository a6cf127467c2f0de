"""The states of a placed order and the moves between them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from agiza.domain.ids import OrderId


class OrderState(StrEnum):
    """Where an order is. `CANCEL_REQUESTED` waits for the kitchen; three states are final."""

    PLACED = "placed"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PREPARING = "preparing"
    READY = "ready"
    COMPLETED = "completed"
    CANCEL_REQUESTED = "cancel_requested"
    CANCELLED = "cancelled"


_S = OrderState
TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.PLACED: frozenset({_S.RECEIVED, _S.CANCEL_REQUESTED}),
    _S.RECEIVED: frozenset({_S.ACCEPTED, _S.REJECTED, _S.CANCEL_REQUESTED, _S.CANCELLED}),
    _S.ACCEPTED: frozenset({_S.PREPARING, _S.CANCEL_REQUESTED, _S.CANCELLED}),
    _S.PREPARING: frozenset({_S.READY, _S.CANCEL_REQUESTED, _S.CANCELLED}),
    # ready goes back to preparing when the kitchen recalls it
    _S.READY: frozenset({_S.COMPLETED, _S.PREPARING}),
    # the caller's wish came too late when the food is there: the kitchen knows, and says so with `ready`
    _S.CANCEL_REQUESTED: frozenset({_S.CANCELLED, _S.READY}),
    _S.REJECTED: frozenset(),
    _S.COMPLETED: frozenset(),
    _S.CANCELLED: frozenset(),
}

POS_STATES: tuple[OrderState, ...] = (
    _S.RECEIVED, _S.ACCEPTED, _S.REJECTED, _S.PREPARING, _S.READY, _S.COMPLETED, _S.CANCELLED,
)  # fmt: skip
"""The words of a POS. `placed` and `cancel_requested` are said by the caller's side only."""

_WORD = re.compile(r"(?=.{1,40}$)[A-Za-z]+(?:[_-][A-Za-z]+)*")

TIMED_STATES = frozenset({_S.ACCEPTED, _S.PREPARING})
"""States in which a POS may tell the time again."""


def unknown_word(said: str) -> str:
    """A POS's word that is none of `POS_STATES`, as it may be recorded: one word of up to 40 letters. Anything else
    could be somebody's name, number or address, and is recorded as being no word."""
    return said if _WORD.fullmatch(said) else "(no word)"


def can_move(current: OrderState, following: OrderState) -> bool:
    """Whether the move is one step of the table. Staying is not a move; callers treat it as a repeated message."""
    return following in TRANSITIONS[current]


def steps(current: OrderState, told: OrderState) -> tuple[OrderState, ...]:
    """The states through which an order goes when a POS says `told`; empty when it may not say so now.

    Whoever says a word about an order that was only placed has received it: that step comes first, unsaid.
    """
    if can_move(current, told):
        return (told,)
    if current is _S.PLACED and can_move(_S.RECEIVED, told):
        return (_S.RECEIVED, told)
    return ()


def allowed(current: OrderState) -> tuple[OrderState, ...]:
    """What a POS may say next."""
    return tuple(state for state in POS_STATES if steps(current, state))


def is_final(state: OrderState) -> bool:
    return not TRANSITIONS[state]


def may_cancel(state: OrderState) -> bool:
    """Whether the caller may still take the order back: in every state before `ready`."""
    return can_move(state, OrderState.CANCEL_REQUESTED)


def may_cancel_from_afar(state: OrderState) -> bool:
    """Whether another call from the same number may take the order back: until the kitchen has accepted it. A number
    can be forged, and from then on somebody's food is being made."""
    return state in (OrderState.PLACED, OrderState.RECEIVED)


@dataclass(frozen=True, slots=True)
class OrderView:
    """A placed order of this caller, as the orders service knows it now. `eta_minutes` counts from now. `is_earlier`:
    it was placed in another call, of which only the number is known to be the same."""

    id: OrderId
    number: int
    state: OrderState
    total_minor: int
    currency: str
    eta_minutes: int | None = None
    reason: str | None = None
    is_earlier: bool = False


def minutes_left(eta_minutes: int | None, since: datetime, now: datetime) -> int | None:
    """What is left of a promise of `eta_minutes` made at `since`, begun minutes counted whole; None when nothing was
    promised, or when its time is over: then no time is better than a wrong one."""
    if eta_minutes is None:
        return None
    left = since + timedelta(minutes=eta_minutes) - now
    return -(-left // timedelta(minutes=1)) if left > timedelta(0) else None
