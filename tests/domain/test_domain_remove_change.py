"""removeItem and changeQuantity."""

import pytest
from domain_scenario import Call, ids

from agiza.domain.cart import QuantityChanged, Units, UnitsRemoved


def two_lines() -> Call:
    call = Call()
    call.add("chicken-burger", 2)
    call.add("chicken-burger", 1, ["no-onions"])
    call.add("tea", 3)
    return call


class TestRemoveItem:
    def test_a_whole_line(self) -> None:
        call = two_lines()
        outcome = call.tool("removeItem", item="tea")
        assert outcome.events == (UnitsRemoved((Units("line-3", 3),)),)  # type: ignore[arg-type]
        assert (outcome.code, outcome.cart.version, outcome.message) == (
            "item_removed",
            4,
            "I have taken off three teas.",
        )
        assert [line.item for line in call.cart.lines] == ["chicken-burger", "chicken-burger"]

    def test_some_units(self) -> None:
        call = two_lines()
        call.tool("removeItem", item="tea", quantity=2)
        assert call.lines()[-1] == (1, "tea", ())

    def test_one_line_of_several_by_its_id(self) -> None:
        call = two_lines()
        call.tool("removeItem", line="line-1", quantity=1)
        assert call.lines()[:2] == [(1, "chicken-burger", ()), (1, "chicken-burger", ("no-onions",))]

    def test_all_that_there_are(self) -> None:
        call = two_lines()
        outcome = call.tool("removeItem", item="chicken burgers", quantity=3)
        assert len(outcome.events) == 1
        assert call.lines() == [(3, "tea", ())]

    @pytest.mark.parametrize("quantity", [None, 1])
    def test_which_line_is_asked(self, quantity: int | None) -> None:
        outcome = two_lines().tool("removeItem", item="the burger", quantity=quantity)
        assert (outcome.status, outcome.code, ids(outcome)) == ("ask", "unclear_line", ["line-1", "line-2"])

    @pytest.mark.parametrize(
        ("args", "code"),
        [
            ({"item": "tea", "quantity": 4}, "quantity_above_units"),
            ({"item": "sushi"}, "unknown_item"),
            ({"line": "line-77"}, "unknown_line"),
            ({"item": "tea", "quantity": 0}, "bad_quantity"),
            ({}, "bad_arguments"),
        ],
    )
    def test_refused(self, args: dict[str, object], code: str) -> None:
        outcome = two_lines().call("removeItem", args)
        assert (outcome.status, outcome.code, outcome.events) == ("refused", code, ())

    def test_what_is_with_the_kitchen_cannot_be_taken_off(self) -> None:
        call = two_lines()
        call.place()
        outcome = call.tool("removeItem", item="tea")
        assert (outcome.status, outcome.code, outcome.detail["order_number"]) == ("refused", "already_placed", 17)

    def test_quiet_when_it_is_not_there(self) -> None:
        outcome = two_lines().tool("removeItem", item="coffee")
        assert (outcome.status, outcome.code, outcome.events) == ("ok", "nothing_to_remove", ())
        assert outcome.message == "There are no coffees in the order."


class TestChangeQuantity:
    @pytest.mark.parametrize("quantity", [1, 5])
    def test_up_and_down(self, quantity: int) -> None:
        call = two_lines()
        outcome = call.tool("changeQuantity", item="tea", quantity=quantity)
        assert outcome.events == (QuantityChanged("line-3", quantity),)  # type: ignore[arg-type]
        assert call.lines()[-1] == (quantity, "tea", ())
        assert outcome.code == "quantity_changed"

    def test_zero_takes_everything_off(self) -> None:
        call = two_lines()
        outcome = call.tool("changeQuantity", item="chicken-burger", quantity=0)
        assert (outcome.code, outcome.cart.version) == ("item_removed", 4)
        assert call.lines() == [(3, "tea", ())]

    def test_a_line_by_its_id(self) -> None:
        call = two_lines()
        call.tool("changeQuantity", line="line-2", quantity=4)
        assert call.lines()[1] == (4, "chicken-burger", ("no-onions",))

    def test_which_line_is_asked(self) -> None:
        outcome = two_lines().tool("changeQuantity", item="chicken-burger", quantity=4)
        assert (outcome.status, outcome.code, ids(outcome)) == ("ask", "unclear_line", ["line-1", "line-2"])

    @pytest.mark.parametrize(
        ("args", "code"),
        [
            ({"item": "tea", "quantity": 31}, "quantity_too_large"),
            ({"item": "tea"}, "bad_quantity"),
            ({"item": "tea", "quantity": -1}, "bad_quantity"),
            ({"item": "coffee", "quantity": 2}, "not_in_order"),
        ],
    )
    def test_refused(self, args: dict[str, object], code: str) -> None:
        outcome = two_lines().call("changeQuantity", args)
        assert (outcome.status, outcome.code, outcome.events) == ("refused", code, ())

    def test_no_more_of_what_is_sold_out_but_less(self) -> None:
        call = two_lines()
        call.set(sold_out=frozenset({"tea"}))
        assert call.tool("changeQuantity", item="tea", quantity=4).code == "item_sold_out"
        assert call.tool("changeQuantity", item="tea", quantity=2).status == "ok"

    @pytest.mark.parametrize(("item", "quantity"), [("tea", 3), ("chicken-burger", 3), ("coffee", 0)])
    def test_quiet(self, item: str, quantity: int) -> None:
        outcome = two_lines().tool("changeQuantity", item=item, quantity=quantity)
        assert (outcome.status, outcome.events) == ("ok", ())
