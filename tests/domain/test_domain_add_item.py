"""addItem: the right events, the exact refusal, quiet when nothing may happen yet."""

import pytest
from domain_scenario import Call, ids

from agiza.domain.cart import Choice, ItemAdded


class TestEvents:
    def test_an_item_with_its_defaults(self) -> None:
        outcome = Call().tool("addItem", name="soda")
        assert outcome.events == (
            ItemAdded("line-1", "soda", 1, (Choice("soda-flavour", "cola"), Choice("size-drink", "regular"))),  # type: ignore[arg-type]
        )
        assert (outcome.status, outcome.code, outcome.cart.version) == ("ok", "item_added", 1)
        assert outcome.detail == {"lines": ["line-1"]}
        assert outcome.message == "I have added one soda."

    def test_quantity_modifiers_and_names_of_any_language(self) -> None:
        call = Call()
        call.add("baga ya kuku", 2, ["bila vitunguu", "add cheese"])
        call.add("chipsi", 1, ["kubwa"])
        assert call.lines() == [(2, "chicken-burger", ("no-onions", "extra-cheese")), (1, "fries", ("large",))]

    def test_equal_units_join_their_line(self) -> None:
        call = Call()
        call.add("fries", 1, ["large"])
        call.add("fries")
        call.add("french fries", 2, ["big"])
        assert call.lines() == [(3, "fries", ("large",)), (1, "fries", ())]
        assert call.cart.version == 3

    def test_the_order_of_modifiers_does_not_matter(self) -> None:
        call = Call()
        call.add("soda", 1, ["no-ice", "large", "orange"])
        call.add("soda", 1, ["orange", "no-ice", "large"])
        assert call.lines() == [(2, "soda", ("orange", "large", "no-ice"))]

    def test_an_option_several_times(self) -> None:
        call = Call()
        call.add("nuggets", 1, ["bbq dip", "bbq dip", "garlic dip"])
        assert call.lines() == [(1, "nuggets-8", ("bbq-dip*2", "garlic-dip"))]
        assert call.view()["lines"][0]["unit_minor"] == 42000 + 3 * 4000

    def test_a_required_choice_that_is_named(self) -> None:
        call = Call("kilimani")
        call.add("margherita", 1, ["large", "thin crust"])
        call.add("wings", 1, ["piri piri", "honey"])
        assert call.lines() == [
            (1, "margherita", ("large", "thin-crust")),
            (1, "wings-8", ("peri-peri", "honey-glaze")),
        ]

    def test_a_combo_brings_its_parts(self) -> None:
        call = Call()
        call.add("chicken burger meal", 1, ["masala fries", "passion juice"])
        line = call.view()["lines"][0]
        assert line["unit_minor"] == 82000 + 6000 + 8000
        assert [part["item"] for part in line["parts"]] == ["masala-chips", "passion-juice"]
        assert [option["id"] for option in line["parts"][1]["options"]] == ["fresh-juice/regular"]

    def test_a_combo_s_part_is_known_by_what_it_comes_with(self) -> None:
        call = Call()
        call.add("chicken combo", 1, ["chips", "a coke"])
        assert call.lines() == [(1, "chicken-burger-combo", ())]

    @pytest.mark.parametrize("quantity", [2, 2.0, "2"])
    def test_a_count_as_json_may_write_it(self, quantity: object) -> None:
        call = Call()
        call.tool("addItem", name="tea", quantity=quantity)
        assert call.lines() == [(2, "tea", ())]

    def test_one_modifier_without_its_list(self) -> None:
        call = Call()
        call.tool("addItem", name="fries", modifiers="large")
        assert call.lines() == [(1, "fries", ("large",))]

    def test_a_made_up_price_has_no_effect(self) -> None:
        call = Call()
        call.tool("addItem", name="tea", price_minor=1, unit_minor=1, branch="kilimani")
        assert call.view()["total_minor"] == 12000


class TestAsked:
    def test_a_required_choice_without_a_default(self) -> None:
        outcome = Call("kilimani").tool("addItem", name="margherita")
        assert (outcome.status, outcome.code, outcome.events) == ("ask", "choice_missing", ())
        assert ids(outcome) == ["small", "medium", "large"]
        assert outcome.message == "Which size for the margherita: small, medium or large?"

    def test_a_missing_choice_offers_only_what_there_is(self) -> None:
        outcome = Call("kilimani", sold_out=frozenset({"size-pizza/large"})).tool("addItem", name="margherita")
        assert ids(outcome) == ["small", "medium"]

    def test_two_choices_where_one_is_allowed(self) -> None:
        outcome = Call().tool("addItem", name="fries", modifiers=["small", "large"])
        assert (outcome.status, outcome.code, ids(outcome)) == ("ask", "choice_missing", ["small", "large"])

    def test_an_unclear_item(self) -> None:
        outcome = Call().tool("addItem", name="juice")
        assert (outcome.status, outcome.code, outcome.events) == ("ask", "unclear_item", ())
        assert set(ids(outcome)) == {"passion-juice", "mango-juice"}

    def test_more_than_the_ear_keeps_are_not_all_said(self) -> None:
        outcome = Call().tool("addItem", name="burger")
        assert len(ids(outcome)) == 8
        assert outcome.message.endswith("or another one?")

    def test_the_name_of_a_kind(self) -> None:
        outcome = Call().tool("addItem", name="fanta")
        assert (outcome.status, outcome.message) == ("ask", "Did you mean the soda, orange?")
        assert outcome.detail["options"] == [{"id": "soda", "name": "soda", "modifiers": ["orange"]}]

    def test_an_unclear_modifier(self) -> None:
        outcome = Call().tool("addItem", name="wings", modifiers=["dip"])
        assert (outcome.status, outcome.code) == ("ask", "unclear_modifier")
        assert set(ids(outcome)) == {"bbq-dip", "garlic-dip", "chilli-dip"}

    def test_a_default_that_is_sold_out(self) -> None:
        outcome = Call(sold_out=frozenset({"cola"})).tool("addItem", name="soda")
        assert (outcome.status, outcome.code, ids(outcome)) == ("ask", "option_sold_out", ["orange", "lemon", "ginger"])

    @pytest.mark.parametrize("sold_out", ["cola", "soda-flavour/cola"])
    def test_a_part_whose_default_is_out_can_be_had_with_another(self, sold_out: str) -> None:
        call = Call(sold_out=frozenset({sold_out}))
        outcome = call.tool("addItem", name="beef combo")
        assert (outcome.status, outcome.code) == ("ask", "option_sold_out")
        assert ids(outcome) == ["soda/orange", "soda/lemon", "soda/ginger"]
        call.add("beef combo", 1, ["soda/orange"])

    @pytest.mark.parametrize(
        "sold_out", [{"soda"}, {"combo-drink/soda"}, {"cola", "orange", "lemon", "soda-flavour/ginger"}]
    )
    def test_a_part_that_cannot_be_made(self, sold_out: set[str]) -> None:
        outcome = Call(sold_out=frozenset(sold_out)).tool("addItem", name="beef combo")
        assert (outcome.status, outcome.code, ids(outcome)) == ("ask", "option_sold_out", ["water", "fresh-juice"])

    def test_a_part_whose_item_is_sold_out_under_another_id(self) -> None:
        outcome = Call("kilimani", sold_out=frozenset({"garlic-bread"})).tool(
            "addItem", name="pizza night", modifiers=["large"]
        )
        assert (outcome.code, ids(outcome)) == ("option_sold_out", ["side-wedges", "side-salad"])


class TestRefused:
    @pytest.mark.parametrize(
        ("args", "code"),
        [
            ({"name": "sushi"}, "unknown_item"),
            ({"name": "margherita"}, "unknown_item"),
            ({"name": "tea", "modifiers": ["large"]}, "no_choices"),
            ({"name": "chicken-burger", "modifiers": ["large"]}, "modifier_not_offered"),
            ({"name": "chicken-burger", "modifiers": ["gold leaf"]}, "unknown_modifier"),
            ({"name": "chicken-burger", "modifiers": ["no onions", "no onions"]}, "option_quantity_max"),
            ({"name": "chicken-burger", "modifiers": ["bacon"] * 3}, "option_quantity_max"),
            (
                {
                    "name": "beef-burger",
                    "modifiers": ["extra-cheese", "extra-patty", "bacon", "extra-sauce", "avocado"],
                },
                "too_many_choices",
            ),
            ({"name": "tea", "quantity": 31}, "quantity_too_large"),
            ({"name": "water", "quantity": 18_000}, "quantity_too_large"),
        ],
    )
    def test_with_its_reason(self, args: dict[str, object], code: str) -> None:
        call = Call()
        outcome = call.call("addItem", args)
        assert (outcome.status, outcome.code, outcome.events) == ("refused", code, ())
        assert call.cart.lines == ()

    def test_a_sold_out_item(self) -> None:
        outcome = Call(sold_out=frozenset({"chicken-burger"})).tool("addItem", name="chicken burger", quantity=2)
        assert (outcome.status, outcome.code) == ("refused", "item_sold_out")
        assert outcome.message == "Sorry, we are out of chicken burgers today."

    def test_a_sold_out_option_that_is_no_must(self) -> None:
        call = Call(sold_out=frozenset({"bacon"}))
        assert call.tool("addItem", name="beef-burger", modifiers=["bacon"]).code == "option_sold_out"
        call.add("beef-burger")

    def test_sold_out_in_one_group_only(self) -> None:
        call = Call(sold_out=frozenset({"size-drink/large"}))
        assert call.tool("addItem", name="soda", modifiers=["large"]).status == "ask"
        call.add("fries", 1, ["large"])

    def test_a_required_choice_of_which_nothing_is_left(self) -> None:
        call = Call("kilimani", sold_out=frozenset({"peri-peri", "honey-glaze", "barbecue"}))
        assert call.tool("addItem", name="wings").code == "item_sold_out"
        gone = frozenset({"cola", "orange", "lemon", "ginger"})
        assert Call(sold_out=gone).tool("addItem", name="soda").code == "option_sold_out"

    def test_more_choices_than_a_group_takes_are_counted_by_kind(self) -> None:
        call = Call("kilimani")
        outcome = call.tool("addItem", name="wings", modifiers=["peri peri", "honey", "barbecue"])
        assert (outcome.code, outcome.detail["max"]) == ("too_many_choices", 2)
