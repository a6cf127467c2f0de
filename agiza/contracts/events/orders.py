"""Carts and orders: what screens and kitchens are told."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from agiza.contracts import streams
from agiza.contracts.events.event import CallIdField, Event, Part


class CartChanged(Event):
    """The cart of a live call changed. For screens; provisional and not numbered."""

    type: ClassVar = "agiza.cart.changed"
    version: ClassVar = 1

    cart_id: str
    cart_version: int = Field(ge=0)
    cart: dict[str, Any]

    def stream(self) -> str:
        return streams.carts_channel(self.branch_id)


class TicketOption(Part):
    """An option of a ticket line, defaults included; ``chosen`` is False for a default that nobody touched.

    ``quantity`` is per unit of the line; ``price_minor`` is for one. ``kitchen`` is printed instead of the name where
    there is one; ``under`` are the ids of the options within which it was chosen, outermost first.
    """

    id: str
    name: str
    group: str
    quantity: int = Field(ge=1)
    price_minor: int = 0
    chosen: bool = True
    kitchen: str | None = None
    under: tuple[str, ...] = ()


class TicketPart(Part):
    """The item that an option of a combo brings, with that item's own options, as the kitchen makes it.

    Its options are free in the combo's price; ``extra_minor`` is what their choice adds to it, for one part.
    """

    item: str
    name: str
    kitchen: str
    quantity: int = Field(ge=1)
    options: tuple[TicketOption, ...] = ()
    extra_minor: int = 0


class TicketTax(Part):
    """One tax of an order. ``included`` says that prices contained it; ``rate_bp`` is in hundredths of a per cent."""

    id: str
    name: str
    rate_bp: int
    included: bool
    amount_minor: int


class TicketLine(Part):
    """One line of an order. ``unit_minor`` includes the options and what the parts' configuration adds; ``kitchen`` is
    the kitchen's wording, and ``printed`` is the line as the kitchen prints it: its head, then what was chosen."""

    item: str
    name: str
    kitchen: str
    quantity: int = Field(ge=1)
    options: tuple[TicketOption, ...] = ()
    parts: tuple[TicketPart, ...] = ()
    printed: tuple[str, ...] = ()
    unit_minor: int
    total_minor: int


class OrderPlaced(Event):
    """A confirmed order: the kitchen's ticket. Amounts are minor units of ``currency``."""

    type: ClassVar = "agiza.order.placed"
    version: ClassVar = 1

    order_id: str
    order_number: int = Field(ge=1)
    menu_version: int = Field(ge=1)
    placed_at: str
    fulfilment: Literal["pickup", "delivery", "dine-in"]
    lines: tuple[TicketLine, ...] = Field(min_length=1)
    currency: str
    items_minor: int
    delivery_fee_minor: int = 0
    tax_minor: int
    taxes: tuple[TicketTax, ...] = ()
    total_minor: int
    eta_minutes: int | None = None
    supplement_of: str | None = None
    note: str | None = None
    pii_customer_name: str | None = None
    pii_customer_phone: str | None = None
    pii_delivery_address: str | None = None

    def stream(self) -> str:
        return streams.orders_stream(self.branch_id)


class OrderCancelRequested(Event):
    """The caller takes a placed order back; the kitchen has not finished it. Stop making it."""

    type: ClassVar = "agiza.order.cancel_requested"
    version: ClassVar = 1

    order_id: str
    order_number: int = Field(ge=1)

    def stream(self) -> str:
        return streams.orders_stream(self.branch_id)


class _OrderMoved(Event):
    """A placed order moved to another state. ``at`` is when, ISO 8601."""

    order_id: str
    order_number: int = Field(ge=1)
    at: str

    def stream(self) -> str:
        return streams.orders_stream(self.branch_id)


class OrderReceived(_OrderMoved):
    """The POS has the order."""

    type: ClassVar = "agiza.order.received"
    version: ClassVar = 1


class OrderAccepted(_OrderMoved):
    """The kitchen takes the order; said again with another time, the time has moved. ``eta_at`` is ISO 8601."""

    type: ClassVar = "agiza.order.accepted"
    version: ClassVar = 1

    eta_minutes: int = Field(ge=0)
    eta_at: str


class OrderRejected(_OrderMoved):
    """The kitchen does not take the order. ``reason`` is a stable word, ``note`` the kitchen's own."""

    type: ClassVar = "agiza.order.rejected"
    version: ClassVar = 1

    reason: str
    note: str | None = None


class OrderPreparing(_OrderMoved):
    """The order is being made, or made again after it was ready; with a time if the kitchen told one."""

    type: ClassVar = "agiza.order.preparing"
    version: ClassVar = 1

    eta_minutes: int | None = Field(default=None, ge=0)
    eta_at: str | None = None


class OrderReady(_OrderMoved):
    """The order is ready, also where its caller had asked too late to cancel it."""

    type: ClassVar = "agiza.order.ready"
    version: ClassVar = 1


class OrderCompleted(_OrderMoved):
    """The order was handed over."""

    type: ClassVar = "agiza.order.completed"
    version: ClassVar = 1


class OrderCancelled(_OrderMoved):
    """The kitchen dropped the order: at the caller's wish, or for a reason of its own."""

    type: ClassVar = "agiza.order.cancelled"
    version: ClassVar = 1

    reason: str | None = None
    note: str | None = None


class OrderUnacknowledged(_OrderMoved):
    """An alarm: the kitchen's word is ``missing`` and its time is over. It holds until that word comes or the order
    goes elsewhere. ``owned_by`` is null: an order that somebody has taken raises no alarm."""

    type: ClassVar = "agiza.order.unacknowledged"
    version: ClassVar = 1

    missing: Literal["received", "accepted"]
    owned_by: Literal["kitchen", "staff"] | None = None


class OrderOwned(_OrderMoved):
    """A person has taken an order of which the kitchen had said too little: at its screen or till, or on the phone."""

    type: ClassVar = "agiza.order.owned"
    version: ClassVar = 1

    by: Literal["kitchen", "staff"]


class CallerOrderMoved(Event):
    """What became of an order of this call, for the bridge that may still have its caller on the line. Sent to all
    bridges, perhaps more than once, and lost without harm: who has hung up learns of it in another way."""

    type: ClassVar = "agiza.call.order_moved"
    version: ClassVar = 1

    call_id: CallIdField
    order_id: str = Field(min_length=1, max_length=64)
    order_number: int = Field(ge=1)
    word: Literal["accepted", "rejected", "cancelled", "unacknowledged", "owned"]
    eta_minutes: int | None = Field(default=None, ge=0)
    reason: str | None = Field(default=None, max_length=40)

    def stream(self) -> str:
        return streams.ALL_BRIDGES
