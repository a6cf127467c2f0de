"""What was seen in a run, and how it is judged. Pure.

Each fault is held against an endpoint once, in the check that is about it: a slow answer is an answer, a redirect is an
answer, and a second word for the same order is counted where duplicates are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from agiza.cli.pos.feed_api import Pulled, Said
from agiza.cli.pos.sending import Delivery

Outcome = Literal["pass", "warn", "fail", "not observable"]

ACCEPTING: Final = frozenset({"received", "accepted", "rejected"})
"""Words by which an endpoint shows that it has an order."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a check came out; ``seen`` is one sentence, ``do`` what makes it observable where it was not."""

    outcome: Outcome
    seen: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was seen. ``has_api``: the endpoint was given an API to speak to."""

    deliveries: Sequence[Delivery]
    said: Sequence[Said]
    pulled: Sequence[Pulled]
    has_api: bool
    refused_keys: int = 0
    flaky: Collection[str] = frozenset()
    notes: dict[str, str | bool | int | None] = field(default_factory=dict)

    def of(self, check: str) -> list[Delivery]:
        """The deliveries of a check."""
        return [delivery for delivery in self.deliveries if delivery.check == check]

    def words(self, order_id: str | None) -> list[Said]:
        """The words about an order."""
        return [said for said in self.said if said.order_id == order_id]

    @property
    def speaks(self) -> bool:
        """Whether the endpoint says anything at all: without that, effects cannot be seen."""
        return self.has_api and bool(self.said)


NO_API: Final = Verdict(
    "not observable", "point the endpoint's API address at --api-listen, so that what it does can be seen"
)
SILENT: Final = Verdict("not observable", "the endpoint said nothing of any order, so what it did cannot be seen")


def unseen(evidence: Evidence) -> Verdict | None:
    """Why effects cannot be judged; None when they can."""
    if not evidence.has_api:
        return NO_API
    return None if evidence.said else SILENT


def delivery_fault(evidence: Evidence, check: str) -> str | None:
    """The first delivery of the check that was not answered as it must be."""
    for delivery in evidence.of(check):
        what = f"{delivery.made.item.type}, {delivery.way}:"
        if delivery.status is None:
            return f"{what} no answer ({delivery.error})"
        if delivery.wanted == "taken" and not delivery.is_taken:
            return f"{what} answered {delivery.status}"
        if delivery.wanted == "refused" and delivery.is_taken:
            return f"{what} answered {delivery.status}, as if it were genuine"
    return None


def effect_fault(evidence: Evidence, check: str) -> str | None:
    """An order of the check without its effect, or with one that must not be; None also where nothing can be seen."""
    if not evidence.speaks:
        return None
    for delivery in evidence.of(check):
        words = evidence.words(delivery.made.order_id)
        if delivery.wanted == "refused" and words:
            return f"{delivery.way}: the endpoint said {words[0].state!r} of an order that it must not believe"
        is_ticket = delivery.made.order_id is not None and delivery.made.item.type == "agiza.order.placed"
        if delivery.wanted == "taken" and is_ticket and not ACCEPTING & {said.state for said in words}:
            return f"{delivery.way}: no word came about order {delivery.made.order_number}"
    return None


def plain(evidence: Evidence, check: str) -> Verdict:
    """The usual judgement: answered as it must be, and with the effect that it must have."""
    fault = delivery_fault(evidence, check) or effect_fault(evidence, check)
    if fault is not None:
        return Verdict("fail", fault)
    statuses = sorted({str(delivery.status) for delivery in evidence.of(check)})
    seen = f"answered {', '.join(statuses)}"
    has_orders = any(delivery.made.order_id for delivery in evidence.of(check))
    if has_orders and not evidence.speaks:
        seen += "; its effect was not observable"
    return Verdict("pass", seen)
