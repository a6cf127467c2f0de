"""From a placed order of the domain to its rows and its event for the kitchen."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime

from agiza.contracts.events import OrderPlaced as OrderPlacedEvent
from agiza.contracts.events import TicketLine, TicketOption, TicketPart, TicketTax
from agiza.domain.kitchen_words import printed
from agiza.domain.placed import OrderLine, OrderOption, PlacedOrder
from services.orders.store_orders import NewOrder


def new_order(order: PlacedOrder, *, branch_id: str, call_id: str, cart_id: str, day: date) -> NewOrder:
    """The rows of a placed order. ``day`` is the branch's local day, on which its number is unique."""
    return NewOrder(
        order_id=order.id,
        branch_id=branch_id,
        call_id=call_id,
        cart_id=cart_id,
        cart_version=order.cart_version,
        order_number=order.number,
        day=day,
        fulfilment=order.fulfilment,
        currency=order.totals.currency,
        items_minor=order.totals.subtotal_minor,
        delivery_fee_minor=order.totals.delivery_minor,
        tax_minor=order.totals.tax_minor,
        taxes=[asdict(tax) for tax in order.totals.taxes],
        total_minor=order.totals.total_minor,
        eta_minutes=order.eta_minutes,
        supplement_of=order.supplement_of,
        customer={key: value for key, value in asdict(order.customer).items() if value is not None},
        placed_at=datetime.fromisoformat(order.placed_at),
        lines=[_line(line).model_dump(mode="json") for line in order.lines],
    )


def placed_event(order: PlacedOrder, *, branch_id: str, call_id: str, menu_version: int) -> OrderPlacedEvent:
    """The ticket as subscribers see it."""
    return OrderPlacedEvent(
        branch_id=branch_id,
        call_id=call_id,
        order_id=order.id,
        order_number=order.number,
        menu_version=menu_version,
        placed_at=order.placed_at,
        fulfilment=order.fulfilment,
        lines=tuple(_line(line) for line in order.lines),
        currency=order.totals.currency,
        items_minor=order.totals.subtotal_minor,
        delivery_fee_minor=order.totals.delivery_minor,
        tax_minor=order.totals.tax_minor,
        taxes=tuple(TicketTax(**asdict(tax)) for tax in order.totals.taxes),
        total_minor=order.totals.total_minor,
        eta_minutes=order.eta_minutes,
        supplement_of=order.supplement_of,
        note=order.customer.note,
        pii_customer_name=order.customer.name,
        pii_customer_phone=order.customer.phone,
        pii_delivery_address=order.customer.address,
    )


def _line(line: OrderLine) -> TicketLine:
    return TicketLine(
        item=line.item,
        name=line.name,
        kitchen=line.kitchen,
        quantity=line.quantity,
        options=_options(line.options),
        parts=tuple(
            TicketPart(
                item=part.item,
                name=part.name,
                kitchen=part.kitchen,
                quantity=part.quantity,
                options=_options(part.options),
                extra_minor=part.extra_minor,
            )
            for part in line.parts
        ),
        printed=printed(line),
        unit_minor=line.unit_minor,
        total_minor=line.total_minor,
    )


def _options(options: tuple[OrderOption, ...]) -> tuple[TicketOption, ...]:
    return tuple(
        TicketOption(
            id=option.id,
            name=option.name,
            group=option.group,
            quantity=option.quantity,
            price_minor=option.price_minor,
            chosen=option.chosen,
            kitchen=option.kitchen,
            under=option.under,
        )
        for option in options
    )
