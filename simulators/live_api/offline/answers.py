"""Answers to questions, from what the setup message says and what searchMenu found."""

from collections.abc import Mapping

from simulators.live_api.offline.intents import Ask
from simulators.live_api.offline.menu_text import Group, Item, Menu
from simulators.live_api.offline.phrases import plain_words
from simulators.live_api.offline.wording import SMALL, choices, listed, plural, price, sentences
from simulators.speech.words import singular

_FULFILMENT_WORDS = {"pickup": "pickup", "delivery": "delivery", "dine-in": "eating in"}


def look_up(ask: Ask) -> str | None:
    """The item to ask searchMenu about: prices and stock change, so the server answers where one item is meant."""
    return ask.items[0] if ask.about in ("price", "have") and len(ask.items) == 1 else None


def answer(ask: Ask, menu: Menu) -> str:
    """One or two sentences. What the agent cannot know it says so; then `is_beyond` is true."""
    category = _category(ask, menu)
    if ask.about in ("list", "have") and category:
        names = [item.name for item in menu.items.values() if item.category == category]
        return f"For {category.lower()} we have {choices(names)}."
    if ask.about in ("list", "have", "price", "choices", "other") and (group := _group(ask, menu)) is not None:
        return f"For {group.name} there is {choices(option.name for option in group.options)}."
    if ask.about == "choices" and ask.items:
        return _choices_of(menu.items[ask.items[0]], menu)
    if ask.about in ("price", "list", "have") and ask.items:
        return sentences(*(_price_of(menu.items[item], ask, menu) for item in ask.items[:6]))
    if ask.about == "have" and ask.wishes:
        return f"Yes, there is {menu.option_name(ask.wishes[0][0])}."
    if ask.about in ("have", "price") and ask.words:
        return f"Sorry, I do not find {ask.words} on our menu."
    if ask.about == "list":
        return f"We have {listed(_categories(menu)) or choices(item.name for item in menu.items.values())}."
    if ask.about == "delivery":
        return f"Yes, we deliver. There is {_ways(menu)}." if "delivery" in menu.fulfilment else only_ways(menu)
    if ask.about == "time":
        return "The kitchen's time is told when the order is placed."
    return SMALL


def only_ways(menu: Menu) -> str:
    return f"Sorry, there is only {_ways(menu)}."


def _ways(menu: Menu) -> str:
    return listed([_FULFILMENT_WORDS.get(way, way) for way in menu.fulfilment], "or") or "pickup"


def is_beyond(ask: Ask, menu: Menu) -> bool:
    return answer(ask, menu) == SMALL


def answer_from(ask: Ask, found: Mapping[str, object], menu: Menu) -> tuple[str, str | None]:
    """(the answer, the item that can be offered). `found` is one match of searchMenu."""
    item_id = str(found.get("id", ""))
    item = menu.items.get(item_id)
    if item is None:
        return answer(ask, menu), None
    if found.get("sold_out") is True:
        return f"Sorry, we are out of {plural(item.name, 2)} today.", None
    minor = found.get("price_minor")
    now = minor if isinstance(minor, int) else item.price_minor
    words = _price_words(item, now, ask, menu)
    return (f"Yes, {words}" if ask.about == "have" else words[0].upper() + words[1:]), item_id


def _price_of(item: Item, ask: Ask, menu: Menu) -> str:
    words = _price_words(item, item.price_minor, ask, menu)
    return words[0].upper() + words[1:]


def _price_words(item: Item, minor: int | None, ask: Ask, menu: Menu) -> str:
    if minor is None:
        return f"there is {item.name}, but I do not know its price."
    options = [
        option
        for group in menu.groups_of(item.id)
        for option in group.options
        if any(option.id in wish for wish in ask.wishes)
    ]
    with_options = f" with {listed([option.name for option in options])}" if options else ""
    total = minor + sum(option.price_minor for option in options)
    return f"the {item.name}{with_options} is {price(max(0, total), menu.currency)}."


def _choices_of(item: Item, menu: Menu) -> str:
    groups = menu.groups_of(item.id)
    if not groups:
        return f"There is nothing to choose for the {item.name}."
    parts = [f"{group.name}: {choices(option.name for option in group.options)}" for group in groups]
    return f"For the {item.name} you can choose {'; '.join(parts)}."


def _categories(menu: Menu) -> list[str]:
    return list(dict.fromkeys(item.category.lower() for item in menu.items.values() if item.category))


def _category(ask: Ask, menu: Menu) -> str:
    heard = {singular(word) for word in plain_words(ask.words)}
    names = dict.fromkeys(item.category for item in menu.items.values() if item.category)
    return next((name for name in names if {singular(word) for word in plain_words(name)} <= heard), "")


def _group(ask: Ask, menu: Menu) -> Group | None:
    """The choice that is asked for by its name ("which dips"), of the item that is named, if one is."""
    heard = {singular(word) for word in plain_words(ask.words)} | ({"size"} if "size" in ask.words else set())
    groups = menu.groups_of(ask.items[0]) if ask.items else tuple(menu.groups.values())
    return next((group for group in groups if {singular(word) for word in plain_words(group.name)} & heard), None)
