"""The cart as JSON, for the model and for screens.

The cart's view tells that a name, a number or an address is known, not what it is: the model has heard it, and a view
travels through logs and screens.
"""

from agiza.domain.cart import Cart
from agiza.domain.line_words import line_words
from agiza.domain.menu_model import Branch, Menu
from agiza.domain.placed import OrderLine, OrderOption, OrderPart, Totals
from agiza.domain.pricing import fits_menu, price_cart


def cart_view(cart: Cart, menu: Menu, branch: Branch) -> dict[str, object]:
    """What is ordered so far, with prices. `name` of a line is what is said for one of it; defaults are listed as well.
    Lines that have left the menu stand in `gone` and cost nothing."""
    priced = price_cart(cart, menu, branch)
    view: dict[str, object] = {
        "version": cart.version,
        "lines": [{**order_line_view(line), "spoken": str(line_words(line, menu))} for line in priced.lines],
        "subtotal_minor": priced.totals.subtotal_minor,
        "delivery_minor": priced.totals.delivery_minor,
        "tax_minor": priced.totals.tax_minor,
        "total_minor": priced.totals.total_minor,
        "currency": priced.totals.currency,
        **_taxes_view(priced.totals),
        "fulfilment": priced.fulfilment,
        "known": [
            field
            for field in ("name", "phone", "fulfilment", "address", "note")
            if getattr(cart.customer, field) is not None
        ],
        "placed": [
            {"order_id": order.id, "order_number": order.number, "total_minor": order.totals.total_minor}
            for order in cart.placed
        ],
    }
    gone = [{"id": line.id, "item": line.item} for line in cart.lines if not fits_menu(line, menu)]
    return {**view, "gone": gone} if gone else view


def _taxes_view(totals: Totals) -> dict[str, object]:
    """The taxes one by one, where there is more than the one that `tax_minor` says."""
    if len(totals.taxes) < 2:
        return {}
    return {"taxes": [{"name": tax.name, "amount_minor": tax.amount_minor} for tax in totals.taxes]}


def order_line_view(line: OrderLine) -> dict[str, object]:
    view: dict[str, object] = {
        "id": line.id,
        "item": line.item,
        "name": line.name,
        "quantity": line.quantity,
        "options": [_option_view(option) for option in line.options],
        "unit_minor": line.unit_minor,
        "total_minor": line.total_minor,
    }
    if line.parts:
        view["parts"] = [_part_view(part) for part in line.parts]
    return view


def _option_view(option: OrderOption) -> dict[str, object]:
    return {
        "group": option.group,
        "id": "/".join(option.path),
        "name": option.name,
        "quantity": option.quantity,
        "price_minor": option.price_minor,
    }


def _part_view(part: OrderPart) -> dict[str, object]:
    view: dict[str, object] = {
        "item": part.item,
        "name": part.name,
        "quantity": part.quantity,
        "options": [_option_view(option) for option in part.options],
    }
    return {**view, "extra_minor": part.extra_minor} if part.extra_minor else view
