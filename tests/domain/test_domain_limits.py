"""The limits of an order, and that no way around them leads through the tools."""

import copy

import pytest
from domain_scenario import Call, document

from agiza.domain.menu import BranchFile, parse_branch
from agiza.domain.tool_calls import ToolOutcome

SIZES = ("small", "regular", "large")


def refused(outcome: ToolOutcome, code: str) -> bool:
    return (outcome.status, outcome.code, outcome.events) == ("refused", code, ())


def branch(line_quantity_max: int = 30, total_max: int = 3_000_000) -> BranchFile:
    doc = copy.deepcopy(document("westlands"))
    doc["branch"]["limits"] = {"line_quantity_max": line_quantity_max, "order_total_max_minor": total_max}
    return parse_branch(doc)


class TestQuantity:
    def test_the_boundary(self) -> None:
        call = Call()
        assert refused(call.tool("addItem", name="water", quantity=31), "quantity_too_large")
        call.add("water", 30)
        assert refused(call.tool("addItem", name="water", quantity=1), "quantity_too_large")

    @pytest.mark.parametrize("quantity", [31, 18_000, 10**9, 10**300])
    def test_however_many(self, quantity: int) -> None:
        outcome = Call().tool("addItem", name="water", quantity=quantity)
        assert refused(outcome, "quantity_too_large")
        assert outcome.message == "On the phone I can take 30 waters at most. Shall I get a person for you?"

    def test_not_by_other_choices(self) -> None:
        call = Call()
        call.add("fries", 20, ["small"])
        call.add("fries", 10, ["large"])
        for size in SIZES:
            assert refused(call.tool("addItem", name="fries", modifiers=[size]), "quantity_too_large")

    def test_not_by_splitting_and_filling_up(self) -> None:
        call = Call()
        call.add("chicken-burger", 30)
        call.tool("applyModifier", item="chicken-burger", modifier="no-onions", quantity=29)
        assert refused(call.tool("changeQuantity", line="line-1", quantity=2), "quantity_too_large")
        assert refused(call.tool("addItem", name="chicken-burger"), "quantity_too_large")

    def test_not_by_many_small_steps(self) -> None:
        call = Call()
        for _ in range(40):
            call.tool("addItem", name="water")
        assert call.lines() == [(30, "water", ())]

    def test_less_is_always_possible(self) -> None:
        call = Call()
        call.add("water", 30)
        call.set(branch=branch(line_quantity_max=5).branch)
        assert call.tool("changeQuantity", item="water", quantity=20).status == "ok"
        assert refused(call.place(), "quantity_too_large")
        assert call.tool("changeQuantity", item="water", quantity=5).status == "ok"
        assert call.place().code == "order_placed"


class TestTotal:
    def test_the_boundary(self) -> None:
        call = Call(file=branch(total_max=150_000))
        call.add("full-chicken")  # 1,500.00
        assert refused(call.tool("addItem", name="mandazi"), "order_too_large")

    def test_not_by_dearer_choices(self) -> None:
        call = Call(file=branch(total_max=30_000))
        call.add("fries")
        assert refused(call.tool("applyModifier", item="fries", modifier="large"), "order_too_large")
        outcome = call.tool("addItem", name="fries", modifiers=["large"])
        assert (
            outcome.message
            == "On the phone I can take orders of up to three hundred shillings. Shall I get a person for you?"
        )

    def test_not_by_quantity(self) -> None:
        call = Call(file=branch(total_max=30_000))
        call.add("water", 3)
        assert refused(call.tool("changeQuantity", item="water", quantity=4), "order_too_large")

    def test_not_by_ordering_twice(self) -> None:
        call = Call(file=branch(total_max=160_000))
        call.add("full-chicken")
        call.place()
        assert refused(call.tool("addItem", name="coffee"), "order_too_large")
        call.add("mandazi")

    def test_a_cancelled_order_does_not_count(self) -> None:
        call = Call(file=branch(total_max=160_000))
        call.add("full-chicken")
        call.place()
        call.tool("cancelOrder")
        call.add("full-chicken")

    def test_the_real_limit_of_the_branch(self) -> None:
        call = Call()
        call.add("family-feast", 10)  # 28,000.00
        assert refused(call.tool("addItem", name="family-feast"), "order_too_large")
        call.add("full-chicken")  # 29,500.00
        assert refused(call.tool("addItem", name="half-chicken"), "order_too_large")


def test_lines() -> None:
    """Forty different pizzas and no more; another unit of one of them needs no line."""
    call = Call(file=_generous())
    outcomes = [
        call.tool("addItem", name="margherita", modifiers=[size, crust, *without])
        for without in ([], ["no-cheese"], ["no-onion"], ["no-tomato-sauce"], ["no-cheese", "no-onion"])
        for size in ("small", "medium", "large")
        for crust in ("classic-crust", "thin-crust", "stuffed-crust")
    ]
    assert [outcome.status for outcome in outcomes].count("ok") == 40
    assert all(refused(outcome, "too_many_lines") for outcome in outcomes[40:])
    call.add("margherita", 1, ["small"])


def _generous() -> BranchFile:
    doc = copy.deepcopy(document("kilimani"))
    doc["branch"]["limits"] = {"line_quantity_max": 100, "order_total_max_minor": 10**9}
    return parse_branch(doc)
