"""How an answer completes what was asked about: the missing item, number or choice, and what was said besides."""

from dataclasses import replace

from simulators.live_api.offline.choosing import pick
from simulators.live_api.offline.intents import Add, AddWhich, Intent, Modify, Number, Replace, SetQuantity
from simulators.live_api.offline.menu_text import Menu
from simulators.live_api.offline.pending import Choose, Open
from simulators.live_api.offline.turns import ToolRequest
from simulators.live_api.offline.utterance import Utterance


def with_more(request: ToolRequest, asked: Choose, said: Utterance, menu: Menu) -> ToolRequest:
    """ "Medium, with extra cheese": the rest of the answer is for the same new line."""
    if request.name != "addItem":
        return request
    item = request.args.get("name")
    groups = menu.groups_of(str(item))
    offered = {option.id for option in asked.options}
    wishes = [wish for intent in said.intents if isinstance(intent, Modify) for wish in intent.wishes]
    wishes += [(o,) for i in said.intents if isinstance(i, Add) and i.item == item for o in i.options]
    fitting = (next((o for group in groups for o in wish if group.option(o)), None) for wish in wishes)
    more = [option for option in fitting if option is not None and option not in offered]
    modifiers = request.args.get("modifiers")
    kept = list(modifiers) if isinstance(modifiers, list) else []
    return ToolRequest("addItem", {**request.args, "modifiers": [*kept, *more]}) if more else request


def settled(asked: Open, said: Utterance, menu: Menu) -> list[Intent] | None:
    """The wish with what it lacked, and the other wishes of the answer; None when it was no answer."""
    new = asked.wish.new if isinstance(asked.wish, Replace) else asked.wish
    candidates = (new.item,) if isinstance(new, Add) else new.candidates
    named = next((i for i in said.intents if isinstance(i, Add) and i.item in candidates), None)
    others = [i for i in said.intents if i is not named and not isinstance(i, AddWhich | Modify | Number)]
    if isinstance(new, Add):
        number = named.quantity if named is not None else said.number
        return [replace(new, quantity=number), *others] if number else None
    chosen = pick(asked.options, said.text)
    item = named.item if named is not None else chosen.id if chosen is not None else None
    if item is None:
        return None
    wishes = [wish for i in said.intents if isinstance(i, Modify) for wish in i.wishes]
    more = named.options if named is not None else tuple(option for wish in wishes for option in wish)
    options = [option for option in (*new.options, *more) if menu.can_have(item, option)]
    said_number = said.number if said.number != 1 else None  # "the beef one" counts nothing
    quantity = said_number or new.quantity or (named.quantity if named is not None else None) or 1
    add = Add(item, quantity, tuple(options), new.shares)
    return [replace(asked.wish, new=add) if isinstance(asked.wish, Replace) else add, *others]


def count_of(said: Utterance) -> int | None:
    """ "make that two", said of the thing that is still being asked about."""
    edits = said.edits
    if len(edits) == 1 and isinstance(edits[0], SetQuantity) and edits[0].ref.is_that:
        return edits[0].quantity
    return None


def is_answer(intent: Intent, chosen: str, request: ToolRequest) -> bool:
    """Whether the intent is part of the answer ("large", "the large margherita") and no wish besides."""
    if isinstance(intent, Modify):
        return request.name == "addItem" or any(chosen in wish for wish in intent.wishes)
    if isinstance(intent, Add):
        return intent.item == chosen or chosen in intent.options or intent.item == request.args.get("name")
    return isinstance(intent, AddWhich)
