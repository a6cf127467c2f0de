"""The choices of one item: finding the option that a word means, taking it, leaving it, and what is to be asked."""

from collections import Counter

from agiza.domain.cart import Choice
from agiza.domain.context import Ruling, ToolContext, ask, refuse
from agiza.domain.ids import OptionId
from agiza.domain.menu_model import Group, Item, Option
from agiza.domain.names import option_names, resolve, resolve_option
from agiza.domain.pricing import default_choices
from agiza.domain.replies import one_of, option_name
from agiza.domain.said import said

Choices = tuple[Choice, ...]


def configure(item: Item, modifiers: tuple[str, ...], ctx: ToolContext) -> Choices | Ruling:
    """The item's choices with every modifier taken and defaults for the rest. A modifier that is named several times is
    taken as often. The first thing that is wrong, missing or sold out is refused or asked back."""
    times: Counter[OptionId] = Counter()
    chosen: dict[OptionId, tuple[Group, Option]] = {}
    for modifier in modifiers:
        found = find_option(item, modifier, ctx)
        if isinstance(found, Ruling):
            return found
        times[found[1].id] += 1
        chosen[found[1].id] = found
    for group in item.groups:
        named = [option for known, option in chosen.values() if known.id == group.id]
        if len(named) > group.max == 1:
            return _ask_choice(item, group, ctx, options=named)
    choices = default_choices(item)
    for group, option in chosen.values():
        taken = take_option(item, choices, group, option, times[option.id], ctx)
        if isinstance(taken, Ruling):
            return taken
        choices = taken
    return missing_choice(item, choices, ctx) or unavailable_choice(item, choices, ctx) or choices


def find_option(item: Item, text: str, ctx: ToolContext) -> tuple[Group, Option] | Ruling:
    """The option of this item that `text` means; else what to ask or to say."""
    match = resolve_option(text, item, ctx.menu)
    options = {option.id: (group, option) for group in item.groups for option in group.options}
    if match.found is not None:
        return options[OptionId(match.found)]
    brought = _bringing(item, text, ctx)
    if brought is not None:
        return brought
    near = [options[OptionId(option_id)][1] for option_id in match.near]
    if near:
        return ask(
            "unclear_modifier",
            said("did_you_mean", names=one_of(option_name(option) for option in near)),
            item=item.id,
            options=[{"id": option.id, "name": option.name} for option in near],
        )
    if not item.groups:
        return refuse("no_choices", said("no_choices", item=item.name), item=item.id)
    elsewhere = resolve(text, {o.id: (o.name,) for group in ctx.menu.groups.values() for o in group.options})
    offered = [option for group in item.groups for option in group.options]
    code = "modifier_not_offered" if elsewhere.found is not None else "unknown_modifier"
    return refuse(
        code,
        said("not_choosable", item=item.name, options=one_of(option_name(option) for option in offered[:6])),
        item=item.id,
        options=[{"id": option.id, "name": option.name} for option in offered],
    )


def _bringing(item: Item, text: str, ctx: ToolContext) -> tuple[Group, Option] | None:
    """The combo's option whose part comes with what `text` names: "a coke" is the soda, if the soda is a cola."""
    hits = []
    for group in item.groups:
        for option in group.options:
            part = ctx.menu.items.get(option.item) if option.item is not None else None
            if part is None:
                continue
            defaults = {o.id: option_names(o, ctx.menu) for g in part.groups for o in g.options if o.id in g.default}
            if resolve(text, defaults).found is not None:
                hits.append((group, option))
    return hits[0] if len(hits) == 1 else None


def take_option(
    item: Item, choices: Choices, group: Group, option: Option, times: int, ctx: ToolContext
) -> Choices | Ruling:
    """The choices with `option` taken `times` times. Where only one may be chosen, it replaces the earlier one."""
    if times > group.quantity_max:
        key = "most_once" if group.quantity_max == 1 else "most_times"
        message = said(key, option=option_name(option), item=item.name, times=group.quantity_max)
        return refuse("option_quantity_max", message, item=item.id)
    if option_sold_out(group, option, ctx):
        return _sold_out(item, group, option, ctx)
    others = tuple(
        choice for choice in choices if choice.group != group.id or (group.max > 1 and choice.option != option.id)
    )
    if sum(choice.group == group.id for choice in others) >= group.max:
        return refuse(
            "too_many_choices",
            said("too_many_choices", item=item.name, most=group.max),
            item=item.id,
            group=group.id,
            max=group.max,
        )
    return in_menu_order(item, (*others, Choice(group.id, option.id, times)))


def drop_option(item: Item, choices: Choices, group: Group, option: Option, ctx: ToolContext) -> Choices | Ruling:
    """The choices without `option`. A required choice falls back to its default, or is asked for."""
    left = tuple(choice for choice in choices if choice.group != group.id or choice.option != option.id)
    if sum(choice.group == group.id for choice in left) >= group.min:
        return left
    if option.id in group.default or not group.default:
        others = [other for other in group.options if other.id != option.id]
        return _ask_choice(item, group, ctx, options=others)
    defaults = tuple(Choice(group.id, default) for default in group.default)
    back = in_menu_order(item, (*(choice for choice in left if choice.group != group.id), *defaults))
    return unavailable_choice(item, back, ctx) or back


def in_menu_order(item: Item, choices: Choices) -> Choices:
    """One order for equal choices, so that equal lines compare equal."""
    places = {
        (group.id, option.id): (g, o) for g, group in enumerate(item.groups) for o, option in enumerate(group.options)
    }
    return tuple(sorted(choices, key=lambda choice: places[choice.group, choice.option]))


def missing_choice(item: Item, choices: Choices, ctx: ToolContext) -> Ruling | None:
    """The question for the first group that wants more than was chosen."""
    for group in item.groups:
        if sum(choice.group == group.id for choice in choices) < group.min:
            return _ask_choice(item, group, ctx)
    return None


def unavailable_choice(item: Item, choices: Choices, ctx: ToolContext) -> Ruling | None:
    """The answer for the first choice that is sold out."""
    for choice in choices:
        group = item.group(choice.group)
        option = group.option(choice.option) if group is not None else None
        if group is not None and option is not None and option_sold_out(group, option, ctx):
            return _sold_out(item, group, option, ctx)
    return None


def option_sold_out(group: Group, option: Option, ctx: ToolContext) -> bool:
    """An option is sold out by itself, or because the item that it brings is, or because a default of that item is."""
    if option.id in ctx.sold_out or f"{group.id}/{option.id}" in ctx.sold_out:
        return True
    part = ctx.menu.items.get(option.item) if option.item is not None else None
    return part is not None and (part.id in ctx.sold_out or _default_sold_out(part, ctx))


def _default_sold_out(part: Item, ctx: ToolContext) -> bool:
    return any(
        default in ctx.sold_out or f"{group.id}/{default}" in ctx.sold_out
        for group in part.groups
        for default in group.default
    )


def _sold_out(item: Item, group: Group, option: Option, ctx: ToolContext) -> Ruling:
    left = [other for other in group.options if not option_sold_out(group, other, ctx)]
    if group.min and left:
        return ask(
            "option_sold_out",
            said(
                "option_sold_out_others",
                option=option_name(option),
                item=item.name,
                options=one_of(option_name(other) for other in left),
            ),
            item=item.id,
            group=group.id,
            options=[{"id": other.id, "name": other.name} for other in left],
        )
    return refuse("option_sold_out", said("option_sold_out", option=option_name(option)), item=item.id, group=group.id)


def _ask_choice(item: Item, group: Group, ctx: ToolContext, options: list[Option] | None = None) -> Ruling:
    offered = [option for option in (options or group.options) if not option_sold_out(group, option, ctx)]
    if not offered:
        return refuse("item_sold_out", said("cannot_make", item=item.name), item=item.id)
    return ask(
        "choice_missing",
        said(
            "which_choice",
            group=group.name,
            item=item.name,
            options=one_of(option_name(option) for option in offered),
        ),
        item=item.id,
        group=group.id,
        options=[{"id": option.id, "name": option.name} for option in offered],
    )


def has_option(choices: Choices, group: Group, option: Option) -> Choice | None:
    """The choice of this option among `choices`, if it is taken."""
    return next((c for c in choices if c.group == group.id and c.option == option.id), None)
