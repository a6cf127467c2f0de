"""What stands between a cart and the kitchen. Asked before a total is read, so that nobody says yes in vain, and again
before the order is placed, because all of it may have changed in between."""

from dataclasses import replace

from agiza.domain.availability import item_blocker
from agiza.domain.cart import Cart
from agiza.domain.choices import missing_choice, unavailable_choice
from agiza.domain.configuration import spelled_out
from agiza.domain.context import Ruling, ToolContext, ask, refuse
from agiza.domain.decide_customer import ask_fulfilment
from agiza.domain.hours import spoken_opening
from agiza.domain.limits import limit_broken
from agiza.domain.lines import line_name
from agiza.domain.pricing import PricedCart, fits_menu, travels_with
from agiza.domain.replies import PERSON_OFFER, amount
from agiza.domain.said import said


def first_blocker(cart: Cart, priced: PricedCart, ctx: ToolContext) -> Ruling | None:
    """The refusal or question that must be dealt with before the cart can become an order; None when nothing is."""
    return (
        _closed(ctx)
        or _line_blocker(cart, ctx)
        or _fulfilment_blocker(cart, priced, ctx)
        or limit_broken(replace(cart, lines=(), placed=()), cart, ctx)
        or _too_many_orders(cart, ctx)
    )


def staff_blocker(cart: Cart, priced: PricedCart, ctx: ToolContext) -> Ruling | None:
    """As `first_blocker`, for a person of the branch who finishes the order: opening hours, the delivery minimum and
    the limits of the telephone agent are theirs to judge; what the kitchen could not make is not."""
    if (problem := _line_blocker(cart, ctx)) is not None:
        return problem
    problem = _fulfilment_blocker(cart, priced, ctx)
    return None if problem is not None and problem.code == "below_delivery_minimum" else problem


def _closed(ctx: ToolContext) -> Ruling | None:
    hours = ctx.branch.hours
    if hours.is_open(ctx.now):
        return None
    opening = hours.next_opening(ctx.now)
    message = said("closed", hours=hours.spoken())
    if opening is not None:
        message = said("closed_until", hours=hours.spoken(), opening=spoken_opening(opening, ctx.now))
    return refuse("branch_closed", message, hours=hours.spoken())


def _line_blocker(cart: Cart, ctx: ToolContext) -> Ruling | None:
    for line in cart.lines:
        if not fits_menu(line, ctx.menu):
            name = line_name(line, ctx.menu)
            return refuse("item_gone", said("item_gone", item=name), line=line.id)
        item = ctx.menu.items[line.item]
        choices = spelled_out(item, line.choices)
        problem = (
            item_blocker(item, ctx) or unavailable_choice(item, choices, ctx) or missing_choice(item, choices, ctx)
        )
        if problem is not None:
            return replace(problem, detail={**problem.detail, "line": line.id})
    return None


def _fulfilment_blocker(cart: Cart, priced: PricedCart, ctx: ToolContext) -> Ruling | None:
    if priced.fulfilment is None or priced.fulfilment not in ctx.branch.fulfilment:
        return ask_fulfilment(ctx)
    if priced.fulfilment != "delivery":
        return None
    if cart.customer.address is None:
        return ask("address_missing", said("address_missing"), argument="address")
    minimum = ctx.branch.delivery.minimum_minor if ctx.branch.delivery is not None else 0
    if priced.totals.subtotal_minor >= minimum or travels_with(cart, priced.fulfilment) is not None:
        return None
    key = "delivery_minimum_or_pickup" if "pickup" in ctx.branch.fulfilment else "delivery_minimum"
    return refuse(
        "below_delivery_minimum",
        said(key, amount=amount(minimum, ctx.branch.currency)),
        minimum_minor=minimum,
        subtotal_minor=priced.totals.subtotal_minor,
    )


def _too_many_orders(cart: Cart, ctx: ToolContext) -> Ruling | None:
    most = ctx.branch.limits.orders_max
    if len(cart.placed) < most:
        return None
    return refuse("too_many_orders", said("too_many_orders", person=PERSON_OFFER), orders_max=most)
