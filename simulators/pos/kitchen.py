"""What a message means for an order: whether a slip is printed, and what the kitchen says. Pure.

    change = change_by(known, message, accept_minutes=20)

Two rules keep the kitchen right whatever order the messages come in:

- *The state of an order is that of its highest number.* An older message never moves it back.
- *A ticket is printed as soon as its lines are known, if the order is still wanted then.* So a ticket that comes after
  the cancellation that overtook it is never cooked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from .messages import PLACED, STATES, Message

Slip = Literal["ticket", "stop"]
Word = Mapping[str, Any]

TO_COOK: Final = frozenset({"placed", "received", "accepted", "preparing"})
BEFORE_READY: Final = frozenset({"placed", "received", "accepted", "preparing", "cancel_requested"})


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """An order as far as the messages told. ``applied`` is the highest number that spoke of it; ``said`` the last word
    that this kitchen said; ``ticket`` None: its lines are not known yet."""

    order_id: str
    branch: str
    number: int
    state: str
    applied: int
    ticket: Mapping[str, Any] | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The order as it is now, and what follows."""

    order: KnownOrder
    slips: tuple[Slip, ...] = ()
    words: tuple[Word, ...] = ()


def change_by(known: KnownOrder | None, message: Message, *, accept_minutes: int, is_older: bool) -> Change | None:
    """What follows from a message that was not applied before; None: it is not about an order.

    ``is_older`` says that a later message about this order was applied already.
    """
    state = STATES.get(message.type)
    order_id, number = message.content.get("order_id"), message.content.get("order_number", 0)
    if state is None or not isinstance(order_id, str) or not isinstance(number, int):
        return None
    before = known or KnownOrder(order_id, message.branch, number, state, 0)
    order = before if is_older else replace(before, state=state, applied=message.sequence or before.applied)
    if message.type == PLACED:
        return _placed(replace(order, ticket=message.content), is_new=before.ticket is None, minutes=accept_minutes)
    if is_older:
        return Change(order)
    if state == "cancel_requested":
        return _wish_to_cancel(order)
    if state == "cancelled" and order.ticket is not None and before.state in BEFORE_READY and order.said != "cancelled":
        return Change(order, slips=("stop",))
    return Change(order)


def is_older(known: KnownOrder | None, message: Message) -> bool:
    """Whether something later about the same order was applied already."""
    return known is not None and message.sequence is not None and message.sequence < known.applied


def _placed(order: KnownOrder, *, is_new: bool, minutes: int) -> Change:
    if not is_new or order.state not in TO_COOK:
        return Change(order)
    words: tuple[Word, ...] = ()
    if order.state == "placed":
        words = ({"state": "received"}, {"state": "accepted", "eta_minutes": minutes})
    elif order.state == "received":  # another device of the branch said so
        words = ({"state": "accepted", "eta_minutes": minutes},)
    return Change(order, slips=("ticket",), words=words)


def _wish_to_cancel(order: KnownOrder) -> Change:
    """The caller takes it back: yes, unless the food is there."""
    if order.said in {"ready", "completed"}:
        return Change(order, words=({"state": "ready"},))
    slips: tuple[Slip, ...] = ("stop",) if order.ticket is not None else ()
    return Change(order, slips=slips, words=({"state": "cancelled"},))
