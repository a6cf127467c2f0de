"""What is chosen for one item, at every depth: how it is written, what it comes to by default, how it is changed.

Two shapes of the same choices. *Spelled out* has every choice, also defaults that nobody touched; the rules and the
prices work on it. *Written* is how a line keeps it: a group within an option is left out while it is as it comes by
default, and one that was emptied against its default is written as that default taken no time. So a plain combo is
written as it was before parts could be configured, and a stored cart of that time means the same today.
"""

from collections.abc import Iterator

from agiza.domain.cart import Choice
from agiza.domain.menu_model import Group, Item, Option, Path, Place

Choices = tuple[Choice, ...]
Taken = dict[Path, int]  # how often each option is taken, by its path


def default_choices(item: Item) -> Choices:
    """What holds while nobody has chosen; a required group without a default has nothing here."""
    taken: Taken = {}
    for group in item.groups:
        _take_defaults(taken, group, ())
    return _in_menu_order(item, taken)


def fits(item: Item, written: Choices) -> bool:
    """Whether the item offers all of what a line has written, each choice within another one that was made."""
    for choice in written:
        place = item.places.get(choice.path)
        if place is None or place.group.id != choice.group:
            return False
    if not any(choice.under for choice in written):
        return True
    whole = {choice.path for choice in spelled_out(item, written)}
    return all(choice.path in whole or not choice.quantity for choice in written)


def spelled_out(item: Item, written: Choices) -> Choices:
    """Every choice of what a line has written. The choices must fit the item."""
    if not any(item.places[choice.path].option.opens or choice.under for choice in written):
        return written
    taken = {choice.path: choice.quantity for choice in written}
    said = {(choice.under, choice.group) for choice in written}
    whole: Taken = {}

    def enter(groups: tuple[Group, ...], under: Path) -> None:
        for group in groups:
            for option in group.options:
                path = (*under, option.id)
                is_default = under and (under, group.id) not in said and option.id in group.default
                times = 1 if is_default else taken.get(path, 0)
                if times:
                    whole[path] = times
                    enter(option.opens, path)

    enter(item.groups, ())
    return _in_menu_order(item, whole)


def written(item: Item, choices: Choices) -> Choices:
    """How a line keeps choices that are spelled out."""
    if not any(choice.under for choice in choices) and not any(item.places[c.path].option.opens for c in choices):
        return choices
    by_group: dict[tuple[Path, str], dict[str, int]] = {}
    for choice in choices:
        by_group.setdefault((choice.under, choice.group), {})[choice.option] = choice.quantity
    kept: list[Choice] = []

    def enter(groups: tuple[Group, ...], under: Path) -> None:
        for group in groups:
            chosen = by_group.get((under, group.id), {})
            as_it_comes = dict.fromkeys(group.default, 1)
            is_written = not under or chosen != as_it_comes
            if is_written and not chosen:
                kept.extend(Choice(group.id, option_id, 0, under) for option_id in group.default if under)
            for option in group.options:
                if option.id in chosen:
                    if is_written:
                        kept.append(Choice(group.id, option.id, chosen[option.id], under))
                    enter(option.opens, (*under, option.id))

    enter(item.groups, ())
    return tuple(kept)


def taking(item: Item, choices: Choices, place: Place, times: int) -> Choices:
    """The choices with the option taken `times` times, within the options that it stands in, which are taken with it.
    Where only one may be chosen, it replaces the earlier one, with everything that was chosen within that."""
    taken = _taken(choices)
    for depth in range(1, len(place.path) + 1):
        step = item.places[place.path[:depth]]
        if step.group.max == 1:
            for other in step.group.options:
                if other.id != step.option.id:
                    _drop(taken, (*step.under, other.id))
        is_new = step.path not in taken
        if is_new or depth == len(place.path):
            taken[step.path] = times if depth == len(place.path) else 1
        if is_new:
            for group in step.option.opens:
                _take_defaults(taken, group, step.path)
    return _in_menu_order(item, taken)


def leaving(item: Item, choices: Choices, place: Place) -> Choices:
    """The choices without the option and everything within it."""
    taken = _taken(choices)
    _drop(taken, place.path)
    return _in_menu_order(item, taken)


def with_defaults(item: Item, choices: Choices, group: Group, under: Path) -> Choices:
    """The choices with this group as it comes by default."""
    taken = _taken(choices)
    for option in group.options:
        _drop(taken, (*under, option.id))
    _take_defaults(taken, group, under)
    return _in_menu_order(item, taken)


def open_groups(item: Item, choices: Choices) -> Iterator[tuple[Path, Group]]:
    """The groups that are open with these choices, outer ones before those within them."""
    taken = _taken(choices)

    def enter(groups: tuple[Group, ...], under: Path) -> Iterator[tuple[Path, Group]]:
        for group in groups:
            yield under, group
            for option in group.options:
                if (*under, option.id) in taken:
                    yield from enter(option.opens, (*under, option.id))

    return enter(item.groups, ())


def chosen_in(choices: Choices, group: Group, under: Path) -> int:
    """How many different options of this group are chosen."""
    return sum(choice.group == group.id and choice.under == under for choice in choices)


def has(choices: Choices, place: Place) -> Choice | None:
    """The choice of this option among `choices`, if it is taken."""
    return next((choice for choice in choices if choice.path == place.path and choice.quantity), None)


def bringing(item: Item, place: Place) -> Option | None:
    """The option that brings the part which this place configures."""
    return item.places[place.part].option if place.part is not None else None


def _taken(choices: Choices) -> Taken:
    return {choice.path: choice.quantity for choice in choices}


def _take_defaults(taken: Taken, group: Group, under: Path) -> None:
    for option in group.options:
        if option.id in group.default:
            taken[(*under, option.id)] = 1
            for opened in option.opens:
                _take_defaults(taken, opened, (*under, option.id))


def _drop(taken: Taken, path: Path) -> None:
    for known in [known for known in taken if known[: len(path)] == path]:
        del taken[known]


def _in_menu_order(item: Item, taken: Taken) -> Choices:
    """One order for equal choices, so that equal lines compare equal."""
    return tuple(
        Choice(item.places[path].group.id, path[-1], taken[path], path[:-1]) for path in item.places if path in taken
    )
