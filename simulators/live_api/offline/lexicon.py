"""The menu's names in every form a caller may say them.

Names are compared by their stems written together, so that "cheese burgers" meets "cheeseburger". Besides the spoken
names there are three weaker kinds of name: parts of item names ("burger", "shake"), names with another negation or
addition ("hold the onions" for "no onions", "plus cheese" for "extra cheese"), and the bare noun of such an option,
which only means something in a list ("no onions or *pickles*").
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from simulators.live_api.offline.menu_text import Menu
from simulators.live_api.offline.phrases import NUMBER_WORDS, number_of, plain_words
from simulators.speech.words import singular

_NEGATIVE = ("no", "without", "hold the", "hold", "bila")
_POSITIVE = ("extra", "add", "with", "more")
_NEGATIVE_FORMS = """
no, no any, without, without the, without any, hold the, hold, leave out the, leave off the, leave out, minus,
minus the, skip the, skip, remove the, remove, take off the, take out the, dont put, dont add, i dont want, dont want,
dont want any, i dont want any, nor
"""
_POSITIVE_FORMS = """
extra, add, add extra, with extra, plus, plus extra, more, additional, added, add some, with added, with more,
add more, lots of, with lots of
"""
_WEAK_STOP = frozenset(("a", "an", "of", "the", "ya", "with", "and", "in", "on", "or", "for", "to", "no", "my"))
NAME_WORDS_MAX = 7

Choice = tuple[str, str]
"""A group id and the id of one of its options."""


@dataclass(slots=True)
class Entry:
    """What some words can name. `strong` is a whole name; `head` that they end an item's name ("burger")."""

    items: dict[str, None] = field(default_factory=dict)
    choices: dict[Choice, None] = field(default_factory=dict)
    singular_only: bool = True
    times: int = 1
    strong: bool = True
    head: bool = False


@dataclass(slots=True)
class BareNoun:
    without: dict[Choice, None] = field(default_factory=dict)
    extra: dict[Choice, None] = field(default_factory=dict)


class Lexicon:
    """Looks up spans of words. Made once per menu; never changes."""

    def __init__(self, menu: Menu) -> None:
        self.menu = menu
        self._names: dict[str, Entry] = {}
        self._weak: dict[str, Entry] = {}
        self._bare: dict[str, BareNoun] = {}
        self.pack_size: dict[str, int] = {}
        self._add_items()
        self._add_options()
        self._add_parts_of_names()
        self._implied = dict(self._implications())
        self._parts = {item.id: tuple(self._same_name(item.id)) for item in menu.items.values()}

    def name(self, words: tuple[str, ...]) -> Entry | None:
        return self._names.get(key(words))

    def weak(self, words: tuple[str, ...]) -> Entry | None:
        return self._weak.get(key(words))

    def bare(self, words: tuple[str, ...]) -> BareNoun | None:
        return self._bare.get(key(words))

    def implied_item(self, choices: Iterable[Choice]) -> str | None:
        """The only item that can be meant when just its option is named ("a coke" is a soda)."""
        found = {self._implied.get(choice) for choice in choices}
        return found.pop() if len(found) == 1 else None

    def begins_with_number(self, words: tuple[str, ...]) -> bool:
        return number_of(words[:1]) is not None

    def among(self, items: Iterable[str], heard: str) -> tuple[str, ...]:
        """Those of the items whose names have all the words that were heard."""
        wanted = {singular(word) for word in plain_words(heard)}
        names = ((item, self.menu.items[item].spoken) for item in items)
        return tuple(
            item
            for item, spoken in names
            if any(wanted <= {singular(word) for word in plain_words(name)} for name in spoken)
        )

    def parts(self, items: Iterable[str]) -> tuple[Choice, ...]:
        """The options that are named like one of these items: what a combo calls its parts."""
        return tuple(choice for item in items for choice in self._parts.get(item, ()))

    def _same_name(self, item_id: str) -> Iterator[Choice]:
        names = {key(plain_words(spoken)) for spoken in self.menu.items[item_id].spoken}
        for group in self.menu.groups.values():
            for option in group.options:
                if names & {key(plain_words(spoken)) for spoken in option.spoken}:
                    yield group.id, option.id

    def _add_items(self) -> None:
        for item in self.menu.items.values():
            for spoken in item.spoken:
                words = plain_words(spoken)
                self._name(words, item=item.id)
                if len(words) > 1 and words[0] in ("a", "an", "the"):
                    self._name(words[1:], item=item.id)
                if len(words) > 1 and (size := number_of(words[:1])) is not None:
                    self.pack_size.setdefault(item.id, size)

    def _add_options(self) -> None:
        forms: list[tuple[tuple[str, ...], Choice, int]] = []
        for group in self.menu.groups.values():
            for option in group.options:
                choice = (group.id, option.id)
                for spoken in option.spoken:
                    words = plain_words(spoken)
                    self._name(words, choice=choice)
                    forms.extend((form, choice, 1) for form in self._other_forms(words, choice))
                    if group.each_max > 1:
                        noun = _after_prefix(words, _POSITIVE) or words
                        forms.append((("double", *noun), choice, 2))
        taken = set(self._names)
        for words, choice, times in forms:
            if key(words) not in taken:
                self._name(words, choice=choice, times=times)

    def _other_forms(self, words: tuple[str, ...], choice: Choice) -> Iterator[tuple[str, ...]]:
        for prefixes, new, negative in ((_NEGATIVE, _NEGATIVE_FORMS, True), (_POSITIVE, _POSITIVE_FORMS, False)):
            noun = _after_prefix(words, prefixes)
            if noun is None or (self.name(noun) and not negative):
                continue
            bare = self._bare.setdefault(key(noun), BareNoun())
            (bare.without if negative else bare.extra).setdefault(choice)
            yield from ((*prefix.split(), *noun) for prefix in new.split(","))
            return

    def _add_parts_of_names(self) -> None:
        for item in self.menu.items.values():
            for spoken in item.spoken:
                words = plain_words(spoken)
                for start in range(len(words)):
                    for end in range(start + 1, len(words) + 1):
                        if end - start < len(words):
                            self._weak_part(words[start:end], item.id, head=end == len(words))

    def _weak_part(self, words: tuple[str, ...], item: str, head: bool) -> None:
        part = key(words)
        if words[0] in _WEAK_STOP or words[-1] in _WEAK_STOP or all(word in NUMBER_WORDS for word in words):
            return
        if part in self._names or part in self._bare or len(part) < 3:
            return
        entry = self._weak.setdefault(part, Entry(strong=False, head=head))
        if head and not entry.head:
            entry.items.clear()  # "chicken" ends "half chicken" and only begins "chicken wrap": the first is meant
            entry.head = True
        if head == entry.head:
            entry.items.setdefault(item)
            entry.singular_only = entry.singular_only and not _is_plural(words[-1])

    def _name(self, words: tuple[str, ...], item: str = "", choice: Choice | None = None, times: int = 1) -> None:
        if not words:
            return
        entry = self._names.setdefault(key(words), Entry(times=times))
        plural = key((*words[:-1], words[-1] + "s"))
        self._names.setdefault(plural, entry)  # the stem of "mandazis" is not that of "mandazi"
        if item:
            entry.items.setdefault(item)
        if choice:
            entry.choices.setdefault(choice)
        entry.singular_only = entry.singular_only and not _is_plural(words[-1])

    def _implications(self) -> Iterator[tuple[Choice, str]]:
        """A kind (choose one, not a size) that only one item has implies that item."""
        for group in self.menu.groups.values():
            owners = [item.id for item in self.menu.items.values() if group.id in item.groups]
            if len(owners) == 1 and group.choose_min == 1 and group.single and "size" not in group.name.lower():
                for option in group.options:
                    yield (group.id, option.id), owners[0]


def key(words: Iterable[str]) -> str:
    return "".join(map(singular, words))


def _is_plural(word: str) -> bool:
    return singular(word) != word and word.endswith("s")


def _after_prefix(words: tuple[str, ...], prefixes: Iterable[str]) -> tuple[str, ...] | None:
    for prefix in (tuple(prefix.split()) for prefix in prefixes):
        if words[: len(prefix)] == prefix and len(words) > len(prefix):
            return words[len(prefix) :]
    return None
