"""The functions that the model may call, as Gemini Live declarations generated from a menu.

Item and option ids are enums, so that a well-behaved model cannot invent one; the server judges every argument
all the same. ``parameters`` is the OpenAPI subset with upper-case types (``additionalProperties`` is not part of it
and closes the session with 1007). ``behavior`` is always given, since the newest models call functions without
blocking by default. Every extra word here is billed on each turn: descriptions are short and the menu itself stands
once, in the system instruction (:mod:`agiza.contracts.instructions`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, get_args

from agiza.contracts.events import EscalationReason
from agiza.domain import commands
from agiza.domain.menu import Branch, Menu

ESCALATE: Final = "escalate"
END_CALL: Final = "endCall"
SWITCH_LANGUAGE: Final = "switchLanguage"
GET_TOTAL: Final = "getTotal"
PLACE_ORDER: Final = "placeOrder"
CANCEL_ORDER: Final = "cancelOrder"
ORDER_QUESTIONS: Final = frozenset({CANCEL_ORDER, "orderStatus"})
"""Tools that are about orders, also those that the caller has placed in another call."""

MUTATING_TOOLS: Final = commands.MUTATING_TOOLS
"""Tools that may change a cart or an order; the others only read."""

ORDER_TOOLS: Final = MUTATING_TOOLS | {"searchMenu", GET_TOTAL, "orderStatus"}
"""Tools that ``orders`` carries out. ``escalate`` goes to the escalation service; ``endCall`` and
``switchLanguage`` stay in the bridge."""

Schema = dict[str, Any]


def declarations(menu: Menu, branch: Branch) -> list[dict[str, Any]]:
    """The function declarations for ``setup.tools[0].functionDeclarations`` of one call."""
    item = _text("Item id from the menu", enum=menu.items)
    option = _text("Option id from the menu's choices", enum=_option_ids(menu))
    line = _text("Line id of the cart, when the same item stands on several lines")
    quantity = _whole("How many")
    return [
        _function(
            "addItem",
            "Add an item to the cart. Call it as soon as the caller has named an item. If the answer asks something, "
            "ask the caller.",
            {"name": item, "quantity": _whole("How many, 1 if not said"), "modifiers": _list(option)},
            required=["name"],
        ),
        _function(
            "applyModifier",
            "Choose an option (size, without, extra ...) for an item that is in the cart. quantity: for how many of "
            "the units, when not for all; 0 takes the option off again.",
            {"item": item, "modifier": option, "quantity": quantity, "line": line, **_inner_choices(menu, option)},
            required=["item", "modifier"],
        ),
        _function(
            "removeItem",
            "Take an item, or some of its units, out of the cart. Name the item or the line.",
            {"item": item, "line": line, "quantity": quantity},
        ),
        _function(
            "changeQuantity",
            "Set how many of an item the caller wants. Name the item or the line.",
            {"item": item, "line": line, "quantity": quantity},
            required=["quantity"],
        ),
        _function(
            "searchMenu",
            "Look something up on the menu: price, choices, what is sold out.",
            {"query": _text("Words to look for, for example the name of an item")},
            required=["query"],
        ),
        _function(
            GET_TOTAL,
            "Price the cart. Say its read_back sentence to the caller word by word and ask whether it is right, "
            "before placeOrder.",
            {},
        ),
        _function(
            "setCustomer",
            "Note what the caller says about themselves and how they want the food.",
            {
                "name": _text("The caller's name"),
                "phone": _text("A number to ring back, as the caller said it"),
                "fulfilment": _text("How they get the food", enum=branch.fulfilment),
                "address": _text("Where to deliver"),
                "note": _text("A short wish for the kitchen"),
            },
        ),
        _function(
            PLACE_ORDER, "Place the order, only after the caller said yes to the read-back. Tell the order number.", {}
        ),
        _function(
            "orderStatus",
            "Where an order of this caller is.",
            {"order": _text("Order number; the latest if left out")},
        ),
        _function(
            CANCEL_ORDER,
            "Cancel a placed order of this caller, while the kitchen allows it.",
            {"order": _text("Order number; the latest if left out")},
        ),
        _function(
            ESCALATE,
            "Hand the call to a person of the branch. Say to the caller what the answer tells you.",
            {
                "reason": _text("Why", enum=get_args(EscalationReason)),
                "summary": _text("Two sentences for the person who takes over"),
            },
            required=["reason", "summary"],
            behavior="NON_BLOCKING",
        ),
        *_switch_language(branch),
        _function(END_CALL, "Hang up, after you have said goodbye.", {}),
    ]


def _switch_language(branch: Branch) -> list[dict[str, Any]]:
    """Only where there is something to switch to. Answered by the bridge at once, so it may block."""
    if len(set(branch.languages)) < 2:
        return []
    return [
        _function(
            SWITCH_LANGUAGE,
            "Go on in another language, when the caller asks for it or keeps speaking it. Say the answer's message.",
            {"language": _text("The language to speak from now on", enum=dict.fromkeys(branch.languages))},
            required=["language"],
        )
    ]


def _option_ids(menu: Menu) -> list[str]:
    """Options by their ids, choices within them by their paths."""
    outer = [option.id for group in menu.groups.values() for option in group.options]
    inner = [place.id for item in menu.items.values() for place in item.places.values() if place.under]
    return list(dict.fromkeys([*outer, *inner]))


def _inner_choices(menu: Menu, option: Schema) -> dict[str, Schema]:
    """Only where something within an option must be chosen together with it."""
    if not any(
        len(opened.default) < opened.min
        for item in menu.items.values()
        for place in item.places.values()
        for opened in place.option.opens
    ):
        return {}
    return {"choices": {**_list(option), "description": "What the caller chose within this option"}}


def _function(
    name: str,
    description: str,
    properties: dict[str, Schema],
    required: list[str] | None = None,
    behavior: str = "BLOCKING",
) -> dict[str, Any]:
    declaration: dict[str, Any] = {"name": name, "description": description, "behavior": behavior}
    if properties:  # an OBJECT without properties is refused by the API; a function without arguments has no schema
        declaration["parameters"] = {"type": "OBJECT", "properties": properties}
        if required:
            declaration["parameters"]["required"] = required
    return declaration


def _text(description: str, enum: Iterable[str] | None = None) -> Schema:
    schema: Schema = {"type": "STRING", "description": description}
    if enum is not None:
        schema["enum"] = list(enum)
    return schema


def _whole(description: str) -> Schema:
    return {"type": "INTEGER", "description": description}


def _list(items: Schema) -> Schema:
    return {"type": "ARRAY", "items": items, "description": "Options of this item that the caller named"}
