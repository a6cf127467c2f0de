"""What a cart costs, by the menu: the only place where prices are added up.

What is chosen for a part of a combo is in the combo's price as far as it is no dearer than what the part comes with:
in each group of the part the defaults are worth what they cost, and only what goes beyond is added.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from agiza.domain.cart import Cart, Line
from agiza.domain.configuration import Choices, fits, open_groups, spelled_out
from agiza.domain.itself import Itself
from agiza.domain.menu_model import Branch, Fulfilment, Item, Menu, Path, Tax
from agiza.domain.placed import OrderLine, OrderOption, OrderPart, PlacedOrder, Totals
from agiza.domain.taxes import tax_lines

_LINES_MAX = 1024  # some 1 KB each


def fits_menu(line: Line, menu: Menu) -> bool:
    """Whether the line's item and choices are still on the menu; a cart may be older than the menu it is judged by."""
    return _priced(line, Itself(menu)) is not None


def price_line(line: Line, menu: Menu) -> OrderLine:
    """The line with names and prices. Raises ValueError for a line that does not fit the menu."""
    priced = _priced(line, Itself(menu))
    if priced is None:
        chosen = ", ".join("/".join(choice.path) for choice in line.choices)
        raise ValueError(f"line {line.id!r} has what no {line.item!r} of the menu comes with: {chosen}")
    return priced


@lru_cache(maxsize=_LINES_MAX)
def _priced(line: Line, menu: Itself) -> OrderLine | None:
    """The line with names and prices, None when it does not fit the menu.

    One function call prices its cart several times: as it was, as it would be, for limits, for the model, for screens.
    """
    item = menu.menu.items.get(line.item)
    if item is None or not fits(item, line.choices):
        return None
    choices = spelled_out(item, line.choices)
    options = tuple(_sold(item, choices, part=None))
    parts = tuple(_parts(item, choices, menu.menu))
    unit_minor = (
        item.price_minor
        + sum(option.price_minor * option.quantity for option in options)
        + sum(part.extra_minor * part.quantity for part in parts)
    )
    return OrderLine(
        id=line.id,
        item=item.id,
        name=item.name,
        kitchen=item.kitchen,
        quantity=line.quantity,
        options=options,
        parts=parts,
        unit_minor=unit_minor,
        total_minor=unit_minor * line.quantity,
    )


@dataclass(frozen=True, slots=True)
class PricedCart:
    """A cart with its prices of the moment. Lines that no longer fit the menu are missing; `fits_menu` tells which."""

    lines: tuple[OrderLine, ...]
    fulfilment: Fulfilment | None
    totals: Totals


def price_cart(cart: Cart, menu: Menu, branch: Branch) -> PricedCart:
    """Prices every line that fits the menu. Until the caller chooses, the branch's default fulfilment holds."""
    fulfilment = cart.customer.fulfilment or branch.default_fulfilment
    known = Itself(menu)
    lines = tuple(priced for line in cart.lines if (priced := _priced(line, known)) is not None)
    # what is added to an order that is being delivered anyway travels with it, without a second fee
    fee_paid = travels_with(cart, fulfilment) is not None
    return PricedCart(lines, fulfilment, price_totals(lines, None if fee_paid else fulfilment, branch, menu))


def supplemented(cart: Cart) -> PlacedOrder | None:
    """The order of this cart that the next one adds to: the latest one not taken back."""
    return next((order for order in reversed(cart.placed) if not order.cancel_requested), None)


def travels_with(cart: Cart, fulfilment: Fulfilment | None) -> PlacedOrder | None:
    """The placed order whose delivery, already paid for, takes the cart's lines along."""
    order = supplemented(cart)
    return order if order is not None and order.fulfilment == fulfilment == "delivery" else None


def price_totals(lines: tuple[OrderLine, ...], fulfilment: Fulfilment | None, branch: Branch, menu: Menu) -> Totals:
    """Amounts of the whole order; each tax is rounded once, half up. The lines must be of this menu."""
    goods: dict[tuple[Tax, ...], int] = {}
    for line in lines:
        borne = menu.items[line.item].taxes
        goods[borne] = goods.get(borne, 0) + line.total_minor
    fees: Mapping[tuple[Tax, ...], int] = {}
    if fulfilment == "delivery" and branch.delivery is not None and lines:
        fees = {branch.delivery.taxes: branch.delivery.fee_minor}
    subtotal, fee = sum(goods.values()), sum(fees.values())
    added, taxes = tax_lines(goods.items(), fees.items(), branch.taxes)
    return Totals(
        subtotal_minor=subtotal,
        delivery_minor=fee,
        tax_minor=sum(tax.amount_minor for tax in taxes),
        total_minor=subtotal + fee + added,
        currency=branch.currency,
        taxes=taxes,
    )


def _sold(item: Item, choices: Choices, part: Path | None) -> list[OrderOption]:
    """The options of the item itself, or those of one of its parts, which are listed as free."""
    sold = []
    for choice in choices:
        place = item.places[choice.path]
        if place.part != part:
            continue
        option = place.option
        sold.append(
            OrderOption(
                group=place.group.id,
                id=option.id,
                name=option.name,
                quantity=choice.quantity,
                price_minor=option.price_minor if part is None else 0,
                chosen=choice.quantity != 1 or option.id not in place.group.default,
                kitchen=option.kitchen,
                under=choice.under,
            )
        )
    return sold


def _parts(item: Item, choices: Choices, menu: Menu) -> list[OrderPart]:
    parts = []
    for choice in choices:
        option = item.places[choice.path].option
        if option.item is None:
            continue
        part = menu.items[option.item]
        parts.append(
            OrderPart(
                choice=option.id,
                item=part.id,
                name=part.name,
                kitchen=part.kitchen,
                quantity=choice.quantity,
                options=tuple(_sold(item, choices, choice.path)),
                under=choice.under,
                extra_minor=_extra(item, choices, choice.path),
            )
        )
    return parts


def _extra(item: Item, choices: Choices, part: Path) -> int:
    """What the part's configuration is dearer than the one that it comes with."""
    extra = 0
    for under, group in open_groups(item, choices):  # also one that was emptied: it may have come with a rebate
        if item.places[(*under, group.options[0].id)].part != part:
            continue
        chosen = sum(
            item.places[choice.path].option.price_minor * choice.quantity
            for choice in choices
            if (choice.under, choice.group) == (under, group.id)
        )
        extra += max(0, chosen - sum(option.price_minor for option in group.options if option.id in group.default))
    return extra
