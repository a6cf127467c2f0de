"""The choices of one item: finding the option that a word means, taking it, leaving it, and what is to be asked."""

from collections import Counter

from agiza.domain.availability import is_out, why_out
from agiza.domain.choice_names import FoundPlace, find_place, spoken
from agiza.domain.configuration import (
    Choices,
    chosen_in,
    default_choices,
    has,
    leaving,
    open_groups,
    taking,
    with_defaults,
)
from agiza.domain.context import Ruling, ToolContext, ask, refuse
from agiza.domain.menu_model import Group, Item, Path, Place
from agiza.domain.names import resolve
from agiza.domain.replies import one_of, option_name
from agiza.domain.said import said


def configure(item: Item, modifiers: tuple[str, ...], ctx: ToolContext) -> Choices | Ruling:
    """The item's choices with every modifier taken and defaults for the rest. A modifier that is named several times is
    taken as often. The first thing that is wrong, missing or sold out is refused or asked back."""
    times = _named_options(item, modifiers, ctx)
    if isinstance(times, Ruling):
        return times
    picked = {step: item.places[step] for path in times for step in _steps(path)}
    for place in picked.values():
        group = place.group
        named = [other for other in picked.values() if other.under == place.under and other.group.id == group.id]
        if len(named) > group.max == 1:
            return _ask_choice(item, group, place.under, ctx, offered=named)
    choices = default_choices(item)
    # outer ones first, so that what is chosen within them stays; otherwise as they were named
    for path in sorted(times, key=len):
        taken = take_option(item, choices, item.places[path], times[path], ctx, frozenset(picked))
        if isinstance(taken, Ruling):
            return taken
        choices = taken
    return missing_choice(item, choices, ctx) or unavailable_choice(item, choices, ctx) or choices


def find_option(item: Item, text: str, ctx: ToolContext, at: tuple[Choices, ...]) -> Place | Ruling:
    """The option of this item that `text` means, given what is chosen `at` the lines in question; else what to ask or
    to say."""
    match = _find(item, text, ctx, at)
    return match.place if match.place is not None else _unclear(item, text, match, ctx)


def take_option(
    item: Item, choices: Choices, place: Place, times: int, ctx: ToolContext, named: frozenset[Path] = frozenset()
) -> Choices | Ruling:
    """The choices with the option taken `times` times, and what it stands within. Where only one may be chosen, it
    replaces the earlier one; in a group that is full, a default gives way that the caller has not `named`."""
    group, option = place.group, place.option
    times_max = group.times_max(option)
    if times > times_max:
        key = "most_once" if times_max == 1 else "most_times"
        message = said(key, option=spoken(place, item), item=item.name, times=times_max)
        return refuse("option_quantity_max", message, item=item.id)
    for step in (item.places[path] for path in _steps(place.path)):
        if is_out(step, item, ctx):
            return why_out(step, item, ctx)
        if step.group.max > 1 and chosen_in(leaving(item, choices, step), step.group, step.under) >= step.group.max:
            given = _way_given(item, choices, step, named)
            if given is None:
                return refuse(
                    "too_many_choices",
                    said("too_many_choices", item=_named(item, step.under), most=step.group.max),
                    item=item.id,
                    group=step.group.id,
                    max=step.group.max,
                )
            choices = leaving(item, choices, given)
        if step is not place and has(choices, step) is None:
            choices = taking(item, choices, step, 1)  # its defaults may fill the group of the next one
    return taking(item, choices, place, times)


def drop_option(item: Item, choices: Choices, place: Place, ctx: ToolContext) -> Choices | Ruling:
    """The choices without `option`. A required choice falls back to its default, or is asked for; so is a choice that
    the default opens and that has none itself."""
    group, under = place.group, place.under
    left = leaving(item, choices, place)
    if chosen_in(left, group, under) >= group.min:
        return left
    if place.option.id in group.default or not group.default:
        others = [item.places[(*under, other.id)] for other in group.options if other.id != place.option.id]
        return _ask_choice(item, group, under, ctx, offered=others)
    back = with_defaults(item, choices, group, under)
    return missing_choice(item, back, ctx) or unavailable_choice(item, back, ctx) or back


def missing_choice(item: Item, choices: Choices, ctx: ToolContext) -> Ruling | None:
    """The question for the first open group that wants more than was chosen."""
    for under, group in open_groups(item, choices):
        if chosen_in(choices, group, under) < group.min:
            return _ask_choice(item, group, under, ctx)
    return None


def unavailable_choice(item: Item, choices: Choices, ctx: ToolContext) -> Ruling | None:
    """The answer for the first choice that cannot be had now."""
    for choice in choices:
        place = item.places[choice.path]
        if is_out(place, item, ctx):
            return why_out(place, item, ctx)
    return None


def unavailable_within(item: Item, choices: Choices, place: Place, ctx: ToolContext) -> Ruling | None:
    """The answer for the first choice that came with this option by default and cannot be had now."""
    inside = tuple(choice for choice in choices if choice.under[: len(place.path)] == place.path)
    return unavailable_choice(item, inside, ctx)


def _named_options(item: Item, modifiers: tuple[str, ...], ctx: ToolContext) -> Counter[Path] | Ruling:
    """Which options the modifiers mean, and how often each. What is clear by itself is taken first; a name that fits
    several things then means the one that is open with it ("masala chips, large")."""
    times: Counter[Path] = Counter()
    unclear: list[str] = []
    for modifier in modifiers:
        match = find_place(modifier, item, ctx.menu)
        if match.place is not None:
            times[match.place.path] += 1
        elif match.near:
            unclear.append(modifier)
        else:
            return _unclear(item, modifier, match, ctx)
    while unclear:
        at = default_choices(item)
        for path in sorted(times, key=len):
            at = taking(item, at, item.places[path], 1)
        here = [(modifier, _find(item, modifier, ctx, (at,))) for modifier in unclear]
        clear = [match.place.path for _, match in here if match.place is not None]
        if not clear:
            return _unclear(item, *here[0], ctx)
        times.update(clear)
        unclear = [modifier for modifier, match in here if match.place is None]
    return times


def _find(item: Item, text: str, ctx: ToolContext, at: tuple[Choices, ...]) -> FoundPlace:
    """A name that is clear by itself means that; else the only thing of this name that is open now."""
    match = find_place(text, item, ctx.menu)
    if match.place is not None or not any(place.under for place in match.near):
        return match
    among = {
        (*under, option.id)
        for choices in at
        for under, group in open_groups(item, choices)
        for option in group.options
        if under
    }
    here = find_place(text, item, ctx.menu, among)
    return here if here.place is not None or here.near else match


def _way_given(item: Item, choices: Choices, place: Place, named: frozenset[Path]) -> Place | None:
    """The default of this group, the last on the menu, that nobody asked for by name."""
    defaults = [
        choice.path
        for choice in choices
        if (choice.under, choice.group) == (place.under, place.group.id)
        and choice.option in place.group.default
        and choice.path != place.path
        and choice.path not in named
    ]
    return item.places[defaults[-1]] if defaults else None


def _steps(path: Path) -> list[Path]:
    """The paths of the options that this one stands within, outermost first, and its own."""
    return [path[:depth] for depth in range(1, len(path) + 1)]


def _named(item: Item, under: Path) -> str:
    """What a choice is made for: the item, or the option that opened the group."""
    return spoken(item.places[under], item) if under else item.name


def _offered(places: list[Place], item: Item) -> list[dict[str, object]]:
    return [{"id": place.id, "name": str(spoken(place, item))} for place in places]


def _unclear(item: Item, text: str, match: FoundPlace, ctx: ToolContext) -> Ruling:
    near = list(match.near)
    if near:
        names = [spoken(place, item) for place in near]
        if len(set(names)) < len(names):  # two groups have an option of this name: say which group
            names = [
                said("option_of_group", option=name, group=place.group.name)
                for name, place in zip(names, near, strict=True)
            ]
        return ask(
            "unclear_modifier",
            said("did_you_mean", names=one_of(names)),
            item=item.id,
            options=[{"id": place.id, "name": str(name)} for place, name in zip(near, names, strict=True)],
        )
    if not item.groups:
        return refuse("no_choices", said("no_choices", item=item.name), item=item.id)
    elsewhere = resolve(text, {o.id: (o.name,) for group in ctx.menu.groups.values() for o in group.options})
    offered = [place for place in item.places.values() if not place.under]
    code = "modifier_not_offered" if elsewhere.found is not None else "unknown_modifier"
    return refuse(
        code,
        said("not_choosable", item=item.name, options=one_of(option_name(place.option) for place in offered[:6])),
        item=item.id,
        options=_offered(offered, item),
    )


def _ask_choice(item: Item, group: Group, under: Path, ctx: ToolContext, offered: list[Place] | None = None) -> Ruling:
    places = offered or [item.places[(*under, option.id)] for option in group.options]
    left = [place for place in places if not is_out(place, item, ctx)]
    if not left:
        return refuse("item_sold_out", said("cannot_make", item=_named(item, under)), item=item.id)
    return ask(
        "choice_missing",
        said(
            "which_choice",
            group=group.name,
            item=_named(item, under),
            options=one_of(option_name(place.option) for place in left),
        ),
        item=item.id,
        group=group.id,
        options=_offered(left, item),
    )
