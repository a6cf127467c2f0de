"""What can be had at this moment: an item or an option may be sold out, or served at other hours only."""

from agiza.domain.choice_names import spoken
from agiza.domain.context import Ruling, ToolContext, ask, refuse
from agiza.domain.hours import OpeningHours
from agiza.domain.menu_model import Group, Item, Path, Place
from agiza.domain.replies import one_of, option_name, plural
from agiza.domain.said import Said, said
from agiza.domain.spoken_hours import hours_words, opening_words


def item_blocker(item: Item, ctx: ToolContext) -> Ruling | None:
    """Why this item cannot be ordered now."""
    if item.id in ctx.sold_out:
        return refuse("item_sold_out", said("item_sold_out", items=plural(item.name)), item=item.id)
    if item.is_served(ctx.now) or item.served is None:
        return None
    return refuse("item_not_now", _not_now(item.name, item.served, ctx), item=item.id, served=item.served.spoken())


def is_out(place: Place, item: Item, ctx: ToolContext) -> bool:
    """An option is out by itself, because the item that it brings is, or because nothing is left in a group within it
    that must be chosen from."""
    group, option = place.group, place.option
    # a bare id that is an item's ("fries") means the item; an option of another item with that id is told by its group
    if f"{group.id}/{option.id}" in ctx.sold_out or (option.id in ctx.sold_out and ctx.menu.item(option.id) is None):
        return True
    part = ctx.menu.items.get(option.item) if option.item is not None else None
    if part is not None and (part.id in ctx.sold_out or not part.is_served(ctx.now)):
        return True
    return any(_too_few_left(opened, place.path, item, ctx) for opened in option.opens)


def why_out(place: Place, item: Item, ctx: ToolContext) -> Ruling:
    """The answer to the wish for an option that is out: what else there is, where something must be chosen."""
    group = place.group
    part = ctx.menu.items.get(place.option.item) if place.option.item is not None else None
    if part is not None and part.served is not None and part.id not in ctx.sold_out and not part.is_served(ctx.now):
        message = _not_now(part.name, part.served, ctx)
        return refuse("option_not_now", message, item=item.id, group=group.id, served=part.served.spoken())
    others = [item.places[(*place.under, other.id)] for other in group.options]
    left = [other for other in others if not is_out(other, item, ctx)]
    if group.min and left:
        return ask(
            "option_sold_out",
            said(
                "option_sold_out_others",
                option=option_name(place.option),
                item=spoken(item.places[place.under], item) if place.under else item.name,
                options=one_of(option_name(other.option) for other in left),
            ),
            item=item.id,
            group=group.id,
            options=[{"id": other.id, "name": str(spoken(other, item))} for other in left],
        )
    message = said("option_sold_out", option=option_name(place.option))
    return refuse("option_sold_out", message, item=item.id, group=group.id)


def _too_few_left(group: Group, under: Path, item: Item, ctx: ToolContext) -> bool:
    if group.min == 0:
        return False
    left = sum(not is_out(item.places[(*under, option.id)], item, ctx) for option in group.options)
    return left < group.min


def _not_now(name: str, served: OpeningHours, ctx: ToolContext) -> Said:
    opening = served.next_opening(ctx.now)
    if opening is None:
        return said("not_now", item=name, hours=hours_words(served))
    if ", and " in served.spoken():  # other hours on other days: a whole week is more than anybody wants to hear
        return said("not_now_until", item=name, opening=opening_words(opening, ctx.now))
    return said("not_now_again", item=name, hours=hours_words(served), opening=opening_words(opening, ctx.now))
