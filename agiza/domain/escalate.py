"""What is answered to the agent who asks for a person, and what is begun.

plan(asking) -> Plan
"""

from dataclasses import dataclass
from typing import TypeAlias

from agiza.domain.callback import Promise
from agiza.domain.menu_model import Contact, Strategy

CALLBACK_REASON = "callback"
"""The caller wants to be rung back instead of waiting for somebody."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A request for a person and what can be had. `promise`: what may be promised, if calls can be placed at all.

    `can_place`: calls of our own can be placed now. `is_number_known`: the customer has a number that may be rung.
    """

    reason: str
    strategy: Strategy
    contact: Contact | None
    can_place: bool
    is_number_known: bool
    promise: Promise | None


@dataclass(frozen=True, slots=True)
class DialAfterLeaving:
    """The agent says so and leaves; the carrier then dials the contact."""

    contact: Contact


@dataclass(frozen=True, slots=True)
class RingFirst:
    """The contact is rung by a call of our own while the agent goes on talking."""

    contact: Contact


@dataclass(frozen=True, slots=True)
class PromiseCallback:
    """The customer will be rung back."""

    promise: Promise


@dataclass(frozen=True, slots=True)
class NobodyCanCome:
    """Nobody is on duty. With a promise, a call back is offered; for a withheld number after asking for one."""

    promise: Promise | None
    needs_number: bool = False


Plan: TypeAlias = DialAfterLeaving | RingFirst | PromiseCallback | NobodyCanCome


def plan(asking: Asking) -> Plan:
    """The branch's strategy where somebody is on duty, else an offer to ring back."""
    promise = asking.promise if asking.can_place else None
    if asking.reason == CALLBACK_REASON and promise is not None:
        if asking.is_number_known:
            return PromiseCallback(promise)
        return NobodyCanCome(promise, needs_number=True)
    if asking.contact is None:
        return NobodyCanCome(promise, needs_number=promise is not None and not asking.is_number_known)
    if asking.strategy == "answer_first" and asking.can_place:
        return RingFirst(asking.contact)
    return DialAfterLeaving(asking.contact)
