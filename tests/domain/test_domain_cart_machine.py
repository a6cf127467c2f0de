"""Any sequence of tool calls: the cart stays what the rules say, told by a small model and by recomputation."""

from collections import Counter
from typing import Any, Literal

from domain_scenario import Call, document
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agiza.domain.cart import CartEvent, ConfirmationAsked, OrderCancelRequested, QuoteGiven
from agiza.domain.tool_calls import ReadBack, ToolOutcome

UNVERSIONED = (QuoteGiven, ConfirmationAsked, OrderCancelRequested)


class CartMachine(RuleBasedStateMachine):
    branch = "westlands"

    def __init__(self) -> None:
        super().__init__()
        self.call = Call(self.branch)
        self.started = self.call.cart
        self.events: list[CartEvent] = []
        self.units: Counter[str] = Counter()
        self.number = 100
        self.doc: dict[str, Any] = document(self.branch)
        self.prices = {item["id"]: item["price_minor"] for c in self.doc["categories"] for item in c["items"]}

    def do(self, tool: str, **args: object) -> ToolOutcome:
        before = self.call.cart
        outcome = self.call.call(tool, args)
        self.events += outcome.events
        mutations = [event for event in outcome.events if not isinstance(event, UNVERSIONED)]
        assert outcome.cart.version == before.version + len(mutations)
        assert len(mutations) <= 1
        if outcome.status == "refused":
            assert outcome.cart == before
        if not outcome.events:
            assert outcome.cart == before
        return outcome

    items = st.sampled_from(["chicken-burger", "fries", "soda", "nuggets-8", "chicken-burger-combo", "water", "tea"])
    options = st.sampled_from(
        ["no-onions", "bacon", "large", "regular", "small", "orange", "bbq-dip", "masala-chips", "water", "no-ice"]
    )

    @rule(item=items, quantity=st.integers(1, 12), modifiers=st.lists(options, max_size=2))
    def add(self, item: str, quantity: int, modifiers: list[str]) -> None:
        outcome = self.do("addItem", name=item, quantity=quantity, modifiers=modifiers)
        if outcome.status == "ok":
            self.units[item] += quantity

    @rule(item=items, modifier=options, quantity=st.none() | st.integers(0, 5))
    def modify(self, item: str, modifier: str, quantity: int | None) -> None:
        outcome = self.do("applyModifier", item=item, modifier=modifier, quantity=quantity)
        if outcome.status == "ok":
            again = self.do("applyModifier", item=item, modifier=modifier, quantity=quantity)
            assert again.events == ()

    @rule(item=items, quantity=st.none() | st.integers(1, 5))
    def remove(self, item: str, quantity: int | None) -> None:
        held = self.units[item]
        outcome = self.do("removeItem", item=item, quantity=quantity)
        if outcome.code == "item_removed":
            self.units[item] -= held if quantity is None else quantity

    @rule(item=items, quantity=st.integers(0, 35))
    def change(self, item: str, quantity: int) -> None:
        outcome = self.do("changeQuantity", item=item, quantity=quantity)
        if outcome.code in ("quantity_changed", "item_removed"):
            self.units[item] = quantity
            assert self.do("changeQuantity", item=item, quantity=quantity).events == ()

    @rule(way=st.sampled_from(["pickup", "delivery"]), name=st.sampled_from(["Grace", "Otieno"]))
    def say_who(self, way: str, name: str) -> None:
        self.do("setCustomer", fulfilment=way, name=name, address="12 Ring Road")
        assert self.do("setCustomer", fulfilment=way, name=name, address="12 Ring Road").events == ()

    @rule(
        outcome=st.sampled_from(["none", "playing", "completed", "cut"]),
        played_ms=st.sampled_from([0, 999, 1000, 9000]),
        speech_ms=st.sampled_from([0, 199, 200, 900]),
        late=st.booleans(),
    )
    def place(
        self, outcome: Literal["none", "playing", "completed", "cut"], played_ms: int, speech_ms: int, late: bool
    ) -> None:
        total = self.do("getTotal")
        if late and total.status == "ok":
            self.add("tea", 1, [])
        quote = self.call.cart.quote
        quote_id = str(total.detail.get("quote_id"))
        self.call.set(read_back=ReadBack(quote_id, outcome, played_ms, speech_ms))
        self.number += 1
        self.call.set(order_number=self.number, order_id=f"order-{self.number}")
        before = self.call.cart
        result = self.do("placeOrder")
        if result.code != "order_placed":
            assert self.call.cart.placed == before.placed
            return
        assert quote is not None
        assert quote.cart_version == before.version
        assert speech_ms >= 200
        assert outcome == "completed" or quote.asked_again
        order = self.call.cart.placed[-1]
        assert order.totals.total_minor == total.detail["total_minor"]
        assert {line.item: 0 for line in order.lines}.keys() == {item for item, count in self.units.items() if count}
        self.units.clear()
        again = self.do("placeOrder")
        assert (again.code, again.detail["order_number"]) == ("already_placed", self.number)

    @rule()
    def take_back(self) -> None:
        self.do("cancelOrder")

    @invariant()
    def units_are_what_was_ordered(self) -> None:
        held: Counter[str] = Counter()
        for line in self.call.cart.lines:
            assert line.quantity > 0
            held[line.item] += line.quantity
        assert held == +self.units
        assert all(count <= 30 for count in held.values())

    @invariant()
    def equal_lines_are_one(self) -> None:
        kinds = [(line.item, line.choices) for line in self.call.cart.lines]
        assert len(kinds) == len(set(kinds))
        ids = [line.id for line in self.call.cart.lines]
        assert len(ids) == len(set(ids))

    @invariant()
    def the_total_is_the_recomputation(self) -> None:
        expected = 0
        for line in self.call.cart.lines:
            unit = self.prices[line.item]
            for choice in line.choices:
                (option,) = [o for o in self.doc["groups"][choice.group]["options"] if o["id"] == choice.option]
                unit += option.get("price_minor", 0) * choice.quantity
            expected += unit * line.quantity
        view = self.call.view()
        assert view["subtotal_minor"] == expected
        assert view["total_minor"] == expected + view["delivery_minor"]
        assert view["total_minor"] <= 3_000_000

    @invariant()
    def stored_events_make_the_stored_cart(self) -> None:
        self.call.assert_stored_as_it_is(self.started, self.events)


TestCartMachine = CartMachine.TestCase
TestCartMachine.settings = settings(stateful_step_count=20)
