"""Changing the choices of what is in the cart already.

`quantity` says how many units shall have the modifier, not how many more: a call that comes twice changes nothing the
second time. One that is larger than the number of units means the option several times on each unit ("two barbecue
dips" for one portion), where the group allows it. Zero takes the modifier off.
"""

from agiza.domain.cart import Cart, ChoicesChanged, Line, Move
from agiza.domain.choice_names import spoken
from agiza.domain.choices import drop_option, find_option, missing_choice, take_option, unavailable_within
from agiza.domain.commands import ApplyModifier
from agiza.domain.configuration import Choices, default_choices, has, spelled_out, taking, written
from agiza.domain.context import Ruling, ToolContext, ask, done, refuse
from agiza.domain.decide_items import judged, only
from agiza.domain.ids import LineId
from agiza.domain.lines import Target, ask_line, equal_line, find_target, line_name, new_line_id, not_in_order
from agiza.domain.menu_model import Item, Place
from agiza.domain.pricing import fits_menu
from agiza.domain.replies import counted, each_of
from agiza.domain.said import said

Plan = tuple[tuple[Line, int], ...]


def apply_modifier(cart: Cart, command: ApplyModifier, ctx: ToolContext) -> Ruling:
    target = find_target(cart, command.item, command.line, ctx)
    if isinstance(target, Ruling):
        return target
    if not target.lines:
        return not_in_order(target.item)
    if not all(fits_menu(line, ctx.menu) for line in target.lines):
        return refuse("item_gone", said("item_changed", item=target.item.name))
    place = find_option(target.item, command.modifier, ctx, tuple(_all(target.item, line) for line in target.lines))
    if isinstance(place, Ruling):
        return place
    if command.quantity == 0:
        return _take_off(cart, target, place, ctx)
    inside = _inside(target, place, command.choices, ctx)
    if isinstance(inside, Ruling):
        return inside
    having = [line for line in target.lines if all(has(_all(target.item, line), known) for known in (place, *inside))]
    lacking = [line for line in target.lines if line not in having]
    if command.quantity is not None and command.quantity > target.units:
        return _take_several_times(cart, target, place, command.quantity, ctx)
    if command.quantity is None:
        if not lacking:
            return _no_change(target.item, place)
        if len(target.lines) > 1:
            return ask_line(target, tuple(lacking), ctx.menu)
        plan: Plan = ((lacking[0], lacking[0].quantity),)
    else:
        wanted = command.quantity - sum(line.quantity for line in having)
        if wanted <= 0:
            return _no_change(target.item, place)
        if wanted == sum(line.quantity for line in lacking):
            plan = tuple((line, line.quantity) for line in lacking)
        elif len(lacking) == 1:
            plan = ((lacking[0], wanted),)
        else:
            return ask_line(target, tuple(lacking), ctx.menu)
    return _take(cart, target, plan, (place, *inside), 1, ctx)


def _take_several_times(cart: Cart, target: Target, place: Place, quantity: int, ctx: ToolContext) -> Ruling:
    if place.group.times_max(place.option) == 1:
        return refuse(
            "quantity_above_units",
            only(target.item, target.units),
            item=target.item.id,
            units=target.units,
        )
    times, rest = divmod(quantity, target.units)
    if rest:
        return ask(
            "uneven_quantity",
            said("how_many_each", units=counted(target.item.name, target.units), option=spoken(place, target.item)),
            item=target.item.id,
            options=[{"id": line.id, "name": str(line_name(line, ctx.menu))} for line in target.lines],
        )
    plan = tuple(
        (line, line.quantity)
        for line in target.lines
        if (taken := has(_all(target.item, line), place)) is None or taken.quantity != times
    )
    if not plan:
        return _no_change(target.item, place)
    return _take(cart, target, plan, (place,), times, ctx)


def _take(cart: Cart, target: Target, plan: Plan, places: tuple[Place, ...], times: int, ctx: ToolContext) -> Ruling:
    """The first of the places is taken `times` times, those within it once each."""
    item = target.item
    changes: list[tuple[Line, int, Choices]] = []
    for line, units in plan:
        choices = _all(item, line)
        for place in places:
            taken = take_option(item, choices, place, times if place is places[0] else 1, ctx)
            if isinstance(taken, Ruling):
                return taken
            choices = taken
        problem = missing_choice(item, choices, ctx) or unavailable_within(item, choices, places[0], ctx)
        if problem is not None:
            return problem
        changes.append((line, units, choices))
    return _moved(cart, item, changes, "modifier_applied", ctx)


def _inside(target: Target, place: Place, texts: tuple[str, ...], ctx: ToolContext) -> tuple[Place, ...] | Ruling:
    """What is chosen within the modifier with the same call."""
    at = taking(target.item, default_choices(target.item), place, 1)
    found: list[Place] = []
    for text in texts:
        inner = find_option(target.item, text, ctx, (at,))
        if isinstance(inner, Ruling):
            return inner
        if inner.under[: len(place.path)] != place.path:
            return refuse(
                "choice_elsewhere",
                said("choice_elsewhere", option=spoken(inner, target.item), outer=spoken(place, target.item)),
                item=target.item.id,
            )
        found.append(inner)
        at = taking(target.item, at, inner, 1)
    return tuple(sorted(found, key=lambda inner: len(inner.path)))


def _take_off(cart: Cart, target: Target, place: Place, ctx: ToolContext) -> Ruling:
    having = tuple(line for line in target.lines if has(_all(target.item, line), place))
    if not having:
        return done("no_change", said("not_on_it", option=spoken(place, target.item)), lines=[])
    if len(having) > 1:
        return ask_line(target, having, ctx.menu)
    line = having[0]
    choices = drop_option(target.item, _all(target.item, line), place, ctx)
    if isinstance(choices, Ruling):
        return choices
    return _moved(cart, target.item, [(line, line.quantity, choices)], "modifier_removed", ctx)


def _moved(cart: Cart, item: Item, changes: list[tuple[Line, int, Choices]], code: str, ctx: ToolContext) -> Ruling:
    """One event for all changes. Units go to a line that is equal already, else a whole line changes in place, else
    they get a line of their own."""
    moves: list[Move] = []
    made: dict[Choices, LineId] = {}
    for line, units, spelled in changes:
        choices = written(item, spelled)
        equal = equal_line(cart, line.item, choices)
        if equal is not None:
            into = equal.id
        elif choices in made:
            into = made[choices]
        elif units == line.quantity:
            into = line.id
        else:
            into = new_line_id(cart)
        made.setdefault(choices, into)
        moves.append(Move(line.id, units, choices, into))
    words = [
        line_name(Line(move.into, line.item, move.quantity, move.choices), ctx.menu)
        for move, (line, _, _) in zip(moves, changes, strict=True)
    ]
    event = ChoicesChanged(tuple(moves))
    lines = list(dict.fromkeys(move.into for move in moves))
    return judged(cart, ctx, event, code, said("is_now", words=each_of(words)), lines=lines)


def _no_change(item: Item, place: Place) -> Ruling:
    return done("no_change", said("down_already", option=spoken(place, item)), lines=[])


def _all(item: Item, line: Line) -> Choices:
    return spelled_out(item, line.choices)
