"""What a cart costs, by the menu: the only place where prices are added up."""

from dataclasses import dataclass

from agiza.domain.cart import Cart, Choice, Line
from agiza.domain.menu_model import Branch, Fulfilment, Item, Menu, Tax
from agiza.domain.money import divide_half_up
from agiza.domain.placed import OrderLine, OrderOption, OrderPart, PlacedOrder, Totals

_BASIS = 10_000


def default_choices(item: Item) -> tuple[Choice, ...]:
    """The choices that hold while nobody has chosen; a required group without a default has none here."""
    return tuple(Choice(group.id, option) for group in item.groups for option in group.default)


def fits_menu(line: Line, menu: Menu) -> bool:
    """Whether the line's item and choices are still on the menu; a cart may be older than the menu it is judged by."""
    item = menu.items.get(line.item)
    if item is None:
        return False
    return all(
        (group := item.group(choice.group)) is not None and group.option(choice.option) is not None
        for choice in line.choices
    )


def price_line(line: Line, menu: Menu) -> OrderLine:
    """The line with names and prices. The line must fit the menu."""
    item = menu.items[line.item]
    options = _priced_options(item, line.choices)
    unit_minor = item.price_minor + sum(option.price_minor * option.quantity for option in options)
    return OrderLine(
        id=line.id,
        item=item.id,
        name=item.name,
        kitchen=item.kitchen,
        quantity=line.quantity,
        options=options,
        parts=_parts(item, line.choices, menu),
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
    lines = tuple(price_line(line, menu) for line in cart.lines if fits_menu(line, menu))
    # what is added to an order that is being delivered anyway travels with it, without a second fee
    fee_paid = travels_with(cart, fulfilment) is not None
    return PricedCart(lines, fulfilment, price_totals(lines, None if fee_paid else fulfilment, branch))


def supplemented(cart: Cart) -> PlacedOrder | None:
    """The order of this cart that the next one adds to: the latest one not taken back."""
    return next((order for order in reversed(cart.placed) if not order.cancel_requested), None)


def travels_with(cart: Cart, fulfilment: Fulfilment | None) -> PlacedOrder | None:
    """The placed order whose delivery, already paid for, takes the cart's lines along."""
    order = supplemented(cart)
    return order if order is not None and order.fulfilment == fulfilment == "delivery" else None


def price_totals(lines: tuple[OrderLine, ...], fulfilment: Fulfilment | None, branch: Branch) -> Totals:
    """Amounts of the whole order; tax is rounded once, half up."""
    subtotal = sum(line.total_minor for line in lines)
    fee = 0
    if fulfilment == "delivery" and branch.delivery is not None and lines:
        fee = branch.delivery.fee_minor
    total, tax = _taxed(subtotal, fee, branch.tax)
    return Totals(subtotal, fee, tax, total, branch.currency)


def _taxed(subtotal_minor: int, fee_minor: int, tax: Tax) -> tuple[int, int]:
    """(what is paid, how much of it is tax). The fee contains its tax in either case."""
    inside = _BASIS + tax.rate_bp
    if tax.included:
        total = subtotal_minor + fee_minor
        return total, divide_half_up(total * tax.rate_bp, inside)
    added = divide_half_up(subtotal_minor * tax.rate_bp, _BASIS)
    # one fraction for both kinds, so that the tax shown is rounded once as well
    shown = divide_half_up((subtotal_minor * inside + fee_minor * _BASIS) * tax.rate_bp, _BASIS * inside)
    return subtotal_minor + added + fee_minor, shown


def _priced_options(item: Item, choices: tuple[Choice, ...]) -> tuple[OrderOption, ...]:
    options = []
    for choice in choices:
        group = item.group(choice.group)
        option = group.option(choice.option) if group is not None else None
        if group is None or option is None:
            raise ValueError(f"choice {choice.option!r} is not offered for {item.id!r}")
        options.append(
            OrderOption(
                group=group.id,
                id=option.id,
                name=option.name,
                quantity=choice.quantity,
                price_minor=option.price_minor,
                chosen=choice.quantity != 1 or option.id not in group.default,
            )
        )
    return tuple(options)


def _parts(item: Item, choices: tuple[Choice, ...], menu: Menu) -> tuple[OrderPart, ...]:
    parts = []
    for choice in choices:
        group = item.group(choice.group)
        option = group.option(choice.option) if group is not None else None
        if option is None or option.item is None:
            continue
        part = menu.items[option.item]
        # What the part's own choices cost is in the combo's price, so they are listed as free.
        options = tuple(
            OrderOption(o.group, o.id, o.name, o.quantity, 0, o.chosen)
            for o in _priced_options(part, default_choices(part))
        )
        parts.append(OrderPart(option.id, part.id, part.name, part.kitchen, choice.quantity, options))
    return tuple(parts)
