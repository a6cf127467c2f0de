"""Groups and items as the document writes them, before each knows what it opens."""

from collections.abc import Mapping
from dataclasses import dataclass

from agiza.domain.document import Problems
from agiza.domain.ids import GroupId, ItemId, OptionId
from agiza.domain.menu_model import Item


@dataclass(frozen=True, slots=True)
class Rules:
    """How many of a group's options are chosen: as `Group` has it."""

    min: int
    max: int
    default: tuple[OptionId, ...]
    quantity_max: int


@dataclass(frozen=True, slots=True)
class GroupUse:
    """A group in one place, with the limits that this place changes; None keeps the group's own."""

    id: GroupId
    path: str
    min: int | None = None
    max: int | None = None
    default: tuple[OptionId, ...] | None = None
    quantity_max: int | None = None

    @property
    def is_plain(self) -> bool:
        return (self.min, self.max, self.default, self.quantity_max) == (None, None, None, None)


@dataclass(frozen=True, slots=True)
class OptionDraft:
    """`uses` are the groups that the file names for it; None leaves a part with those of its item."""

    id: OptionId
    path: str
    name: str
    aliases: Mapping[str, tuple[str, ...]]
    price_minor: int
    item: ItemId | None
    kitchen: str | None
    quantity_max: int | None
    uses: tuple[GroupUse, ...] | None


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """The item without its groups, and which it wants."""

    item: Item
    path: str
    uses: tuple[GroupUse, ...]

    @property
    def id(self) -> ItemId:
        return self.item.id


@dataclass(frozen=True, slots=True)
class GroupDraft:
    id: GroupId
    path: str
    name: str
    rules: Rules
    options: tuple[OptionDraft, ...]

    def rules_for(self, use: GroupUse) -> Rules:
        rules = self.rules
        return Rules(
            rules.min if use.min is None else use.min,
            rules.max if use.max is None else use.max,
            rules.default if use.default is None else use.default,
            rules.quantity_max if use.quantity_max is None else use.quantity_max,
        )

    def check(self, rules: Rules, path: str, problems: Problems) -> None:
        """Notes what cannot be kept, where the rules are written."""
        if self.options and rules.max > len(self.options):
            problems.add(f"{path}.max", f"is {rules.max}, but there are {len(self.options)} options")
        if rules.min > rules.max:
            problems.add(f"{path}.min", f"is {rules.min}, more than max, which is {rules.max}")
        known = {option.id for option in self.options}
        for option_id in rules.default:
            if option_id not in known:
                problems.add(f"{path}.default", f"{option_id!r} is no option of this group")
        if rules.default and not rules.min <= len(rules.default) <= rules.max:
            problems.add(
                f"{path}.default", f"chooses {len(rules.default)}, but the group wants {rules.min} to {rules.max}"
            )
