"""Carts over menus that nobody has thought of, judged by an oracle that knows only the raw document."""

from typing import Any

from domain_scenario import Call
from generated_menus import Doc, menus
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from menu_oracle import Config, Oracle

from agiza.domain.cart import Cart, CartEvent, Line
from agiza.domain.configuration import spelled_out
from agiza.domain.menu import parse_branch
from agiza.domain.tool_calls import ToolOutcome

CONFIGURATIONS_MAX = 400  # of one item: what can be listed in a test


def a_call(doc: Doc, **context: Any) -> Call:
    return Call(file=parse_branch(doc), **context)


def config_of(call: Call, line: Line) -> Config:
    return {
        "/".join(choice.path): choice.quantity for choice in spelled_out(call.file.menu.items[line.item], line.choices)
    }


def small_item(data: st.DataObject, oracle: Oracle) -> str:
    item_id = data.draw(st.sampled_from(sorted(oracle.items)), label="item")
    assume(0 < oracle.count(item_id) <= CONFIGURATIONS_MAX)
    return item_id


@given(doc=menus(), data=st.data())
def test_exactly_what_the_menu_allows_is_taken(doc: Doc, data: st.DataObject) -> None:
    """Any options, named in any order and any number of times: taken if and only if they come to a valid choice."""
    oracle = Oracle(doc)
    item_id = small_item(data, oracle)
    paths, crowds = oracle.paths(item_id), oracle.crowds(item_id)
    # anything, or one more than a group takes, perhaps
    any_of = st.lists(st.sampled_from(paths), max_size=6) if paths else st.just([])
    crowd = st.sampled_from(crowds).flatmap(st.permutations) if crowds else any_of
    named = list(data.draw(any_of | crowd, label="named"))
    expected = oracle.asked_for(item_id, named)
    call = a_call(doc)
    outcome = call.tool("addItem", name=item_id, modifiers=named)
    if expected is None:
        assert outcome.status in ("ask", "refused")
        assert outcome.events == ()
        return
    assert outcome.status == "ok", outcome
    (line,) = call.cart.lines
    assert config_of(call, line) == expected
    assert expected in oracle.configurations(item_id)
    assert call.view()["lines"][0]["unit_minor"] == oracle.unit(item_id, expected)


@given(doc=menus(), data=st.data())
def test_whatever_the_menu_allows_can_be_had(doc: Doc, data: st.DataObject) -> None:
    """Every valid choice is reached: all that is wanted is named, and then what came by default is taken off."""
    oracle = Oracle(doc)
    item_id = small_item(data, oracle)
    wanted = data.draw(st.sampled_from(oracle.configurations(item_id)), label="wanted")
    call = a_call(doc)
    named = [path for path, times in wanted.items() for _ in range(times)]
    assert call.tool("addItem", name=item_id, modifiers=named).status == "ok"
    for path in sorted(config_of(call, call.cart.lines[0]).keys() - wanted.keys(), key=lambda path: path.count("/")):
        if path in config_of(call, call.cart.lines[0]):
            assert call.tool("applyModifier", item=item_id, modifier=path, quantity=0).status == "ok"
    (line,) = call.cart.lines
    assert config_of(call, line) == wanted
    assert call.view()["lines"][0]["unit_minor"] == oracle.unit(item_id, wanted)
    assert call.place().code == "order_placed"


@given(doc=menus(), data=st.data())
def test_nothing_that_is_sold_out_is_taken(doc: Doc, data: st.DataObject) -> None:
    oracle = Oracle(doc)
    item_id = small_item(data, oracle)
    paths = oracle.paths(item_id)
    named = data.draw(st.lists(st.sampled_from(paths), max_size=3), label="named") if paths else []
    out = data.draw(st.sets(st.sampled_from(oracle.entries()), max_size=3), label="sold out")
    expected = oracle.asked_for(item_id, named)
    gone = oracle.gone(out)
    possible = (
        expected is not None and item_id not in out and not any(path.rpartition("/")[2] in gone for path in expected)
    )
    call = a_call(doc, sold_out=frozenset(out))
    assert (call.tool("addItem", name=item_id, modifiers=named).status == "ok") == possible
    assert bool(call.cart.lines) == possible


class GeneratedCart(RuleBasedStateMachine):
    """Any sequence of calls on any menu. What comes out of it is always valid, priced right, and kept as it was."""

    call: Call
    oracle: Oracle
    started: Cart
    events: list[CartEvent]
    told: int

    @initialize(doc=menus())
    def begin(self, doc: Doc) -> None:
        self.oracle = Oracle(doc)
        self.call = a_call(doc)
        self.started = self.call.cart
        self.events = []
        self.delivers = "delivery" in doc["branch"]["fulfilment"]
        self.number = 0
        self.out: set[str] = set()

    def do(self, tool: str, **args: Any) -> ToolOutcome:
        """One call, made twice: with the version that it was first told, the second one changes nothing."""
        told = self.call.cart.version
        had = self.taken()
        self.call.set(cart_version_told=told)
        outcome = self.call.call(tool, args)
        self.events += outcome.events
        self.nothing_gone_was_taken(had, tool)
        before = self.call.cart
        again = self.call.call(tool, args)
        if self.call.cart.version != told or outcome.events == ():
            assert again.events == (), (tool, args, again)
            assert self.call.cart == before
        if before.version != told and tool not in ("getTotal", "placeOrder"):
            assert (again.status, again.code) == ("refused", "stale_cart")
            assert again.detail["cart_version"] == before.version
        if outcome.status == "refused":
            assert outcome.events == ()
        return outcome

    def taken(self) -> set[tuple[str, str]]:
        """Everything that some line has, as (item, path); the item itself has the empty path."""
        return {(line.item, path) for line in self.call.cart.lines for path in ("", *config_of(self.call, line))}

    def nothing_gone_was_taken(self, had: set[tuple[str, str]], tool: str) -> None:
        """What was there before it ran out may stay; nothing of it comes in anew."""
        for item_id, path in self.taken() - had:
            assert path.rpartition("/")[2] not in self.oracle.gone(self.out), (tool, item_id, path)
            assert item_id not in self.out, (tool, item_id)

    @precondition(lambda self: self.call.cart.lines)
    @rule(data=st.data(), is_on_line=st.booleans())
    def run_out(self, data: st.DataObject, is_on_line: bool) -> None:
        """Something that a line has, or could have, runs out; then somebody asks for it, or wants the cart as it is."""
        line = data.draw(st.sampled_from(self.call.cart.lines), label="line")
        has = sorted(config_of(self.call, line))
        paths = has if is_on_line else [path for path in self.oracle.paths(line.item) if path not in has]
        if not paths:
            return
        path = data.draw(st.sampled_from(paths), label="option")
        self.out = {data.draw(st.sampled_from(self.oracle.entry_of(path)), label="sold out")}
        self.call.set(sold_out=frozenset(self.out))
        if is_on_line:
            self.place()
        else:
            self.do("applyModifier", line=line.id, modifier=path)

    @rule()
    def come_in(self) -> None:
        self.out = set()
        self.call.set(sold_out=frozenset())

    @precondition(lambda self: self.call.cart.lines)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        """Something that a line has is not wanted: what it must have, or what other choices stand in, perhaps."""
        line = data.draw(st.sampled_from(self.call.cart.lines), label="line")
        has = sorted(config_of(self.call, line))
        if has:
            self.do("applyModifier", line=line.id, modifier=data.draw(st.sampled_from(has), label="option"), quantity=0)

    def items(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.oracle.items)), label="item")

    def option(self, data: st.DataObject, item_id: str) -> str:
        return data.draw(st.sampled_from([*self.oracle.paths(item_id), "nothing-of-it"]), label="option")

    @rule(data=st.data(), quantity=st.integers(1, 3), count=st.integers(0, 3))
    def add(self, data: st.DataObject, quantity: int, count: int) -> None:
        item_id = self.items(data)
        named = [self.option(data, item_id) for _ in range(count)]
        self.do("addItem", name=item_id, quantity=quantity, modifiers=named)

    @precondition(lambda self: self.call.cart.lines)
    @rule(data=st.data(), quantity=st.none() | st.integers(0, 4), within=st.booleans())
    def modify(self, data: st.DataObject, quantity: int | None, within: bool) -> None:
        line = data.draw(st.sampled_from(self.call.cart.lines), label="line")
        option = self.option(data, line.item)
        inner = [path for path in self.oracle.paths(line.item) if path.startswith(option + "/")]
        choices = [data.draw(st.sampled_from(inner), label="within")] if within and inner else []
        self.do("applyModifier", line=line.id, modifier=option, quantity=quantity, choices=choices)

    @precondition(lambda self: self.call.cart.lines)
    @rule(data=st.data(), quantity=st.none() | st.integers(1, 2))
    def remove(self, data: st.DataObject, quantity: int | None) -> None:
        line = data.draw(st.sampled_from(self.call.cart.lines), label="line")
        self.do("removeItem", line=line.id, quantity=quantity)

    @precondition(lambda self: self.call.cart.lines)
    @rule(data=st.data(), quantity=st.integers(0, 5))
    def change(self, data: st.DataObject, quantity: int) -> None:
        line = data.draw(st.sampled_from(self.call.cart.lines), label="line")
        self.do("changeQuantity", line=line.id, quantity=quantity)

    @rule(way=st.sampled_from(["pickup", "delivery"]))
    def say_how(self, way: str) -> None:
        self.do("setCustomer", fulfilment=way, address="12 Ring Road")

    @precondition(lambda self: self.call.cart.lines)
    @rule()
    def place(self) -> None:
        self.number += 1
        self.call.set(order_number=self.number, order_id=f"order-{self.number}", cart_version_told=None)
        expected, wanted = self.recomputed(), self.taken()
        total = self.call.read()
        self.events += total.events
        outcome = self.do("placeOrder")
        if outcome.code == "order_placed":
            totals = self.call.cart.placed[-1].totals
            assert (totals.subtotal_minor, totals.tax_minor, totals.total_minor) == expected
            assert sum(tax.amount_minor for tax in totals.taxes) == totals.tax_minor
            for item_id, path in wanted:
                assert item_id not in self.out, "nobody can make it"
                assert path.rpartition("/")[2] not in self.oracle.gone(self.out), "nobody can make it"

    def recomputed(self) -> tuple[int, int, int]:
        cart = self.call.cart
        wanted = cart.customer.fulfilment == "delivery" and self.delivers
        travels = any(order.fulfilment == "delivery" for order in cart.placed[-1:])
        lines = [(line.item, line.quantity, config_of(self.call, line)) for line in cart.lines]
        return self.oracle.totals(lines, wanted and not travels)

    @invariant()
    def every_line_is_a_valid_choice(self) -> None:
        for line in self.call.cart.lines:
            config = config_of(self.call, line)
            if self.oracle.count(line.item) <= CONFIGURATIONS_MAX:
                assert config in self.oracle.configurations(line.item)

    @invariant()
    def the_total_is_the_recomputation(self) -> None:
        view = self.call.view()
        assert (view["subtotal_minor"], view["tax_minor"], view["total_minor"]) == self.recomputed()

    @invariant()
    def equal_lines_are_one(self) -> None:
        kinds = [(line.item, tuple(sorted(config_of(self.call, line).items()))) for line in self.call.cart.lines]
        assert len(kinds) == len(set(kinds))

    @invariant()
    def stored_events_make_the_stored_cart(self) -> None:
        self.call.assert_stored_as_it_is(self.started, self.events)


TestGeneratedCart = GeneratedCart.TestCase
TestGeneratedCart.settings = settings(stateful_step_count=25)
