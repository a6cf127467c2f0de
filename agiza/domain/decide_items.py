"""Adding items, taking units off, and changing how many there are."""

from agiza.domain.availability import item_blocker
from agiza.domain.cart import Cart, CartEvent, ItemAdded, Line, QuantityChanged, Units, UnitsRemoved, evolve
from agiza.domain.choices import configure
from agiza.domain.commands import AddItem, ChangeQuantity, RemoveItem
from agiza.domain.configuration import written
from agiza.domain.context import Ruling, ToolContext, ask, done, refuse
from agiza.domain.ids import ItemId
from agiza.domain.limits import limit_broken
from agiza.domain.line_words import line_words
from agiza.domain.lines import ask_line, equal_line, find_target, line_name, new_line_id, not_in_order, unclear_item
from agiza.domain.menu_model import Item
from agiza.domain.names import option_of, resolve_item, resolve_kind
from agiza.domain.pricing import price_line
from agiza.domain.replies import counted, option_name, plural
from agiza.domain.said import Said, said


def add_item(cart: Cart, command: AddItem, ctx: ToolContext) -> Ruling:
    """Units with equal choices join an existing line. Nothing is added while something is missing or unclear."""
    match = resolve_item(command.name, ctx.menu)
    if match.found is None:
        return _ask_kind(command.name, ctx) or unclear_item(match, ctx)
    item = ctx.menu.items[ItemId(match.found)]
    blocker = item_blocker(item, ctx)
    if blocker is not None:
        return blocker
    configured = configure(item, command.modifiers, ctx)
    if isinstance(configured, Ruling):
        return configured
    choices = written(item, configured)
    existing = equal_line(cart, item.id, choices)
    line_id = existing.id if existing is not None else new_line_id(cart)
    event = ItemAdded(line_id, item.id, command.quantity, choices)
    line = Line(line_id, item.id, command.quantity, choices)
    words = line_words(price_line(line, ctx.menu), ctx.menu)
    return judged(cart, ctx, event, "item_added", said("added", words=words), lines=[line_id])


def remove_item(cart: Cart, command: RemoveItem, ctx: ToolContext) -> Ruling:
    """Without a quantity a single line goes as a whole. Of several lines the caller is asked which one, unless the
    quantity is all that there is."""
    gone = _gone_line(cart, command, ctx)
    if gone is not None:
        event = UnitsRemoved((Units(gone.id, gone.quantity),))
        return done("item_removed", said("taken_it_off"), event, lines=[gone.id])
    target = find_target(cart, command.item, command.line, ctx)
    if isinstance(target, Ruling):
        return target
    item, lines, quantity = target.item, target.lines, command.quantity
    if not lines:
        return _nothing_to_remove(cart, item)
    if quantity is not None and quantity > target.units:
        return refuse(
            "quantity_above_units",
            only(item, target.units),
            item=item.id,
            units=target.units,
        )
    if len(lines) > 1 and quantity != target.units:
        return ask_line(target, lines, ctx.menu)
    if len(lines) > 1 or quantity is None:
        units = tuple(Units(line.id, line.quantity) for line in lines)
    else:
        units = (Units(lines[0].id, quantity),)
    taken = sum(one.quantity for one in units)
    words = counted(item.name, taken)
    return done("item_removed", said("taken_off", words=words), UnitsRemoved(units), lines=[one.line for one in units])


def change_quantity(cart: Cart, command: ChangeQuantity, ctx: ToolContext) -> Ruling:
    """Sets how many units a line has; zero takes off all of them, also of several lines."""
    target = find_target(cart, command.item, command.line, ctx)
    if isinstance(target, Ruling):
        return target
    item, lines = target.item, target.lines
    if not lines:
        return _nothing_to_remove(cart, item) if command.quantity == 0 else not_in_order(item)
    if command.quantity == 0:
        units = tuple(Units(line.id, line.quantity) for line in lines)
        words = counted(item.name, target.units)
        return done(
            "item_removed", said("taken_off", words=words), UnitsRemoved(units), lines=[line.id for line in lines]
        )
    if command.quantity == target.units:
        return done("no_change", said("there_are_already", units=counted(item.name, target.units)), lines=[])
    if len(lines) > 1:
        return ask_line(target, lines, ctx.menu)
    line = lines[0]
    event = QuantityChanged(line.id, command.quantity)
    blocker = item_blocker(item, ctx)
    if command.quantity > line.quantity and blocker is not None:
        return blocker
    changed = Line(line.id, line.item, command.quantity, line.choices)
    named = line_name(changed, ctx.menu)
    return judged(cart, ctx, event, "quantity_changed", said("is_now", words=named), lines=[line.id])


def judged(cart: Cart, ctx: ToolContext, event: CartEvent, code: str, message: str, **detail: object) -> Ruling:
    """The event, unless the cart with it would break a limit."""
    return limit_broken(cart, evolve(cart, event), ctx) or done(code, message, event, **detail)


def only(item: Item, units: int) -> Said:
    """There are no more than these units."""
    return said("only_one" if units == 1 else "only_some", units=counted(item.name, units))


def _ask_kind(text: str, ctx: ToolContext) -> Ruling | None:
    """The question for a name that is a kind of something: "a coke" may well be the soda with cola."""
    kind = resolve_kind(text, ctx.menu)
    if kind is None:
        return None
    item = ctx.menu.items[kind[0]]
    option = option_of(item, kind[1])
    return ask(
        "unclear_item",
        said("did_you_mean_kind", item=item.name, option=option_name(option)),
        options=[{"id": item.id, "name": item.name, "modifiers": [option.id]}],
    )


def _nothing_to_remove(cart: Cart, item: Item) -> Ruling:
    """Taking off what is not there changes nothing, unless it has gone to the kitchen already."""
    ordered = next(
        (order for order in reversed(cart.placed) if any(line.item == item.id for line in order.lines)), None
    )
    if ordered is not None:
        return refuse(
            "already_placed",
            said("with_kitchen", number=ordered.number),
            item=item.id,
            order_number=ordered.number,
        )
    return done("nothing_to_remove", said("none_in_order", items=plural(item.name)), item=item.id, lines=[])


def _gone_line(cart: Cart, command: RemoveItem, ctx: ToolContext) -> Line | None:
    """A line whose item has left the menu has no names any more; its own id or the item's takes it off."""
    return next(
        (
            line
            for line in cart.lines
            if line.item not in ctx.menu.items and (line.id == command.line or line.item == command.item)
        ),
        None,
    )
