"""A branch and its menu, as the rules see them. All of it is frozen: a changed menu is a new version."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from agiza.domain.hours import OpeningHours
from agiza.domain.ids import BranchId, CategoryId, ContactId, GroupId, ItemId, OptionId

Fulfilment = Literal["pickup", "delivery", "dine-in"]
FULFILMENTS: tuple[Fulfilment, ...] = ("pickup", "delivery", "dine-in")
# What is promised until the kitchen answers with a time of its own, where the file says nothing.
ETA_MINUTES: Mapping[Fulfilment, int] = {"pickup": 20, "delivery": 45, "dine-in": 20}


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a group. `name` is spoken; `kitchen` is printed where the kitchen has a word of its own.

    The price may be negative. With `item` it is a combo's part, and `price_minor` is what it adds to the combo. `opens`
    are the groups that are open once it is chosen: those of its part, or those that the file names. `quantity_max`
    bounds how often it is taken; None leaves that to its group.
    """

    id: OptionId
    name: str
    aliases: Mapping[str, tuple[str, ...]]
    price_minor: int
    item: ItemId | None
    kitchen: str | None = None
    quantity_max: int | None = None
    opens: tuple["Group", ...] = ()


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

    def times_max(self, option: Option) -> int:
        """How often this option may be taken for one unit."""
        return self.quantity_max if option.quantity_max is None else option.quantity_max

    @property
    def lowest_price(self) -> int:
        """A bound for what the group takes off at most: its reductions, each as often as allowed, `max` of them."""
        lowest = sorted(
            (option.price_minor + sum(group.lowest_price for group in option.opens if option.item is None))
            * self.times_max(option)
            for option in self.options
        )
        return sum(price for price in lowest[: self.max] if price < 0)


Path = tuple[OptionId, ...]
"""Options from the outermost down, each within the one before it: ('fries', 'large') is the large of the fries."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one option stands among the choices of an item. Its path ends with the option itself; `part` is the part
    (the path of the option that brings it) whose configuration this belongs to, if any."""

    path: Path
    group: Group
    option: Option
    part: Path | None

    @property
    def under(self) -> Path:
        return self.path[:-1]

    @property
    def id(self) -> str:
        """How tools name it: 'large', or 'fries/large' for a choice within a choice."""
        return "/".join(self.path)


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be ordered. `name` is spoken, `kitchen` is printed.

    `served` are the hours of its day parts; None is whenever the branch is open. `taxes` are those that its price
    bears. `places` are all options that can be chosen for it, at every depth, in the menu's order.
    """

    id: ItemId
    name: str
    kitchen: str
    aliases: Mapping[str, tuple[str, ...]]
    price_minor: int
    groups: tuple[Group, ...]
    category: CategoryId
    served: OpeningHours | None = None
    taxes: tuple["Tax", ...] = ()
    places: Mapping[Path, Place] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {place.path: place for place in _places(self.groups, (), None)})

    def group(self, group_id: str) -> Group | None:
        return next((group for group in self.groups if group.id == group_id), None)

    def groups_at(self, under: Path) -> tuple[Group, ...]:
        """The groups that are open once the last option of the path is chosen; its own for an empty path."""
        return self.places[under].option.opens if under else self.groups

    def is_served(self, now: datetime) -> bool:
        return self.served is None or self.served.is_open(now)

    @property
    def is_combo(self) -> bool:
        return any(place.option.item is not None for place in self.places.values())


def _places(groups: tuple[Group, ...], under: Path, part: Path | None) -> Iterator[Place]:
    for group in groups:
        for option in group.options:
            path = (*under, option.id)
            yield Place(path, group, option, part)
            yield from _places(option.opens, path, path if option.item is not None else part)


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
    """`rate_bp` in hundredths of a per cent; `included` says that prices contain it. One that is not `usual` holds only
    for what names it."""

    name: str
    rate_bp: int
    included: bool
    id: str = "tax"
    usual: bool = True


@dataclass(frozen=True, slots=True)
class Delivery:
    """The fee contains its taxes, also those that are added to prices; the minimum is judged before the fee."""

    fee_minor: int
    minimum_minor: int
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What the agent may take down by itself; beyond it a person decides.

    `line_quantity_max` counts units of one item over all its lines, `line_total_max_minor` is what one line may cost,
    `orders_max` bounds the orders of one call. `new_caller_total_max_minor` holds for a number that has not had an
    order before. None: no such limit.
    """

    line_quantity_max: int
    order_total_max_minor: int
    line_total_max_minor: int | None = None
    new_caller_total_max_minor: int | None = None
    lines_max: int = 40
    orders_max: int = 5


Strategy = Literal["stream_stop_dial", "answer_first"]
STRATEGIES: tuple[Strategy, ...] = ("stream_stop_dial", "answer_first")


@dataclass(frozen=True, slots=True)
class Escalation:
    """How the branch puts callers through to its people.

    `stream_stop_dial`: the agent leaves, then the phone rings. `answer_first`: the phone rings while the agent goes on
    talking, and the caller is moved when somebody has picked up. `callback_minutes` is within what time a caller who
    reached nobody is rung back, 0 for never, and `callback_attempts` how often that is tried. `ring_back`: a customer
    whose line was lost with an open cart is rung back once. `dials_per_hour` bounds what machines dial for this branch.
    """

    strategy: Strategy = "stream_stop_dial"
    callback_minutes: int = 15
    callback_attempts: int = 4
    ring_back: bool = True
    dials_per_hour: int = 120


@dataclass(frozen=True, slots=True)
class Kitchen:
    """How long the kitchen may leave a placed order without its words, counted from placing; 0: nobody waits for that
    word. `ring_after_seconds`: so long after an alarm the branch is rung, if nobody has taken the order meanwhile."""

    received_seconds: int = 0
    accepted_seconds: int = 0
    ring_after_seconds: int = 60

    @property
    def is_watched(self) -> bool:
        return bool(self.received_seconds or self.accepted_seconds)


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
    taxes: tuple[Tax, ...]
    fulfilment: tuple[Fulfilment, ...]
    delivery: Delivery | None
    limits: Limits
    escalation: Escalation = Escalation()
    kitchen: Kitchen = Kitchen()
    eta_minutes: Mapping[Fulfilment, int] = field(default_factory=lambda: dict(ETA_MINUTES))

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
