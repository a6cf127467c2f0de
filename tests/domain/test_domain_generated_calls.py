"""Whole calls over generated menus: each function call comes twice under its key, and once more at the end."""

import copy
import json
from functools import reduce
from typing import Any

from desk_world import BRANCH, World, call
from generated_menus import Doc, menus
from hypothesis import given
from hypothesis import strategies as st
from menu_oracle import Oracle

from agiza.domain.cart import Cart, evolve
from agiza.domain.codec import cart_from_json, cart_to_json, event_from_json, event_to_json
from agiza.domain.entry import Entry, Held
from agiza.domain.ids import CartId
from agiza.domain.menu import parse_branch


def world_of(doc: Doc) -> World:
    """The desk of a branch with this menu."""
    named = copy.deepcopy(doc)
    named["branch"]["id"] = BRANCH
    file = parse_branch(named)
    return World(held=Held(file.menu, file.branch, Cart(CartId("cart-1"), BRANCH, menu_version=1)))


def step(data: st.DataObject, world: World, oracle: Oracle) -> tuple[str, dict[str, Any]]:
    """One function call as a model may make it, sensible or not."""
    lines = world.held.cart.lines
    kind = data.draw(st.sampled_from(["add", "add", "modify", "remove", "change", "customer", "place"]), label="kind")
    if kind == "customer":
        return "setCustomer", {"name": data.draw(st.sampled_from(["Grace", "Otieno"])), "fulfilment": "pickup"}
    if kind == "place":
        return "placeOrder", {}
    if kind == "add" or not lines:
        item_id = data.draw(st.sampled_from(sorted(oracle.items)), label="item")
        paths = oracle.paths(item_id)
        named = data.draw(st.lists(st.sampled_from(paths), max_size=3)) if paths else []
        return "addItem", {"name": item_id, "quantity": data.draw(st.integers(1, 3)), "modifiers": named}
    line = data.draw(st.sampled_from(lines), label="line")
    if kind == "remove":
        return "removeItem", {"line": line.id}
    if kind == "change":
        return "changeQuantity", {"line": line.id, "quantity": data.draw(st.integers(0, 4))}
    modifier = data.draw(st.sampled_from([*oracle.paths(line.item), "none-of-it"]), label="modifier")
    return "applyModifier", {
        "line": line.id,
        "modifier": modifier,
        "quantity": data.draw(st.sampled_from([None, 0, 1])),
    }


@given(doc=menus(), data=st.data(), length=st.integers(1, 8))
def test_every_function_call_counts_once(doc: Doc, data: st.DataObject, length: int) -> None:
    world, oracle = world_of(doc), Oracle(doc)
    started = world.held.cart
    sent: list[tuple[Entry, dict[str, Any]]] = []
    history: list[dict[str, Any]] = []

    def deliver(entry: Entry) -> dict[str, Any]:
        settled = world.settle(entry)
        history.extend(json.loads(json.dumps(event_to_json(change.event))) for change in settled.changes)
        (answer,) = settled.answers
        return answer.response

    for _ in range(length):
        tool, args = step(data, world, oracle)
        heard = None
        if tool == "placeOrder" and world.held.cart.lines:
            total = world.entry(call("getTotal"))
            priced = deliver(total)
            sent.append((total, priced))
            heard = world.heard()
        # the model knows the cart as it is now, or, sometimes, only as it was
        told = world.held.cart.version - data.draw(st.sampled_from([0, 0, 0, 1]), label="behind")
        entry = world.entry(call(tool, **args), told=max(0, told), heard=heard)
        is_stale = max(0, told) != world.held.cart.version
        before = world.held.cart
        response = deliver(entry)
        if is_stale and (tool != "placeOrder" or before.lines):
            assert (response["code"], world.held.cart) == ("stale_cart", before)
        kept, orders, feed = world.held.cart, world.counter, list(world.feed)
        assert deliver(entry) == response
        assert (world.held.cart, world.counter, world.feed) == (kept, orders, feed)
        sent.append((entry, response))

    end, orders, feed = world.held.cart, world.counter, list(world.feed)
    for entry, response in sent:
        assert deliver(entry) == response
    assert (world.held.cart, world.counter, world.feed) == (end, orders, feed)
    assert world.numbers == list(range(1, orders + 1))
    assert reduce(evolve, (event_from_json(event) for event in history), started) == end
    assert cart_from_json(json.loads(json.dumps(cart_to_json(end)))) == end
