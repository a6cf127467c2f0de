"""applyModifier: changing choices of what is in the cart."""

import pytest
from domain_scenario import Call, ids

from agiza.domain.cart import Choice, ChoicesChanged, Move


def burgers(plain: int, without: int = 0) -> Call:
    call = Call()
    if plain:
        call.add("chicken-burger", plain)
    if without:
        call.add("chicken-burger", without, ["no-onions"])
    return call


class TestEvents:
    def test_one_of_two_gets_a_line_of_its_own(self) -> None:
        call = burgers(2)
        call.add("tea")
        outcome = call.tool("applyModifier", item="chicken-burger", modifier="no-onions", quantity=1)
        choice = (Choice("burger-without", "no-onions"),)  # type: ignore[arg-type]
        assert outcome.events == (ChoicesChanged((Move("line-1", 1, choice, "line-3"),)),)  # type: ignore[arg-type]
        assert call.lines() == [(1, "chicken-burger", ()), (1, "chicken-burger", ("no-onions",)), (1, "tea", ())]
        assert (outcome.code, outcome.detail, outcome.cart.version) == ("modifier_applied", {"lines": ["line-3"]}, 3)

    def test_all_units_without_a_quantity(self) -> None:
        call = burgers(2)
        call.tool("applyModifier", item="chicken burger", modifier="hold the onions")
        assert call.lines() == [(2, "chicken-burger", ("no-onions",))]

    def test_a_choice_of_one_replaces_the_earlier(self) -> None:
        call = Call()
        call.add("fries")
        for modifier, price in (("large", 33000), ("small", 20000), ("regular", 25000)):
            call.tool("applyModifier", item="fries", modifier=modifier)
            assert call.view()["total_minor"] == price
        assert len(call.cart.lines) == 1

    def test_units_join_an_equal_line(self) -> None:
        call = burgers(3, 1)
        call.tool("applyModifier", item="chicken-burger", modifier="no-onions", quantity=2)
        assert call.lines() == [(2, "chicken-burger", ()), (2, "chicken-burger", ("no-onions",))]

    def test_a_whole_line_becomes_equal_to_another(self) -> None:
        call = burgers(1, 2)
        call.tool("applyModifier", line="line-1", modifier="no-onions")
        assert call.lines() == [(3, "chicken-burger", ("no-onions",))]

    def test_all_of_several_lines(self) -> None:
        call = Call()
        call.add("fries", 1, ["small"])
        call.add("fries", 2)
        outcome = call.tool("applyModifier", item="fries", modifier="large", quantity=3)
        assert call.lines() == [(3, "fries", ("large",))]
        assert len(outcome.events) == 1

    def test_a_line_by_its_id(self) -> None:
        call = burgers(1, 1)
        call.tool("applyModifier", line="line-2", modifier="extra cheese")
        assert call.lines() == [(1, "chicken-burger", ()), (1, "chicken-burger", ("no-onions", "extra-cheese"))]

    def test_the_burger_is_clear_when_there_is_only_one(self) -> None:
        call = burgers(1)
        call.tool("applyModifier", item="the burger", modifier="no tomato")
        assert call.lines() == [(1, "chicken-burger", ("no-tomato",))]

    def test_an_option_twice_on_one_unit(self) -> None:
        call = burgers(1)
        call.tool("applyModifier", item="chicken-burger", modifier="extra-cheese", quantity=2)
        assert call.lines() == [(1, "chicken-burger", ("extra-cheese*2",))]
        assert call.view()["total_minor"] == 55000 + 16000

    def test_an_option_twice_on_each_of_two(self) -> None:
        call = Call()
        call.add("nuggets", 2, ["bbq-dip"])
        call.tool("applyModifier", item="nuggets", modifier="bbq-dip", quantity=4)
        assert call.lines() == [(2, "nuggets-8", ("bbq-dip*2",))]

    def test_two_lines_get_it_twice_and_become_one(self) -> None:
        call = Call()
        call.add("nuggets", 1)
        call.add("nuggets", 1, ["bbq-dip"])
        call.tool("applyModifier", item="nuggets", modifier="bbq-dip", quantity=4)
        assert call.lines() == [(2, "nuggets-8", ("bbq-dip*2",))]

    def test_a_combo_s_part(self) -> None:
        call = Call()
        call.add("beef combo")
        call.tool("applyModifier", item="beef combo", modifier="water")
        assert call.lines() == [(1, "beef-burger-combo", ("water",))]


class TestTakenOff:
    def test_actually_with_onions(self) -> None:
        call = burgers(1, 1)
        outcome = call.tool("applyModifier", item="chicken-burger", modifier="no-onions", quantity=0)
        assert outcome.code == "modifier_removed"
        assert call.lines() == [(2, "chicken-burger", ())]

    def test_a_required_choice_falls_back_to_its_default(self) -> None:
        call = Call()
        call.add("fries", 1, ["large"])
        call.tool("applyModifier", item="fries", modifier="large", quantity=0)
        assert call.lines() == [(1, "fries", ())]

    def test_the_default_itself_cannot_go_without_another(self) -> None:
        call = Call()
        call.add("fries")
        outcome = call.tool("applyModifier", item="fries", modifier="regular", quantity=0)
        assert (outcome.status, outcome.code, ids(outcome)) == ("ask", "choice_missing", ["small", "large"])

    def test_a_fall_back_that_is_sold_out(self) -> None:
        call = Call()
        call.add("soda", 1, ["orange"])
        call.set(sold_out=frozenset({"cola"}))
        assert call.tool("applyModifier", item="soda", modifier="orange", quantity=0).code == "option_sold_out"

    def test_one_of_two_chosen_sauces(self) -> None:
        call = Call("kilimani")
        call.add("wings", 1, ["barbecue", "honey"])
        call.tool("applyModifier", item="wings", modifier="honey", quantity=0)
        assert call.lines() == [(1, "wings-8", ("barbecue",))]
        last = call.tool("applyModifier", item="wings", modifier="barbecue", quantity=0)
        assert (last.status, ids(last)) == ("ask", ["peri-peri", "honey-glaze"])

    def test_of_several_lines_the_caller_is_asked(self) -> None:
        call = burgers(0, 1)
        call.add("chicken-burger", 1, ["no-onions", "bacon"])
        outcome = call.tool("applyModifier", item="chicken-burger", modifier="no-onions", quantity=0)
        assert (outcome.status, outcome.code, ids(outcome)) == ("ask", "unclear_line", ["line-1", "line-2"])


class TestAsked:
    def test_which_line(self) -> None:
        outcome = burgers(1, 1).tool("applyModifier", item="chicken-burger", modifier="extra-cheese")
        assert (outcome.status, outcome.code, outcome.events) == ("ask", "unclear_line", ())
        assert outcome.detail["options"] == [
            {"id": "line-1", "name": "one chicken burger"},
            {"id": "line-2", "name": "one chicken burger with no onions"},
        ]
        assert outcome.message == ("Which one do you mean: one chicken burger or one chicken burger with no onions?")

    def test_a_repeated_wish_is_not_put_on_the_other_unit(self) -> None:
        """The model adds a burger without onions, and then applies the same once more: that is no second burger."""
        outcome = burgers(1, 1).tool("applyModifier", item="chicken-burger", modifier="no-onions")
        assert (outcome.status, outcome.message) == ("ask", "Do you mean one chicken burger?")

    def test_which_of_three_lines_for_one_unit(self) -> None:
        call = burgers(2, 2)
        outcome = call.tool("applyModifier", item="chicken-burger", modifier="bacon", quantity=1)
        assert (outcome.status, outcome.code) == ("ask", "unclear_line")

    def test_how_many_for_each(self) -> None:
        call = Call()
        call.add("nuggets", 2)
        outcome = call.tool("applyModifier", item="nuggets", modifier="bbq-dip", quantity=3)
        assert (outcome.status, outcome.code) == ("ask", "uneven_quantity")

    def test_unclear_item(self) -> None:
        call = Call()
        call.add("passion-juice")
        call.add("mango-juice")
        outcome = call.tool("applyModifier", item="juice", modifier="large")
        assert (outcome.status, set(ids(outcome))) == ("ask", {"passion-juice", "mango-juice"})


class TestRefused:
    @pytest.mark.parametrize(
        ("args", "code"),
        [
            ({"item": "tea", "modifier": "large"}, "not_in_order"),
            ({"item": "sushi", "modifier": "large"}, "unknown_item"),
            ({"line": "line-9", "modifier": "large"}, "unknown_line"),
            ({"line": "line-1", "item": "fries", "modifier": "large"}, "line_mismatch"),
            ({"item": "chicken-burger", "modifier": "large"}, "modifier_not_offered"),
            ({"item": "chicken-burger", "modifier": "no-onions", "quantity": 3}, "quantity_above_units"),
            ({"item": "chicken-burger", "modifier": "bacon", "quantity": 6}, "option_quantity_max"),
            ({"item": "chicken-burger", "modifier": "bacon", "quantity": 18_000}, "option_quantity_max"),
        ],
    )
    def test_with_its_reason(self, args: dict[str, object], code: str) -> None:
        call = burgers(2)
        outcome = call.call("applyModifier", args)
        assert (outcome.status, outcome.code, outcome.events) == ("refused", code, ())

    def test_one_unit_is_named_as_one(self) -> None:
        outcome = burgers(1).tool("applyModifier", item="chicken-burger", modifier="no-onions", quantity=2)
        assert outcome.message == "There is only one chicken burger in the order."

    def test_a_sold_out_option(self) -> None:
        call = burgers(1)
        call.set(sold_out=frozenset({"bacon"}))
        assert call.tool("applyModifier", item="chicken-burger", modifier="bacon").code == "option_sold_out"

    def test_one_choice_too_many(self) -> None:
        call = Call()
        call.add("beef-burger", 1, ["extra-cheese", "extra-patty", "bacon", "extra-sauce"])
        assert call.tool("applyModifier", item="beef-burger", modifier="avocado").code == "too_many_choices"


class TestQuiet:
    @pytest.mark.parametrize("quantity", [None, 1])
    def test_what_is_there_already(self, quantity: int | None) -> None:
        call = burgers(0, 1)
        outcome = call.tool("applyModifier", item="chicken-burger", modifier="no-onions", quantity=quantity)
        assert (outcome.status, outcome.code, outcome.events, outcome.cart.version) == ("ok", "no_change", (), 1)

    def test_the_same_call_twice(self) -> None:
        call = burgers(2)
        for _ in range(2):
            outcome = call.tool("applyModifier", item="chicken-burger", modifier="no-onions", quantity=1)
        assert outcome.events == ()
        assert call.lines() == [(1, "chicken-burger", ()), (1, "chicken-burger", ("no-onions",))]

    def test_twice_the_same_several_times(self) -> None:
        call = burgers(1)
        for _ in range(2):
            outcome = call.tool("applyModifier", item="chicken-burger", modifier="bacon", quantity=2)
        assert outcome.events == ()

    def test_taking_off_what_is_not_there(self) -> None:
        outcome = burgers(1).tool("applyModifier", item="chicken-burger", modifier="no-onions", quantity=0)
        assert (outcome.status, outcome.code, outcome.events) == ("ok", "no_change", ())
