"""A branch and its menu, as the rules see them. All of it is frozen: a changed menu is a new version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agiza.domain.hours import OpeningHours
from agiza.domain.ids import BranchId, CategoryId, ContactId, GroupId, ItemId, OptionId

Fulfilment = Literal["pickup", "delivery", "dine-in"]
FULFILMENTS: tuple[Fulfilment, ...] = ("pickup", "delivery", "dine-in")


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a group. Its price may be negative; with `item` it is a combo's part, taken with that item's
    defaults, and `price_minor` is what it adds to the combo."""

    id: OptionId
    name: str
    aliases: Mapping[str, tuple[str, ...]]
    price_minor: int
    item: ItemId | None


@dataclass(frozen=True, slots=True)
class Group:
    """Choices of one kind. `min` and `max` count different options, `quantity_max` bounds how often one is taken."""

    id: GroupId
    name: str
    min: int
    max: int
    default: tuple[OptionId, ...]
    quantity_max: int
    options: tuple[Option, ...]

    def option(self, option_id: str) -> Option | None:
        return next((option for option in self.options if option.id == option_id), None)


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be ordered. `name` is spoken, `kitchen` is printed."""

    id: ItemId
    name: str
    kitchen: str
    aliases: Mapping[str, tuple[str, ...]]
    price_minor: int
    groups: tuple[Group, ...]
    category: CategoryId

    def group(self, group_id: str) -> Group | None:
        return next((group for group in self.groups if group.id == group_id), None)

    @property
    def is_combo(self) -> bool:
        return any(option.item is not None for group in self.groups for option in group.options)


@dataclass(frozen=True, slots=True)
class Category:
    id: CategoryId
    name: str
    items: tuple[ItemId, ...]


@dataclass(frozen=True, slots=True)
class Menu:
    branch_id: BranchId
    categories: tuple[Category, ...]
    items: Mapping[ItemId, Item]
    groups: Mapping[GroupId, Group]

    def item(self, item_id: str) -> Item | None:
        return self.items.get(ItemId(item_id))


@dataclass(frozen=True, slots=True)
class Tax:
    """`rate_bp` in hundredths of a per cent; `included` says that prices contain it."""

    name: str
    rate_bp: int
    included: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """The fee contains its tax; the minimum is judged before the fee."""

    fee_minor: int
    minimum_minor: int


@dataclass(frozen=True, slots=True)
class Limits:
    line_quantity_max: int
    order_total_max_minor: int


Strategy = Literal["stream_stop_dial", "answer_first"]
STRATEGIES: tuple[Strategy, ...] = ("stream_stop_dial", "answer_first")


@dataclass(frozen=True, slots=True)
class Escalation:
    """How the branch puts callers through to its people.

    `stream_stop_dial`: the agent leaves, then the phone rings. `answer_first`: the phone rings while the agent goes on
    talking, and the caller is moved when somebody has picked up. `callback_minutes` is within what time a caller who
    reached nobody is rung back, 0 for never, and `callback_attempts` how often that is tried. `ring_back`: a customer
    whose line was lost with an open cart is rung back once. `dials_per_hour` bounds what machines dial for this branch.
    `accept_minutes`: an order that the POS has not accepted within this time is a matter for a person, 0 where no POS
    accepts orders.
    """

    strategy: Strategy = "stream_stop_dial"
    callback_minutes: int = 15
    callback_attempts: int = 4
    ring_back: bool = True
    dials_per_hour: int = 120
    accept_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """A person of the branch whom a caller may be put through to; smaller `order` is rung first."""

    id: ContactId
    name: str
    phone: str
    order: int
    hours: OpeningHours
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    id: BranchId
    name: str
    phone: str
    timezone: str
    currency: str
    languages: tuple[str, ...]
    hours: OpeningHours
    tax: Tax
    fulfilment: tuple[Fulfilment, ...]
    delivery: Delivery | None
    limits: Limits
    escalation: Escalation = Escalation()

    def is_open(self, now: datetime) -> bool:
        return self.hours.is_open(now)

    @property
    def default_fulfilment(self) -> Fulfilment | None:
        """What holds while the caller has not chosen; None means that the caller must be asked."""
        if "pickup" in self.fulfilment:
            return "pickup"
        return self.fulfilment[0] if len(self.fulfilment) == 1 else None


@dataclass(frozen=True, slots=True)
class BranchFile:
    """What one branch document says."""

    branch: Branch
    menu: Menu
    contacts: tuple[Contact, ...]
