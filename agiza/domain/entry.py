"""What goes over the desk: an entry of function calls, what is held about its cart, and what comes of it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from agiza.domain.cart import Cart, CartEvent, OrderCancelRequested, OrderPlaced
from agiza.domain.context import ReadBack
from agiza.domain.ids import BranchId, CallId, OrderId
from agiza.domain.inbox import InboxRow, Response, StoredResult
from agiza.domain.menu_model import Branch, Menu
from agiza.domain.orders import OrderView
from agiza.domain.placed import PlacedOrder

How = Literal["applied", "repeated", "cancelled", "id_reused", "older_leg", "call_over", "expired", "stale_cart"]
"""Which guard gave the answer; `applied` is what the rules said. `stale_cart` is one of the rules, told apart."""

KEPT: frozenset[How] = frozenset({"applied", "call_over", "expired", "stale_cart"})
"""Answers that stand in the inbox from then on. The others come of a row that is there, or of a leg that is over."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One function call of the model. Nothing in it can be trusted."""

    id: str
    name: str
    args: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Entry:
    """The function calls of one message of the model. `asked_ms` and `deadline_ms` are Unix time: when the message was
    sent first, however often and late it comes, and after when nothing may be changed. `cart_version_told` is the cart
    that the message was based on (None: not judged)."""

    call_id: CallId
    branch_id: BranchId
    leg_epoch: int
    calls: tuple[ToolCall, ...]
    asked_ms: int
    deadline_ms: int
    cart_version_told: int | None = None
    read_back: ReadBack | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Held:
    """What the transaction has read under the cart's lock. `results` has the inbox rows of the entry's ids, as far as
    there are any; `orders` what was placed from this cart, oldest first. `ended_at`: when the carrier said that the
    call of the entry was over, None while it is not known to be."""

    menu: Menu
    branch: Branch
    cart: Cart
    leg_epoch: int = 0
    results: Mapping[str, StoredResult] = field(default_factory=dict)
    orders: tuple[OrderView, ...] = ()
    sold_out: frozenset[str] = frozenset()
    caller_number: str | None = None
    is_known_caller: bool = True
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one function call, as the model will see it."""

    id: str
    name: str
    response: Response
    how: How


@dataclass(frozen=True, slots=True)
class CartChange:
    """One event of the cart's history and the function call that caused it."""

    tool_call_id: str
    event: CartEvent


@dataclass(frozen=True, slots=True)
class FeedNews:
    """What the branch's feed is told. `id` derives from what happened, so the same thing cannot be told twice."""

    id: str
    event: OrderPlaced | OrderCancelRequested


@dataclass(frozen=True, slots=True)
class Settled:
    """What comes of an entry. All of it is written in one transaction, or nothing is."""

    answers: tuple[Answer, ...]
    cart: Cart
    leg_epoch: int
    changes: tuple[CartChange, ...]
    inbox: tuple[InboxRow, ...]
    is_fence_raised: bool
    """Whether this leg is newer than all that have spoken for the cart before."""

    @property
    def changes_nothing(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.inbox or self.changes or self.is_fence_raised)

    @property
    def placed(self) -> tuple[PlacedOrder, ...]:
        """Orders to insert, with their numbers in this order."""
        return tuple(change.event.order for change in self.changes if isinstance(change.event, OrderPlaced))

    @property
    def cancels(self) -> tuple[OrderId, ...]:
        """Orders that the kitchen is asked to drop."""
        events = (change.event for change in self.changes)
        return tuple(event.order_id for event in events if isinstance(event, OrderCancelRequested))

    @property
    def feed(self) -> tuple[FeedNews, ...]:
        """News for the outbox, in order."""
        news = []
        for change in self.changes:
            match change.event:
                case OrderPlaced(order) as event:
                    news.append(FeedNews(derived_id(order.id, "placed"), event))
                case OrderCancelRequested(order_id) as event:
                    news.append(FeedNews(derived_id(order_id, "cancel", change.tool_call_id), event))
        return tuple(news)


def derived_id(*parts: str) -> str:
    """An id that is the same whenever and wherever it is made of the same parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(parts)))
