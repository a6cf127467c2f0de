"""What is no mistake in a branch document, but will cost callers a question: names that stand for several things."""

from collections import defaultdict
from collections.abc import Iterator

from agiza.domain.document import Problem
from agiza.domain.menu_model import BranchFile, Item, Menu
from agiza.domain.names import item_names, option_names, words_of

NAMES_MAX = 3


def hints(file: BranchFile) -> tuple[Problem, ...]:
    """Each name that two items share, and each that two options of one item share, at the later one's place."""
    return (*_shared_by_items(file.menu), *_shared_by_options(file.menu))


def _shared_by_items(menu: Menu) -> Iterator[Problem]:
    owners: dict[tuple[str, ...], Item] = {}
    for path, item in _places(menu):
        for name in item_names(item):
            first = owners.setdefault(words_of(name), item)
            if first.id != item.id:
                yield Problem(path, f"{name!r} names {first.id} too: a caller who says it is always asked which")


def _shared_by_options(menu: Menu) -> Iterator[Problem]:
    told: set[tuple[str, ...]] = set()
    for path, item in _places(menu):
        owners: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for group in item.groups:
            for option in group.options:
                for words in {words_of(name) for name in option_names(option, menu)}:
                    owners[words].append(option.id)
        shared: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for words, ids in owners.items():
            if len(ids) > 1 and tuple(ids) not in told:
                shared[tuple(ids)].append(" ".join(words))
        for choices, names in shared.items():
            told.add(choices)
            listed = ", ".join(repr(name) for name in sorted(names)[:NAMES_MAX])
            yield Problem(path, f"{listed}: names of the choices {' and '.join(choices)}: callers are asked which")


def _places(menu: Menu) -> Iterator[tuple[str, Item]]:
    for index, category in enumerate(menu.categories):
        for position, item_id in enumerate(category.items):
            yield f"categories[{index}].items[{position}]", menu.items[item_id]
