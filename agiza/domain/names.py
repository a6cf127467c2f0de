"""What a name means within one menu: an id, a name or alias of any language, a plural, a small misspelling.

Nothing is guessed. A name that fits nothing well enough comes back with what it may have meant, so that the caller can
be asked; whole phrases ("a large fries") are the model's to take apart.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from agiza.domain.ids import ItemId, OptionId
from agiza.domain.menu_model import Item, Menu, Option
from agiza.domain.money import number_in_words

# Spoken names by id. `Any` for the key: Mapping is invariant in it, and every kind of id is a text.
Names = Mapping[Any, tuple[str, ...]]

NEAR_MAX = 8
# One slip in a word of six letters is a ratio of 0.83 and is forgiven; one in five ("wafer", water) is asked about.
_SAME_WORD_RATIO = 0.82
_SAME_JOINED_RATIO = 0.9
_NEAR_RATIO = 0.6
_CLEAR_LEAD = 0.05
_FILLERS = frozenset({"a", "an", "the", "of", "some", "please"})


@dataclass(frozen=True, slots=True)
class Match:
    """The answer for one name: `found` when it is certain, else `near`, the ids that it may mean (best first)."""

    found: str | None
    near: tuple[str, ...] = ()


def resolve_item(text: str, menu: Menu, within: Iterable[ItemId] | None = None) -> Match:
    """The item that `text` names, among the whole menu or among the items of `within`."""
    items = menu.items.values() if within is None else (menu.items[item_id] for item_id in within)
    return resolve(text, {item.id: item_names(item) for item in items})


def resolve_option(text: str, item: Item, menu: Menu) -> Match:
    """The option of `item` that `text` names. Within one item an option id stands in one group only."""
    return resolve(text, {option.id: option_names(option, menu) for group in item.groups for option in group.options})


def resolve_kind(text: str, menu: Menu) -> tuple[ItemId, OptionId] | None:
    """The item of which `text` names a kind, and the option that makes it one: "a coke" is the soda with cola. None
    where nothing or more than one item comes in that kind ("large" fits half the menu)."""
    kinds = []
    for item in menu.items.values():
        options = {
            option.id: option_names(option, menu)
            for group in item.groups
            if group.min > 0 and not item.is_combo
            for option in group.options
        }
        found = resolve(text, options).found
        if found is not None:
            kinds.append((item.id, OptionId(found)))
    return kinds[0] if len(kinds) == 1 else None


def item_names(item: Item) -> tuple[str, ...]:
    return (item.name, *_flat(item.aliases))


def option_names(option: Option, menu: Menu) -> tuple[str, ...]:
    """An option's own names; a combo's part answers to the names of its item as well ("chips" for the fries)."""
    part = menu.items.get(option.item) if option.item is not None else None
    return (option.name, *_flat(option.aliases), *(item_names(part) if part is not None else ()))


def option_of(item: Item, option_id: OptionId) -> Option:
    """The item's option of this id, which must be one of its own."""
    return next(option for group in item.groups for option in group.options if option.id == option_id)


def resolve(text: str, names: Names) -> Match:
    """The id whose names fit `text`. Tried in this order, the first kind that fits anything decides: the id itself,
    the same words, the same words in the singular, the same letters, a small misspelling."""
    if text in names:
        return Match(text)
    words = words_of(text)
    if not words:
        return Match(None)
    keys = {key: [words_of(name) for name in spoken] for key, spoken in names.items()}
    for key in names:
        keys[key].append(words_of(key))
    keys = {key: [form for form in forms if form] for key, forms in keys.items()}
    singular = _singular(words)
    tests = (
        lambda name: name == words,
        lambda name: _singular(name) == singular,
        lambda name: "".join(_singular(name)) == "".join(singular),
    )
    for same in tests:
        hits = tuple(key for key, forms in keys.items() if any(same(form) for form in forms))
        if hits:
            return Match(hits[0]) if len(hits) == 1 else Match(None, hits[:NEAR_MAX])
    return _by_likeness(singular, {key: [_singular(form) for form in forms] for key, forms in keys.items()})


def names_holding(text: str, names: Names) -> tuple[str, ...]:
    """The ids of which some name holds every word of `text`."""
    words = set(_singular(words_of(text)))
    if not words:
        return ()
    return tuple(
        key for key, spoken in names.items() if any(words <= set(_singular(words_of(name))) for name in spoken)
    )


@lru_cache(maxsize=8192)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a name without case, accents, punctuation and articles; figures become words ("6" is "six")."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))
    # an apostrophe joins ("piper's" is "pipers"), every other mark parts
    plain = plain.replace("'", "").replace("’", "").replace("&", " and ")
    words = [_word(word) for word in "".join(c if c.isalnum() else " " for c in plain).split()]
    kept = [word for word in words if word not in _FILLERS]
    return tuple(kept or words)


def _word(word: str) -> str:
    return number_in_words(int(word)) if word.isascii() and word.isdigit() and len(word) <= 2 else word


def _singular(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_singular_word(word) for word in words)


def _singular_word(word: str) -> str:
    # Both sides of a comparison go through here, so it matters only that two forms of a word end alike.
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith(("ies", "ie")):
        return word.removesuffix("s")[:-2] + "y"  # fries and fry, brownies and brownie
    if word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):
        return word[:-2]
    return word.removesuffix("s")


def _by_likeness(words: tuple[str, ...], keys: Mapping[str, list[tuple[str, ...]]]) -> Match:
    scored = sorted(
        ((max(_likeness(words, form) for form in forms), key) for key, forms in keys.items()),
        key=lambda pair: -pair[0],
    )
    best = [(score, key) for score, key in scored if score > 1]
    if best and (len(best) == 1 or best[0][0] - best[1][0] >= _CLEAR_LEAD):
        return Match(best[0][1])
    return Match(None, tuple(key for score, key in scored if score > 0)[:NEAR_MAX])


def _likeness(words: tuple[str, ...], form: tuple[str, ...]) -> float:
    """Above 1: the same name, misspelt. Above 0: worth asking about. 0: something else."""
    ratio = _ratio("".join(words), "".join(form))
    if len(words) == len(form):
        ratios = [_word_ratio(mine, theirs) for mine, theirs in zip(words, form, strict=True)]
        if min(ratios) >= _SAME_WORD_RATIO:
            return 1 + sum(ratios) / len(ratios)
    elif ratio >= _SAME_JOINED_RATIO and words[0][0] == form[0][0]:
        return 1 + ratio
    shared = set(words) & set(form)
    if len(shared) == min(len(set(words)), len(set(form))):
        return 0.5 + ratio / 2  # "burger" for each of the burgers; "large fries" for fries
    return ratio if ratio >= _NEAR_RATIO else 0.0


def _word_ratio(mine: str, theirs: str) -> float:
    if mine == theirs:
        return 1.0
    # short words differ by a letter all the time (tea, pea), and nobody misses the first letter of a word
    if min(len(mine), len(theirs)) < 4 or mine[0] != theirs[0]:
        return 0.0
    return _ratio(mine, theirs)


def _ratio(mine: str, theirs: str) -> float:
    """How alike two texts are, from 0 to 1; anything too far apart to matter is 0, found out by cheap bounds."""
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    if matcher.real_quick_ratio() < _NEAR_RATIO or matcher.quick_ratio() < _NEAR_RATIO:
        return 0.0
    return matcher.ratio()


def _flat(aliases: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for names in aliases.values():
        yield from names
