"""The cart: what a caller has ordered so far, the events that changed it, and `evolve`, the only way to change it.

Prices do not stand in the cart; they come from the menu whenever they are asked for, and are written down once, into
the order, when it is placed. Only `OrderPlaced` therefore carries amounts that last.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from agiza.domain.ids import BranchId, CartId, GroupId, ItemId, LineId, OptionId, OrderId, QuoteId
from agiza.domain.menu_model import Fulfilment
from agiza.domain.placed import NOBODY_KNOWN, Customer, PlacedOrder


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of one group, taken `quantity` times for each unit of its line. `under` are the options within which
    it was chosen, outermost first: nothing for a choice of the item itself."""

    group: GroupId
    option: OptionId
    quantity: int = 1
    under: tuple[OptionId, ...] = ()

    @property
    def path(self) -> tuple[OptionId, ...]:
        return (*self.under, self.option)


@dataclass(frozen=True, slots=True)
class Line:
    """Units of one item with the same choices; choices stand in the menu's order, so equal lines compare equal.

    They are written as `configuration.written` makes them: within an option that opens groups, a group that is as it
    comes by default is left out.
    """

    id: LineId
    item: ItemId
    quantity: int
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """A priced read-back: of which cart version, of exactly what (`fingerprint`), and whether the caller has been asked
    once more because they cut the reading off. `fulfilment` is the one that was read, chosen or by default."""

    id: QuoteId
    cart_version: int
    fingerprint: str
    total_minor: int
    fulfilment: Fulfilment | None
    asked_again: bool = False


@dataclass(frozen=True, slots=True)
class Cart:
    """`version` rises by one with each event that changes what is ordered or for whom; `lines_made` numbers lines."""

    id: CartId
    branch_id: BranchId
    menu_version: int
    version: int = 0
    lines: tuple[Line, ...] = ()
    customer: Customer = NOBODY_KNOWN
    quote: Quote | None = None
    placed: tuple[PlacedOrder, ...] = ()
    lines_made: int = 0

    def line(self, line_id: str) -> Line | None:
        return next((line for line in self.lines if line.id == line_id), None)


# -- events: what happened, in the past tense


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """Units of an item came in. An existing `line` grew by `quantity`; a new one was made."""

    line: LineId
    item: ItemId
    quantity: int
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """`quantity` units of `line` took other choices and now stand in the line `into`: the line itself, an equal one, or
    a new one right behind it."""

    line: LineId
    quantity: int
    choices: tuple[Choice, ...]
    into: LineId


@dataclass(frozen=True, slots=True)
class ChoicesChanged:
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Units:
    line: LineId
    quantity: int


@dataclass(frozen=True, slots=True)
class UnitsRemoved:
    """Units left the order; a line without units is gone."""

    units: tuple[Units, ...]


@dataclass(frozen=True, slots=True)
class QuantityChanged:
    line: LineId
    quantity: int


@dataclass(frozen=True, slots=True)
class CustomerChanged:
    """The customer as they are known now, whole."""

    customer: Customer


@dataclass(frozen=True, slots=True)
class QuoteGiven:
    """A total was stamped, to be read to the caller. The cart's version stays."""

    quote: Quote


@dataclass(frozen=True, slots=True)
class ConfirmationAsked:
    """The reading was cut off, so one short question with the total was asked. The cart's version stays."""

    quote_id: QuoteId


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    order: PlacedOrder


@dataclass(frozen=True, slots=True)
class OrderCancelRequested:
    """The caller wants an order back; the order itself is moved by whoever keeps the orders. The version stays."""

    order_id: OrderId
    number: int


CartEvent = (
    ItemAdded
    | ChoicesChanged
    | UnitsRemoved
    | QuantityChanged
    | CustomerChanged
    | QuoteGiven
    | ConfirmationAsked
    | OrderPlaced
    | OrderCancelRequested
)


def evolve(cart: Cart, event: CartEvent) -> Cart:
    """The cart after `event`. Events are facts, so nothing is judged here."""
    match event:
        case ItemAdded():
            return _changed(cart, *_with_units(cart, event.line, event.item, event.quantity, event.choices))
        case ChoicesChanged():
            return _changed(cart, *_moved(cart, event.moves))
        case UnitsRemoved():
            left = {units.line: units.quantity for units in event.units}
            lines = (replace(line, quantity=line.quantity - left.get(line.id, 0)) for line in cart.lines)
            return _changed(cart, tuple(lines), cart.lines_made)
        case QuantityChanged():
            lines = (replace(line, quantity=event.quantity) if line.id == event.line else line for line in cart.lines)
            return _changed(cart, tuple(lines), cart.lines_made)
        case CustomerChanged():
            return _with_customer(cart, event.customer)
        case QuoteGiven():
            return replace(cart, quote=event.quote)
        case ConfirmationAsked():
            quote = cart.quote
            return replace(cart, quote=replace(quote, asked_again=True)) if quote else cart
        case OrderPlaced():
            placed = (*cart.placed, event.order)
            return replace(cart, version=cart.version + 1, lines=(), quote=None, placed=placed)
        case OrderCancelRequested():
            placed = tuple(
                replace(order, cancel_requested=True) if order.id == event.order_id else order for order in cart.placed
            )
            return replace(cart, placed=placed)
        case _:
            assert_never(event)


def _changed(cart: Cart, lines: tuple[Line, ...], lines_made: int) -> Cart:
    kept = tuple(line for line in lines if line.quantity > 0)
    return replace(cart, version=cart.version + 1, lines=kept, lines_made=lines_made)


def _with_units(
    cart: Cart, line_id: LineId, item: ItemId, quantity: int, choices: tuple[Choice, ...]
) -> tuple[tuple[Line, ...], int]:
    if cart.line(line_id) is None:
        return (*cart.lines, Line(line_id, item, quantity, choices)), cart.lines_made + 1
    lines = (replace(line, quantity=line.quantity + quantity) if line.id == line_id else line for line in cart.lines)
    return tuple(lines), cart.lines_made


def _moved(cart: Cart, moves: tuple[Move, ...]) -> tuple[tuple[Line, ...], int]:
    lines = list(cart.lines)
    made = cart.lines_made
    for move in moves:
        source = next(index for index, line in enumerate(lines) if line.id == move.line)
        if move.into == move.line:
            lines[source] = replace(lines[source], choices=move.choices)
            continue
        lines[source] = replace(lines[source], quantity=lines[source].quantity - move.quantity)
        target = next((index for index, line in enumerate(lines) if line.id == move.into), None)
        if target is None:
            lines.insert(source + 1, Line(move.into, lines[source].item, move.quantity, move.choices))
            made += 1
        else:
            lines[target] = replace(lines[target], quantity=lines[target].quantity + move.quantity)
    return tuple(lines), made


def _with_customer(cart: Cart, customer: Customer) -> Cart:
    version = cart.version + 1
    quote = cart.quote
    if quote is not None and quote.cart_version == cart.version and _reads_the_same(cart.customer, customer, quote):
        # "Yes, and it is for Grace": what was read to the caller still holds, so nobody hears it twice.
        quote = replace(quote, cart_version=version)
    return replace(cart, version=version, customer=customer, quote=quote)


def _reads_the_same(before: Customer, after: Customer, quote: Quote) -> bool:
    """Whether the read-back would have the same words: a name and a number are not in them."""
    same_words = (before.address, before.note) == (after.address, after.note)
    return same_words and after.fulfilment in (before.fulfilment, quote.fulfilment)
