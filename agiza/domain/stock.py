"""What a branch can be out of: an item, or an option of a group, whatever item it belongs to.

An entry is an item's id, or `group/option`: so an option that is sold out never takes an item of the same name with it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from agiza.domain.ids import OptionId
from agiza.domain.menu_model import Group, Menu, Option
from agiza.domain.names import item_names, option_names, resolve

StockKind = Literal["item", "option"]

NEAR_MAX = 8


@dataclass(frozen=True, slots=True)
class Stocked:
    """What a word of the staff means: its entries in the stock, and its spoken name."""

    entries: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class NotStocked:
    """The word fits nothing, or several things; `near` are the ids that it may mean, best first."""

    near: tuple[str, ...]


def find_stocked(menu: Menu, kind: StockKind, text: str) -> Stocked | NotStocked:
    """The item or option that `text` names: by its id, or by a whole name of it in any language. An option is also
    named as `group/option`, for this group alone; by its id it is meant in every group that has it.

    Nothing is guessed: a misspelled name comes back as near.
    """
    return _item(menu, text) if kind == "item" else _option(menu, text)


def name_of_entry(menu: Menu, entry: str) -> str | None:
    """The spoken name of an entry; None when this menu does not have it."""
    group_id, slash, option_id = entry.partition("/")
    if not slash:
        item = menu.item(entry)
        return item.name if item is not None else None
    found = {f"{group.id}/{option.id}": option.name for group, option in _options(menu)}
    return found.get(f"{group_id}/{option_id}")


def _item(menu: Menu, text: str) -> Stocked | NotStocked:
    item = menu.item(text)
    if item is None:
        named = [each for each in menu.items.values() if _is_named(text, item_names(each))]
        if len(named) != 1:
            near = tuple(each.id for each in named) or _near(text, {i.id: item_names(i) for i in menu.items.values()})
            return NotStocked(near)
        [item] = named
    return Stocked((item.id,), item.name)


def _option(menu: Menu, text: str) -> Stocked | NotStocked:
    every = list(_options(menu))
    exact = [(group, option) for group, option in every if text in (option.id, f"{group.id}/{option.id}")]
    found = exact or [(g, o) for g, o in every if _is_named(text, option_names(o, menu))]
    ids: set[OptionId] = {option.id for _, option in found}
    if len(ids) == 1:
        return Stocked(tuple(sorted(f"{group.id}/{option.id}" for group, option in found)), found[0][1].name)
    return NotStocked(tuple(sorted(ids)) or _near(text, {o.id: option_names(o, menu) for _, o in every}))


def _options(menu: Menu) -> Iterator[tuple[Group, Option]]:
    return ((group, option) for group in menu.groups.values() for option in group.options)


def _is_named(text: str, names: tuple[str, ...]) -> bool:
    return text.strip().casefold() in {name.casefold() for name in names}


def _near(text: str, names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    match = resolve(text, names)
    return ((match.found,) if match.found is not None else match.near)[:NEAR_MAX]
