"""Which lines of the cart a command means, and how to name them when the caller must be asked."""

from dataclasses import dataclass

from agiza.domain.cart import Cart, Choice, Line
from agiza.domain.context import Ruling, ToolContext, ask, refuse
from agiza.domain.ids import ItemId, LineId
from agiza.domain.line_words import line_words
from agiza.domain.menu_model import Item, Menu
from agiza.domain.names import Match, item_names, names_holding, resolve_item
from agiza.domain.pricing import fits_menu, price_line
from agiza.domain.replies import one_of, plural
from agiza.domain.said import said

SPOKEN_MAX = 4  # of the things that an ask-back offers; nobody keeps more in mind


@dataclass(frozen=True, slots=True)
class Target:
    """Lines of one item, in the cart's order. Empty: the item is on the menu, but not in the cart."""

    item: Item
    lines: tuple[Line, ...]

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines)


def find_target(cart: Cart, item_text: str | None, line_id: str | None, ctx: ToolContext) -> Target | Ruling:
    """The lines that `item` or `line` names. A line id is exact; a word that fits several items of the menu, but one
    item of the cart, means that one ("the burger")."""
    if line_id is not None:
        line = cart.line(line_id)
        if line is None or line.item not in ctx.menu.items:
            return refuse("unknown_line", said("unknown_line"), line=line_id)
        if item_text is not None and resolve_item(item_text, ctx.menu).found not in (None, line.item):
            return refuse("line_mismatch", said("line_mismatch"), line=line_id)
        return Target(ctx.menu.items[line.item], (line,))
    match = resolve_item(item_text or "", ctx.menu)
    ordered = tuple(dict.fromkeys(line.item for line in cart.lines if line.item in ctx.menu.items))
    found = match.found
    if found is None:
        named = names_holding(item_text or "", {item: item_names(ctx.menu.items[item]) for item in ordered})
        found = named[0] if len(named) == 1 else None
    if found is None:
        near_here = tuple(item for item in match.near if item in ordered)
        return unclear_item(Match(None, near_here or match.near), ctx)
    item = ctx.menu.items[ItemId(found)]
    return Target(item, tuple(line for line in cart.lines if line.item == item.id))


def unclear_item(match: Match, ctx: ToolContext) -> Ruling:
    """What to answer to a name that is no item: ask back with what it may mean, or say that there is none."""
    items = [ctx.menu.items[ItemId(item_id)] for item_id in match.near]
    if not items:
        return refuse("unknown_item", said("unknown_item"))
    spoken = [said("the_item", item=item.name) for item in items[:SPOKEN_MAX]]
    if len(items) > SPOKEN_MAX:
        spoken.append(said("another_one"))
    return ask(
        "unclear_item",
        said("did_you_mean", names=one_of(spoken)),
        options=[{"id": item.id, "name": item.name} for item in items],
    )


def not_in_order(item: Item) -> Ruling:
    return refuse("not_in_order", said("none_in_order", items=plural(item.name)), item=item.id)


def ask_line(target: Target, lines: tuple[Line, ...], menu: Menu) -> Ruling:
    """The question which of several lines is meant."""
    names = [line_name(line, menu) for line in lines]
    question = said("do_you_mean", name=names[0]) if len(names) == 1 else said("which_of", names=one_of(names))
    return ask(
        "unclear_line",
        question,
        item=target.item.id,
        options=[{"id": line.id, "name": str(name)} for line, name in zip(lines, names, strict=True)],
    )


def line_name(line: Line, menu: Menu) -> str:
    """The line in words; a line that no longer fits the menu is named by its item alone."""
    if fits_menu(line, menu):
        return line_words(price_line(line, menu), menu)
    item = menu.items.get(line.item)
    return item.name if item is not None else line.item.replace("-", " ")


def equal_line(cart: Cart, item: ItemId, choices: tuple[Choice, ...]) -> Line | None:
    return next((line for line in cart.lines if line.item == item and line.choices == choices), None)


def new_line_id(cart: Cart) -> LineId:
    """The id of the next new line; ids are never used twice in a cart."""
    return LineId(f"line-{cart.lines_made + 1}")
