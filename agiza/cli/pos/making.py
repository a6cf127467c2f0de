"""Events for a certification run: real ones by the contract, with made-up orders of a made-up branch.

    maker = EventMaker("certify-1a2b3c", first=1, now=clock.now)
    ticket = maker.placed()

Each has its own ids and the next number, and the same bytes that the feed would send.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from agiza.contracts import streams
from agiza.contracts.envelope import Stamp, to_envelope
from agiza.contracts.events import Event, OrderCancelRequested, OrderPlaced, TicketLine, TicketOption
from agiza.contracts.feed_digest import NOTHING, chain
from agiza.domain.menu_model import Limits
from agiza.runtime.outbox import with_sequence
from agiza.runtime.traces import Trace
from services.orders.feed.reading import FeedItem, body_of

SOURCE: Final = "/agiza/certification"
LARGE_LINES: Final = Limits(line_quantity_max=1, order_total_max_minor=1).lines_max
"""As many as a branch allows that does not say otherwise."""
PRICE: Final = 25_000
_LARGE_OPTIONS: Final = 8


class OrderGarnished(Event):
    """What no build sends: the event of a day to come."""

    type: ClassVar = "agiza.order.garnished"
    version: ClassVar = 1

    order_id: str
    order_number: int
    at: str
    with_what: str

    def stream(self) -> str:
        return streams.orders_stream(self.branch_id)


class Ping(Event):
    """A delivery that only asks whether the endpoint is there. Not numbered, not in the feed."""

    type: ClassVar = "agiza.ping"
    version: ClassVar = 1

    def stream(self) -> str:
        return streams.orders_stream(self.branch_id)


@dataclass(frozen=True, slots=True)
class Made:
    """An event as it is sent. ``order_id`` None: it is about no order."""

    item: FeedItem
    order_id: str | None
    order_number: int = 0


class EventMaker:
    """Numbers events one after the other. :attr:`feed` is what a feed would hold by now."""

    def __init__(self, branch_id: str, first: int, now: Callable[[], datetime]) -> None:
        self.branch_id = branch_id
        self.first = first
        self.feed: list[FeedItem] = []
        self._now = now
        self._orders = 0

    def placed(self, *, extra: bool = False, large: bool = False, name: str | None = None) -> Made:
        """A new order. ``extra``: with members that nobody knows yet; ``large``: as many lines as a branch allows."""
        order_id, number, event = self._new_order(large=large, name=name)
        return self._numbered(event, order_id, number, extra=extra)

    def cancel_requested(self, order: Made) -> Made:
        """The caller takes the order back."""
        assert order.order_id is not None
        event = OrderCancelRequested(branch_id=self.branch_id, order_id=order.order_id, order_number=order.order_number)
        return self._numbered(event, order.order_id, order.order_number)

    def unknown(self, order: Made) -> Made:
        """An event of a type that nobody knows, about an order that is known."""
        assert order.order_id is not None
        event = OrderGarnished(
            branch_id=self.branch_id,
            order_id=order.order_id,
            order_number=order.order_number,
            at=self._now().isoformat(),
            with_what="parsley",
        )
        return self._numbered(event, order.order_id, order.order_number)

    def ping(self) -> Made:
        """A test ping."""
        envelope = self._envelope(Ping(branch_id=self.branch_id))
        envelope["timestamp"] = envelope["time"]
        return Made(FeedItem(0, envelope["id"], Ping.type, body_of(envelope)), None)

    def digest(self) -> str:
        """The feed's digest over all of it."""
        return chain(NOTHING, (item.body for item in self.feed)).hex()

    def forged(self) -> Made:
        """An order that the feed does not have, under a number that belongs to another event: never to be believed."""
        order_id, number, event = self._new_order()
        envelope = with_sequence(self._envelope(event), self.first)
        return Made(FeedItem(self.first, envelope["id"], event.type, body_of(envelope)), order_id, number)

    def _new_order(self, *, large: bool = False, name: str | None = None) -> tuple[str, int, OrderPlaced]:
        self._orders += 1
        order_id = f"order-{uuid.uuid4().hex[:12]}"
        lines = tuple(_large_line(n) for n in range(LARGE_LINES)) if large else (_line(),)
        total = sum(line.total_minor for line in lines)
        event = OrderPlaced(
            branch_id=self.branch_id,
            order_id=order_id,
            order_number=self._orders,
            menu_version=1,
            placed_at=self._now().isoformat(),
            fulfilment="pickup",
            lines=lines,
            currency="KES",
            items_minor=total,
            tax_minor=0,
            total_minor=total,
            pii_customer_name=name,
        )
        return order_id, self._orders, event

    def _envelope(self, event: Event) -> dict[str, Any]:
        stamp = Stamp(str(uuid.uuid4()), SOURCE, self._now(), str(Trace.new()))
        return to_envelope(event, stamp)

    def _numbered(self, event: Event, order_id: str, order_number: int, *, extra: bool = False) -> Made:
        sequence = self.first + len(self.feed)
        envelope = with_sequence(self._envelope(event), sequence)
        if extra:
            envelope |= {"comingattribute": "of a later version"}
            envelope["data"] = envelope["data"] | {"loyalty": {"points": 12, "tier": None}, "tags": ["coming", "soon"]}
        item = FeedItem(sequence, envelope["id"], event.type, body_of(envelope))
        self.feed.append(item)
        return Made(item, order_id, order_number)


def content_of(item: FeedItem) -> dict[str, Any]:
    """The event as the feed's pages show it."""
    content: dict[str, Any] = json.loads(item.body)
    return content


def _line() -> TicketLine:
    return TicketLine(
        item="fries",
        name="Fries",
        kitchen="FRIES",
        quantity=1,
        printed=("1 FRIES",),
        unit_minor=PRICE,
        total_minor=PRICE,
    )


def _large_line(number: int) -> TicketLine:
    options = tuple(
        TicketOption(id=f"extra-{n}", name=f"Extra number {n}", group="extras", quantity=2, price_minor=5_000)
        for n in range(_LARGE_OPTIONS)
    )
    return TicketLine(
        item=f"dish-{number}",
        name=f"Dish number {number}",
        kitchen=f"DISH {number}",
        quantity=3,
        options=options,
        printed=(f"3 DISH {number}", *(f"  2 EXTRA NUMBER {n}" for n in range(_LARGE_OPTIONS))),
        unit_minor=105_000,
        total_minor=315_000,
    )
