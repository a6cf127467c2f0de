"""The limits of one order, judged on the cart as it would be. A change that makes nothing larger always passes."""

from collections import Counter

from agiza.domain.cart import Cart
from agiza.domain.context import Ruling, ToolContext, refuse
from agiza.domain.ids import ItemId
from agiza.domain.pricing import price_cart
from agiza.domain.replies import PERSON_OFFER, amount, plural
from agiza.domain.said import said


def limit_broken(before: Cart, after: Cart, ctx: ToolContext) -> Ruling | None:
    """The refusal of the first limit that `after` breaks and `before` did not break as much.

    Units are counted for each item over all its lines, and amounts over the orders that this cart has placed, so that
    neither other choices nor a second order is a way around a limit.
    """
    limits = ctx.branch.limits
    units_before, units_after = _units(before), _units(after)
    for item_id, units in units_after.items():
        if units > limits.line_quantity_max and units > units_before[item_id]:
            item = ctx.menu.items[item_id]
            return refuse(
                "quantity_too_large",
                said(
                    "quantity_too_large",
                    most=limits.line_quantity_max,
                    items=plural(item.name),
                    person=PERSON_OFFER,
                ),
                item=item.id,
                quantity_max=limits.line_quantity_max,
            )
    if len(after.lines) > limits.lines_max and len(after.lines) > len(before.lines):
        return refuse("too_many_lines", said("too_many_lines", person=PERSON_OFFER), lines_max=limits.lines_max)
    return _line_too_dear(before, after, ctx) or _order_too_dear(before, after, ctx)


def _line_too_dear(before: Cart, after: Cart, ctx: ToolContext) -> Ruling | None:
    most = ctx.branch.limits.line_total_max_minor
    if most is None:
        return None
    earlier = {line.id: line.total_minor for line in price_cart(before, ctx.menu, ctx.branch).lines}
    for line in price_cart(after, ctx.menu, ctx.branch).lines:
        if line.total_minor > most and line.total_minor > earlier.get(line.id, 0):
            words = amount(most, ctx.branch.currency)
            return refuse(
                "line_too_large",
                said("line_too_large", item=line.name, most=words, person=PERSON_OFFER),
                item=line.item,
                line_total_max_minor=most,
            )
    return None


def _order_too_dear(before: Cart, after: Cart, ctx: ToolContext) -> Ruling | None:
    limits = ctx.branch.limits
    total, earlier = order_total_minor(after, ctx), order_total_minor(before, ctx)
    if total <= earlier:
        return None
    ceiling = limits.new_caller_total_max_minor
    if not ctx.is_known_caller and ceiling is not None and total > ceiling:
        most = amount(ceiling, ctx.branch.currency)
        return refuse(
            "new_caller_limit",
            said("new_caller_limit", most=most, person=PERSON_OFFER),
            new_caller_total_max_minor=ceiling,
        )
    if total > limits.order_total_max_minor:
        most = amount(limits.order_total_max_minor, ctx.branch.currency)
        return refuse(
            "order_too_large",
            said("order_too_large", most=most, person=PERSON_OFFER),
            order_total_max_minor=limits.order_total_max_minor,
        )
    return None


def order_total_minor(cart: Cart, ctx: ToolContext) -> int:
    """What this cart and the orders placed from it cost together."""
    placed = sum(order.totals.total_minor for order in cart.placed if not order.cancel_requested)
    return placed + price_cart(cart, ctx.menu, ctx.branch).totals.total_minor


def _units(cart: Cart) -> Counter[ItemId]:
    units: Counter[ItemId] = Counter()
    for line in cart.lines:
        units[line.item] += line.quantity
    return units
