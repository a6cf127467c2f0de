"""Looking something up on the menu for the caller: what there is, what it costs, what can be chosen."""

from agiza.domain.availability import is_out
from agiza.domain.commands import SearchMenu
from agiza.domain.context import Ruling, ToolContext, done
from agiza.domain.ids import ItemId
from agiza.domain.menu_model import Group, Item, Path, Place
from agiza.domain.names import items_holding, items_offering, resolve, resolve_item, words_of
from agiza.domain.replies import all_of, amount
from agiza.domain.said import Said, said
from agiza.domain.spoken_hours import hours_words

MATCHES_MAX = 10
SPOKEN_MAX = 4


def search_menu(command: SearchMenu, ctx: ToolContext) -> Ruling:
    """Items whose name, category or choices fit the query, best first; without a query, what kinds there are."""
    categories = [{"id": category.id, "name": category.name} for category in ctx.menu.categories]
    if not command.query:
        words = all_of(category.name.lower() for category in ctx.menu.categories)
        return done("menu", said("categories", words=words), matches=[], categories=categories)
    found = _find(command.query, ctx)[:MATCHES_MAX]
    if not found:
        words = all_of(category.name.lower() for category in ctx.menu.categories)
        return done("nothing_found", said("nothing_found", words=words), matches=[], categories=categories)
    spoken = [_words(item, ctx) for item in found[:SPOKEN_MAX]]
    key = "found_more" if len(found) > SPOKEN_MAX else "found"
    return done("menu", said(key, words=all_of(spoken)), matches=[item_view(item, ctx) for item in found])


def item_view(item: Item, ctx: ToolContext) -> dict[str, object]:
    """An item with its choices, for the model; what is sold out is marked, and when it is served, if not always."""
    view: dict[str, object] = {
        "id": item.id,
        "name": item.name,
        "price_minor": item.price_minor,
        "groups": [_group_view(group, (), item, ctx) for group in item.groups],
        "sold_out": item.id in ctx.sold_out,
    }
    if item.served is not None:
        view |= {"served": item.served.spoken(), "served_now": item.is_served(ctx.now)}
    return view


def _group_view(group: Group, under: Path, item: Item, ctx: ToolContext) -> dict[str, object]:
    return {
        "id": group.id,
        "name": group.name,
        "min": group.min,
        "max": group.max,
        "default": list(group.default),
        "quantity_max": group.quantity_max,
        "options": [_option_view(item.places[(*under, option.id)], item, ctx) for option in group.options],
    }


def _option_view(place: Place, item: Item, ctx: ToolContext) -> dict[str, object]:
    option = place.option
    view: dict[str, object] = {
        "id": place.id,
        "name": option.name,
        "price_minor": option.price_minor,
        "sold_out": is_out(place, item, ctx),
    }
    if option.quantity_max is not None:
        view["quantity_max"] = option.quantity_max
    if option.opens:
        view["groups"] = [_group_view(group, place.path, item, ctx) for group in option.opens]
    return view


def _find(query: str, ctx: ToolContext) -> list[Item]:
    menu = ctx.menu
    match = resolve_item(query, menu)
    ids: list[str] = [match.found] if match.found is not None else []
    category = resolve(query, {category.id: (category.name,) for category in menu.categories}).found
    if category is not None:
        ids += next(known.items for known in menu.categories if known.id == category)
    ids += items_holding(query, menu)
    ids += items_offering(query, menu)
    ids = ids or list(match.near)
    if not ids:
        # a question rather than a name ("anything spicy?"): each word for itself
        words = [word for word in words_of(query) if len(word) > 2]
        fitting = {
            item_id for word in words for find in (items_holding, items_offering) for item_id in find(word, menu)
        }
        ids = [item_id for item_id in menu.items if item_id in fitting]
    return [menu.items[ItemId(item_id)] for item_id in dict.fromkeys(ids)]


def _words(item: Item, ctx: ToolContext) -> Said:
    if item.id in ctx.sold_out:
        return said("sold_out_today", item=item.name)
    if item.served is not None and not item.is_served(ctx.now):
        return said("served_then", item=item.name, hours=hours_words(item.served))
    return said("item_for", item=item.name, price=amount(item.price_minor, ctx.branch.currency))
