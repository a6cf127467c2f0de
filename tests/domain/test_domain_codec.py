"""Stored carts and events: what is written is read back, and nothing else is read."""

import copy
import json
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from domain_scenario import Call

from agiza.domain.cart import CartEvent, OrderPlaced, evolve
from agiza.domain.codec import EVENT_TYPES, CodecError, cart_from_json, cart_to_json, event_from_json, event_to_json


def whole_story() -> tuple[Call, list[CartEvent]]:
    """A call in which every kind of event happens."""
    call = Call()
    events: list[CartEvent] = []
    steps: list[tuple[str, dict[str, object]]] = [
        ("addItem", {"name": "chicken-burger", "quantity": 3}),
        ("addItem", {"name": "chicken-burger-combo", "modifiers": ["bacon", "bacon"]}),
        ("applyModifier", {"item": "chicken-burger", "modifier": "no-onions", "quantity": 1}),
        ("removeItem", {"line": "line-1", "quantity": 1}),
        ("changeQuantity", {"line": "line-3", "quantity": 2}),
        ("setCustomer", {"name": "Grace", "phone": "0712345678", "fulfilment": "delivery", "address": "Ring Road"}),
    ]
    for tool, args in steps:
        events += call.call(tool, args).events
    events += call.read("cut").events
    events += call.tool("placeOrder").events
    events += call.tool("placeOrder").events
    events += call.tool("cancelOrder").events
    call.add("tea")
    call.read()
    return call, events


STORY, EVENTS = whole_story()


def test_the_story_has_every_kind_of_event() -> None:
    assert {type(event) for event in EVENTS} == set(EVENT_TYPES.values())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_events_come_back(event: CartEvent) -> None:
    document = json.loads(json.dumps(event_to_json(event)))
    assert document["version"] == (2 if isinstance(event, OrderPlaced) else 1)
    assert EVENT_TYPES[document["type"]] is type(event)
    assert event_from_json(document) == event


def test_the_cart_comes_back() -> None:
    document = json.loads(json.dumps(cart_to_json(STORY.cart)))
    assert document["schema_version"] == 2
    assert cart_from_json(document) == STORY.cart


def test_the_stored_shape_of_an_event() -> None:
    """What stands in databases stays readable: change this only together with a new version."""
    assert event_to_json(EVENTS[2]) == {
        "type": "choices_changed",
        "version": 1,
        "moves": [
            {
                "line": "line-1",
                "quantity": 1,
                "choices": [{"group": "burger-without", "option": "no-onions", "quantity": 1}],
                "into": "line-3",
            }
        ],
    }


def test_the_stored_shape_of_a_cart() -> None:
    assert cart_to_json(Call().cart) == {
        "schema_version": 1,
        "id": "cart-1",
        "branch_id": "westlands",
        "menu_version": 1,
        "version": 0,
        "lines": [],
        "customer": {"name": None, "phone": None, "fulfilment": None, "address": None, "note": None},
        "quote": None,
        "placed": [],
        "lines_made": 0,
    }


def _set(document: dict[str, Any], path: tuple[object, ...], value: object) -> None:
    node: Any = document
    for step in path[:-1]:
        node = node[step]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema_version",), 3, "schema_version 3 is none of 1 to 2"),
        (("schema_version",), True, "schema_version True is none of 1 to 2"),
        (("schema_version",), 1, "wrong fields"),
        (("schema_version",), None, "schema_version None is none of 1 to 2"),
        (("version",), "3", "cart.version must be int"),
        (("version",), True, "cart.version must be int"),
        (("lines",), {}, "cart.lines must be a list"),
        (("lines", 0), 7, r"cart.lines\[0\] must be an object"),
        (("lines", 0, "item"), 7, r"cart.lines\[0\].item must be str"),
        (("lines", 0, "price"), 7, "wrong fields: .'price'."),
        (("lines", 0, "quantity"), None, "wrong fields: .'quantity'."),
        (("customer", "fulfilment"), "drone", "cart.customer.fulfilment has an unknown value"),
        (("placed", 0, "cancel_requested"), 1, "must be bool"),
    ],
)
def test_anything_else_is_refused(path: tuple[object, ...], value: object, message: str) -> None:
    document = copy.deepcopy(cart_to_json(STORY.cart))
    _set(document, path, value)
    with pytest.raises(CodecError, match=message):
        cart_from_json(document)


@pytest.mark.parametrize("document", [{}, {"type": "item_eaten", "version": 1}, {"type": [], "version": 1}])
def test_unknown_events_are_refused(document: dict[str, object]) -> None:
    with pytest.raises(CodecError, match="no known type"):
        event_from_json(document)


def test_events_of_another_version_are_refused() -> None:
    with pytest.raises(CodecError, match="version 3"):
        event_from_json({**event_to_json(EVENTS[0]), "version": 3})


class TestVersionOne:
    """What yesterday's code stored: made by it, kept in a file, never to be changed."""

    stored = json.loads((Path(__file__).parent / "stored_v1.json").read_text())

    def test_its_events_make_its_cart(self) -> None:
        call = Call()
        events = [event_from_json(event) for event in self.stored["events"]]
        assert reduce(evolve, events, call.cart) == cart_from_json(self.stored["cart"])

    def test_a_cart_of_it_goes_on(self) -> None:
        call = Call()
        call.cart = cart_from_json(self.stored["cart"])
        lines = call.view()["lines"]
        assert [line["spoken"] for line in lines] == [
            "two chicken burger combos with fries and soda",
            "one soda, orange",
        ]
        assert [option["id"] for option in lines[0]["parts"][1]["options"]] == ["soda/cola", "soda/regular"]
        call.tool("applyModifier", item="chicken-burger-combo", modifier="soda/orange", quantity=1)
        call.add("chicken-burger-combo")
        assert [line.quantity for line in call.cart.lines] == [2, 1, 1], "an old line and a new one are alike"

    def test_what_is_not_new_is_still_written_as_it(self) -> None:
        call = Call()
        call.add("chicken-burger-combo", 1, ["masala-chips"])
        assert cart_to_json(call.cart)["schema_version"] == 1
        call.add("chicken-burger-combo", 1, ["soda/orange"])
        document = cart_to_json(call.cart)
        assert document["schema_version"] == 2
        assert cart_from_json(json.loads(json.dumps(document))) == call.cart

    @pytest.mark.parametrize("missing", ["group", "quantity"])
    def test_it_is_read_as_strictly(self, missing: str) -> None:
        document = copy.deepcopy(self.stored["cart"])
        del document["lines"][0]["choices"][0][missing]
        with pytest.raises(CodecError, match="wrong fields"):
            cart_from_json(document)
