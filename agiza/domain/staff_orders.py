"""What a person of the branch does with the cart of a caller who was handed over: finish it, or drop it.

They have the caller on the line themselves, so no read-back is asked for; what comes out is an ordinary order.
"""

from functools import reduce
from typing import Literal

from agiza.domain.blockers import staff_blocker
from agiza.domain.cart import Cart, OrderPlaced, Units, UnitsRemoved, evolve
from agiza.domain.context import Ruling, ToolContext, done, refuse
from agiza.domain.decide_order import order_of
from agiza.domain.ids import QuoteId
from agiza.domain.money import number_in_words
from agiza.domain.pricing import price_cart
from agiza.domain.tool_calls import ToolOutcome

StaffAction = Literal["place", "discard"]
STAFF_QUOTE = QuoteId("confirmed-by-staff")


def handle_staff(cart: Cart, action: StaffAction, ctx: ToolContext) -> ToolOutcome:
    """Rules on one action. Done twice it changes nothing the second time."""
    ruling = _place(cart, ctx) if action == "place" else _discard(cart)
    after = reduce(evolve, ruling.events, cart)
    return ToolOutcome(ruling.status, ruling.code, ruling.message, ruling.events, after, ruling.detail)


def _place(cart: Cart, ctx: ToolContext) -> Ruling:
    if not cart.lines:
        if cart.placed:
            last = cart.placed[-1]
            return done("already_placed", "The order is placed already.", order_id=last.id, order_number=last.number)
        return refuse("cart_empty", "There is nothing in the cart.")
    priced = price_cart(cart, ctx.menu, ctx.branch)
    problem = staff_blocker(cart, priced, ctx)
    if problem is not None:
        return problem
    order = order_of(cart, priced, ctx, STAFF_QUOTE)
    return done(
        "order_placed",
        f"Order number {number_in_words(order.number)} is placed.",
        OrderPlaced(order),
        order_id=order.id,
        order_number=order.number,
        total_minor=order.totals.total_minor,
        currency=order.totals.currency,
    )


def _discard(cart: Cart) -> Ruling:
    if not cart.lines:
        return done("cart_empty", "There is nothing in the cart.")
    return done(
        "discarded", "The cart is empty now.", UnitsRemoved(tuple(Units(line.id, line.quantity) for line in cart.lines))
    )
