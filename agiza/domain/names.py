"""What a name means within one menu: an id, a name or alias of any language, a plural, a slip of the pen, a mishearing.

Nothing is guessed. A name that fits nothing well enough comes back with what it may have meant, so that the caller can
be asked; whole phrases ("a large fries") are the model's to take apart. Nothing of another menu is ever given.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache

from agiza.domain.ids import ItemId, OptionId
from agiza.domain.itself import Itself
from agiza.domain.menu_model import Item, Menu, Option
from agiza.domain.name_forms import Names
from agiza.domain.name_index import NEAR_MAX, Match, NameIndex
from agiza.domain.words import singular, words_of

__all__ = [
    "NEAR_MAX",
    "Match",
    "Names",
    "item_names",
    "items_holding",
    "items_offering",
    "names_holding",
    "option_names",
    "option_of",
    "resolve",
    "resolve_item",
    "resolve_kind",
    "resolve_option",
    "words_of",
]

# An index of a menu of 40 items is some 200 KB; of menus in use there are as many as branches and running versions.
_MENUS_MAX = 128
_OTHERS_MAX = 256


def resolve_item(text: str, menu: Menu, within: Iterable[ItemId] | None = None) -> Match:
    """The item that `text` names, among the whole menu or among the items of `within`."""
    if within is not None:
        return resolve(text, {item_id: item_names(menu.items[item_id]) for item_id in within})
    return _indexes(Itself(menu)).items.match(text)


def resolve_option(text: str, item: Item, menu: Menu) -> Match:
    """The option of `item` that `text` names. Within one item an option id stands in one group only."""
    return _indexes(Itself(menu)).options(item).match(text)


def resolve_kind(text: str, menu: Menu) -> tuple[ItemId, OptionId] | None:
    """The item of which `text` names a kind, and the option that makes it one: "a coke" is the soda with cola. None
    where nothing or more than one item comes in that kind ("large" fits half the menu)."""
    indexes = _indexes(Itself(menu))
    found = indexes.kinds.match(text).found
    items = indexes.coming_in.get(found, ()) if found is not None else ()
    return (items[0], OptionId(found)) if found is not None and len(items) == 1 else None


def resolve(text: str, names: Names) -> Match:
    """The id whose names fit `text`. Tried in this order, the first kind that fits anything decides: the id itself,
    the same words, the same words in the singular, in any order, the same letters, a slip or a mishearing."""
    return _index(tuple(names.items())).match(text)


def names_holding(text: str, names: Names) -> tuple[str, ...]:
    """The ids of which some name holds every word of `text`."""
    words = _singulars(text)
    if not words:
        return ()
    return tuple(key for key, spoken in names.items() if any(words <= _singulars(name) for name in spoken))


def items_holding(text: str, menu: Menu) -> tuple[ItemId, ...]:
    """The items of the menu of which some name holds every word of `text`, in the menu's order."""
    return _holding(text, _indexes(Itself(menu)).words_of_items)


def items_offering(text: str, menu: Menu) -> tuple[ItemId, ...]:
    """The same for the names of their options."""
    return _holding(text, _indexes(Itself(menu)).words_of_options)


def item_names(item: Item) -> tuple[str, ...]:
    return (item.name, *_flat(item.aliases))


def option_names(option: Option, menu: Menu) -> tuple[str, ...]:
    """An option's own names; a combo's part answers to the names of its item as well ("chips" for the fries)."""
    part = menu.items.get(option.item) if option.item is not None else None
    return (option.name, *_flat(option.aliases), *(item_names(part) if part is not None else ()))


def option_of(item: Item, option_id: OptionId) -> Option:
    """The item's option of this id, which must be one of its own."""
    return next(option for group in item.groups for option in group.options if option.id == option_id)


class _MenuIndexes:
    """The indexes of one menu; those of options are made when they are first needed."""

    def __init__(self, menu: Menu) -> None:
        self._menu = menu
        self._options: dict[str, tuple[Item, NameIndex]] = {}
        self.items = NameIndex({item.id: item_names(item) for item in menu.items.values()})

    def options(self, item: Item) -> NameIndex:
        known = self._options.get(item.id)
        if known is not None and known[0] is item:
            return known[1]
        options = (option for group in item.groups for option in group.options)
        index = NameIndex({option.id: option_names(option, self._menu) for option in options})
        self._options[item.id] = (item, index)
        return index

    @cached_property
    def coming_in(self) -> Mapping[str, tuple[ItemId, ...]]:
        """By option that some item must have one of: the items. A combo's parts are items of their own."""
        items: dict[str, tuple[ItemId, ...]] = {}
        for item, option in self._required():
            items[option.id] = (*items.get(option.id, ()), item.id)
        return items

    @cached_property
    def kinds(self) -> NameIndex:
        names: dict[str, tuple[str, ...]] = {}
        for _, option in self._required():
            names[option.id] = tuple(dict.fromkeys((*names.get(option.id, ()), *option_names(option, self._menu))))
        return NameIndex(names)

    @cached_property
    def words_of_items(self) -> tuple["_Bags", ...]:
        return tuple((item.id, _bags(item_names(item))) for item in self._menu.items.values())

    @cached_property
    def words_of_options(self) -> tuple["_Bags", ...]:
        return tuple(
            (
                item.id,
                _bags(
                    name
                    for group in item.groups
                    for option in group.options
                    for name in option_names(option, self._menu)
                ),
            )
            for item in self._menu.items.values()
        )

    def _required(self) -> Iterator[tuple[Item, Option]]:
        for item in self._menu.items.values():
            for group in item.groups:
                if group.min > 0 and not item.is_combo:
                    yield from ((item, option) for option in group.options)


@lru_cache(maxsize=_MENUS_MAX)
def _indexes(menu: Itself) -> _MenuIndexes:
    return _MenuIndexes(menu.menu)


@lru_cache(maxsize=_OTHERS_MAX)
def _index(names: tuple[tuple[str, tuple[str, ...]], ...]) -> NameIndex:
    return NameIndex(dict(names))


_Bags = tuple[ItemId, frozenset[frozenset[str]]]
"""An item, and of each of some names its words in the singular."""


def _bags(names: Iterable[str]) -> frozenset[frozenset[str]]:
    return frozenset(_singulars(name) for name in names)


def _holding(text: str, items: tuple[_Bags, ...]) -> tuple[ItemId, ...]:
    words = _singulars(text)
    if not words:
        return ()
    return tuple(item_id for item_id, bags in items if any(words <= bag for bag in bags))


@lru_cache(maxsize=8192)
def _singulars(text: str) -> frozenset[str]:
    return frozenset(singular(word) for word in words_of(text))


def _flat(aliases: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for names in aliases.values():
        yield from names
