"""An order as it was sold: names, prices and the customer of the moment, independent of any later menu."""

from dataclasses import dataclass

from agiza.domain.ids import GroupId, ItemId, LineId, OptionId, OrderId, QuoteId
from agiza.domain.menu_model import Fulfilment


@dataclass(frozen=True, slots=True)
class Customer:
    """What the caller said about themselves; None is not said. The phone is in E.164 form."""

    name: str | None = None
    phone: str | None = None
    fulfilment: Fulfilment | None = None
    address: str | None = None
    note: str | None = None


NOBODY_KNOWN = Customer()


@dataclass(frozen=True, slots=True)
class OrderOption:
    """A choice as it was sold. `price_minor` is for one; `chosen` is False for a default nobody touched. `kitchen` is
    printed instead of the name where there is one, and `under` are the options within which it was chosen."""

    group: GroupId
    id: OptionId
    name: str
    quantity: int
    price_minor: int
    chosen: bool
    kitchen: str | None = None
    under: tuple[OptionId, ...] = ()

    @property
    def path(self) -> tuple[OptionId, ...]:
        return (*self.under, self.id)


@dataclass(frozen=True, slots=True)
class OrderPart:
    """A combo's part as the kitchen makes it, with its own options; `choice` is the option that brings it, and `under`
    are those within which that was chosen.

    Its options are in the combo's price; `extra_minor` is what they cost more than those that it comes with.
    """

    choice: OptionId
    item: ItemId
    name: str
    kitchen: str
    quantity: int
    options: tuple[OrderOption, ...]
    under: tuple[OptionId, ...] = ()
    extra_minor: int = 0

    @property
    def path(self) -> tuple[OptionId, ...]:
        return (*self.under, self.choice)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line with the names and prices of the moment: `unit_minor` is the item with its options and with what the
    configuration of its parts costs more."""

    id: LineId
    item: ItemId
    name: str
    kitchen: str
    quantity: int
    options: tuple[OrderOption, ...]
    parts: tuple[OrderPart, ...]
    unit_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax of an order: how much of what is paid it is. `included` says that prices contained it."""

    id: str
    name: str
    rate_bp: int
    included: bool
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Amounts of a whole order. `total_minor` is what the customer pays; `tax_minor` says how much of it is tax, and
    `taxes` are the taxes that make it up (none in orders that were placed before taxes were listed)."""

    subtotal_minor: int
    delivery_minor: int
    tax_minor: int
    total_minor: int
    currency: str
    taxes: tuple[TaxLine, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order as it went out. `placed_at` is ISO 8601. `contact_number` is what the customer gave, else the number
    they called from. `supplement_of` names the earlier order that this one adds to."""

    id: OrderId
    number: int
    placed_at: str
    cart_version: int
    quote_id: QuoteId
    lines: tuple[OrderLine, ...]
    totals: Totals
    fulfilment: Fulfilment
    customer: Customer
    contact_number: str | None
    eta_minutes: int
    supplement_of: OrderId | None = None
    cancel_requested: bool = False
