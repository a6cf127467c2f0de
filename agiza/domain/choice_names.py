"""What a caller calls the choices of an item: 'large', 'large fries', 'fries/large'.

A choice within another one answers to its own name, and to it with the name of what it is within, in either order.
Which one is meant by a bare name is decided by what is open on the item at the moment, if that leaves one.
"""

from collections.abc import Collection
from dataclasses import dataclass

from agiza.domain.ids import OptionId
from agiza.domain.menu_model import Item, Menu, Path, Place
from agiza.domain.names import Match, option_names, resolve, resolve_option, words_of
from agiza.domain.replies import option_name
from agiza.domain.said import Said, piece, text_in_language

OUTER_NAMES_MAX = 6


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """`place` when it is certain; else what may be meant, best first."""

    place: Place | None
    near: tuple[Place, ...] = ()


def find_place(text: str, item: Item, menu: Menu, among: Collection[Path] | None = None) -> FoundPlace:
    """The option of this item that `text` names; with `among`, choices within others are looked for there only."""
    exact = item.places.get(tuple(OptionId(part) for part in text.split("/")))
    if exact is not None or "/" in text:
        return FoundPlace(exact)  # a path is no words: one that the item does not have is made up
    outer = resolve_option(text, item, menu)
    nested = {path: place for path, place in item.places.items() if place.under and (among is None or path in among)}
    if not nested or (outer.found is not None and _is_said(text, item, OptionId(outer.found), menu)):
        return _found(item, outer, Match(None))
    inner = resolve(text, {place.id: nested_names(place, item, menu) for place in nested.values()})
    return _found(item, outer, inner)


def nested_names(place: Place, item: Item, menu: Menu) -> tuple[str, ...]:
    """All that a choice within another one is called."""
    own = option_names(place.option, menu)
    outer = option_names(item.places[place.under].option, menu)[:OUTER_NAMES_MAX]
    return (*own, *(f"{name} {around}" for name in own for around in outer), *(f"{o} {n}" for n in own for o in outer))


def spoken(place: Place, item: Item) -> Said:
    """The option as the caller is asked about it: 'large', 'large fries', in Swahili 'fries kubwa'."""
    own = option_name(place.option)
    if not place.under:
        return own
    outer = spoken(item.places[place.under], item)
    return piece(f"{own} {outer}", sw=lambda: f"{text_in_language(outer, 'sw')} {text_in_language(own, 'sw')}")


def _is_said(text: str, item: Item, option_id: OptionId, menu: Menu) -> bool:
    """Whether the words are a name of this option as they stand, and not merely like one."""
    words = words_of(text)
    return any(words == words_of(name) for name in option_names(item.places[(option_id,)].option, menu))


def _found(item: Item, outer: Match, inner: Match) -> FoundPlace:
    found = inner.found or outer.found
    if found is not None:
        return FoundPlace(_at(item, found))
    return FoundPlace(None, tuple(_at(item, place_id) for place_id in (*outer.near, *inner.near)))


def _at(item: Item, place_id: str) -> Place:
    return item.places[tuple(OptionId(part) for part in place_id.split("/"))]
