"""placeOrder: the read-back guard, what stands in the way, and one order however often it is asked for."""

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from domain_scenario import NOON, Call, document, ids

from agiza.domain.cart import ConfirmationAsked, OrderPlaced
from agiza.domain.ids import ItemId, LineId
from agiza.domain.menu import parse_branch
from agiza.domain.tool_calls import ReadBack


def seed_order() -> Call:
    call = Call()
    call.add("chicken-burger")
    call.add("chicken-burger", 1, ["no-onions"])
    call.add("fries", 1, ["large"])
    call.add("soda")
    return call


def read(outcome: Literal["none", "playing", "completed", "cut"], played_ms: int, speech_ms: int) -> Call:
    call = seed_order()
    call.read(outcome, played_ms, speech_ms)
    return call


class TestPlaced:
    def test_the_reference_ticket(self) -> None:
        call = seed_order()
        call.tool("setCustomer", name="Grace")
        outcome = call.place()
        (event,) = outcome.events
        assert isinstance(event, OrderPlaced)
        order = event.order
        assert [(line.quantity, line.item, line.total_minor) for line in order.lines] == [
            (1, "chicken-burger", 55_000),
            (1, "chicken-burger", 55_000),
            (1, "fries", 33_000),
            (1, "soda", 10_000),
        ]
        assert [[option.id for option in line.options] for line in order.lines] == [
            [],
            ["no-onions"],
            ["large"],
            ["cola", "regular"],
        ]
        assert (order.totals.total_minor, order.totals.tax_minor, order.totals.currency) == (153_000, 21_103, "KES")
        assert (order.id, order.number, order.fulfilment, order.placed_at) == (
            "order-1",
            17,
            "pickup",
            NOON.isoformat(),
        )
        assert (order.customer.name, order.contact_number, order.supplement_of) == ("Grace", "+254711000111", None)
        assert outcome.detail == {
            "order_id": "order-1",
            "order_number": 17,
            "eta_minutes": 20,
            "total_minor": 153_000,
            "currency": "KES",
        }
        assert outcome.message == (
            "Thank you. Your order number is seventeen, and it will be ready in about twenty minutes."
        )

    def test_the_cart_is_empty_and_keeps_the_order_and_the_customer(self) -> None:
        call = seed_order()
        call.tool("setCustomer", name="Grace")
        before = call.cart.version
        call.place()
        assert (call.cart.lines, call.cart.quote, call.cart.version) == ((), None, before + 1)
        assert call.cart.customer.name == "Grace"
        assert [order.number for order in call.cart.placed] == [17]

    def test_a_given_number_goes_before_the_caller_s(self) -> None:
        call = seed_order()
        call.tool("setCustomer", phone="0722000111")
        call.place()
        assert call.cart.placed[0].contact_number == "+254722000111"

    def test_delivery(self) -> None:
        call = seed_order()
        call.tool("setCustomer", fulfilment="delivery", address="12 Ring Road")
        outcome = call.place()
        assert (outcome.detail["total_minor"], outcome.detail["eta_minutes"]) == (168_000, 45)
        assert "it will be with you in about forty-five minutes" in outcome.message


class TestReadBack:
    def test_read_to_the_end_and_answered(self) -> None:
        assert read("completed", 9_000, 200).tool("placeOrder").code == "order_placed"

    @pytest.mark.parametrize(
        ("outcome", "played_ms", "speech_ms", "code"),
        [
            ("none", 0, 5_000, "not_read_back"),
            ("playing", 8_000, 199, "still_reading"),
            ("playing", 999, 5_000, "still_reading"),
            ("completed", 9_000, 199, "no_answer"),
            ("completed", 9_000, 0, "no_answer"),
            ("cut", 999, 5_000, "read_back_unheard"),
            ("cut", 1_000, 199, "no_answer"),
        ],
    )
    def test_anything_less_is_refused(self, outcome: Any, played_ms: int, speech_ms: int, code: str) -> None:
        call = read(outcome, played_ms, speech_ms)
        refusal = call.tool("placeOrder")
        assert (refusal.status, refusal.code, refusal.events) == ("refused", code, ())
        assert call.cart.placed == ()

    def test_never_totalled(self) -> None:
        assert seed_order().tool("placeOrder").code == "not_read_back"

    def test_totalled_but_no_evidence(self) -> None:
        call = seed_order()
        call.tool("getTotal")
        assert call.tool("placeOrder").code == "not_read_back"

    def test_evidence_of_another_quote(self) -> None:
        call = read("completed", 9_000, 900)
        call.set(read_back=ReadBack("q1-other", "completed", 9_000, 900))
        assert call.tool("placeOrder").code == "not_read_back"

    def test_the_cart_changed_since(self) -> None:
        call = read("completed", 9_000, 900)
        call.add("tea")
        assert call.tool("placeOrder").code == "quote_outdated"

    @pytest.mark.parametrize("change", [{"fulfilment": "delivery"}, {"address": "Elsewhere 3"}, {"note": "no nuts"}])
    def test_what_was_read_changed_since(self, change: dict[str, object]) -> None:
        call = seed_order()
        call.tool("setCustomer", fulfilment="pickup", address="12 Ring Road")
        call.read()
        call.call("setCustomer", change)
        assert call.tool("placeOrder").code == "quote_outdated"

    @pytest.mark.parametrize("change", [{"name": "Grace"}, {"phone": "0712345678"}, {"fulfilment": "pickup"}])
    def test_yes_and_it_is_for_grace_needs_no_second_reading(self, change: dict[str, object]) -> None:
        call = read("completed", 9_000, 900)
        call.call("setCustomer", change)
        assert call.cart.quote is not None
        assert call.cart.quote.cart_version == call.cart.version
        assert call.tool("placeOrder").code == "order_placed"

    def test_an_old_quote_is_not_made_current_by_a_name(self) -> None:
        call = read("completed", 9_000, 900)
        call.add("tea")
        call.tool("setCustomer", name="Grace")
        assert call.tool("placeOrder").code == "quote_outdated"

    def test_a_price_changed_since(self) -> None:
        call = read("completed", 9_000, 900)
        menu = call.context.menu
        soda = replace(menu.items[ItemId("soda")], price_minor=11_000)
        call.set(menu=replace(menu, items={**menu.items, soda.id: soda}))
        assert call.tool("placeOrder").code == "price_changed"


class TestCutOff:
    def test_one_short_question_then_the_order(self) -> None:
        call = read("cut", 1_000, 600)
        first = call.tool("placeOrder")
        assert (first.status, first.code) == ("ask", "confirm_again")
        assert first.message == "The total is one thousand five hundred and thirty shillings. Shall I place the order?"
        assert first.detail["total_minor"] == 153_000
        quote_id = first.detail["quote_id"]
        assert first.events == (ConfirmationAsked(quote_id),)  # type: ignore[arg-type]
        assert call.cart.version == 4
        call.set(read_back=ReadBack(str(quote_id), "cut", 1_000, 250))
        assert call.tool("placeOrder").code == "order_placed"

    @pytest.mark.parametrize("outcome", ["completed", "playing", "cut"])
    def test_the_answer_counts_however_the_question_ended(self, outcome: Any) -> None:
        call = read("cut", 3_000, 600)
        quote_id = str(call.tool("placeOrder").detail["quote_id"])
        call.set(read_back=ReadBack(quote_id, outcome, 400, 200))
        assert call.tool("placeOrder").code == "order_placed"

    def test_without_speech_since_the_question_there_is_no_order(self) -> None:
        call = read("cut", 3_000, 600)
        quote_id = str(call.tool("placeOrder").detail["quote_id"])
        call.set(read_back=ReadBack(quote_id, "cut", 3_000, 199))
        outcome = call.tool("placeOrder")
        assert (outcome.status, outcome.code, outcome.events) == ("refused", "no_answer", ())
        call.set(read_back=ReadBack(quote_id, "none", 0, 5_000))
        assert call.tool("placeOrder").code == "not_read_back"

    def test_a_yes_into_the_reading_costs_one_question_also_where_the_model_did_not_stop(self) -> None:
        call = read("playing", 1_000, 200)
        assert call.tool("placeOrder").code == "confirm_again"

    def test_speech_from_before_the_question_is_no_answer_to_it(self) -> None:
        call = read("cut", 3_000, 600)
        quote_id = str(call.tool("placeOrder").detail["quote_id"])
        call.set(read_back=ReadBack(quote_id, "cut", 3_000, 600, asked_again=False))
        assert call.tool("placeOrder").code == "confirm_again"
        call.set(read_back=ReadBack(quote_id, "cut", 3_000, 600, asked_again=True))
        assert call.tool("placeOrder").code == "order_placed"

    def test_a_whole_reading_after_the_question_is_judged_as_any(self) -> None:
        call = read("cut", 3_000, 600)
        quote_id = str(call.tool("placeOrder").detail["quote_id"])
        call.set(read_back=ReadBack(quote_id, "completed", 9_000, 600, asked_again=False))
        assert call.tool("placeOrder").code == "order_placed"

    def test_a_changed_cart_starts_over(self) -> None:
        call = read("cut", 3_000, 600)
        call.tool("placeOrder")
        call.add("tea")
        call.read("cut", 3_000, 600)
        assert call.tool("placeOrder").code == "confirm_again"


class TestRefused:
    def test_an_empty_cart(self) -> None:
        outcome = Call().tool("placeOrder")
        assert (outcome.status, outcome.code) == ("refused", "cart_empty")

    def test_a_closed_branch_says_its_hours(self) -> None:
        call = read("completed", 9_000, 900)
        call.set(now=NOON + timedelta(hours=11))
        outcome = call.tool("placeOrder")
        assert (outcome.status, outcome.code) == ("refused", "branch_closed")
        assert outcome.message == (
            "I am sorry, we are closed now. We are open Monday to Sunday from 7 am to 11 pm. "
            "We open again tomorrow at 7 am."
        )

    def test_delivery_needs_an_address(self) -> None:
        call = seed_order()
        call.tool("setCustomer", fulfilment="delivery")
        outcome = call.place()
        assert (outcome.status, outcome.code) == ("ask", "address_missing")

    def test_the_delivery_minimum_is_judged_before_the_fee(self) -> None:
        call = Call()
        call.add("chicken-burger")  # 550.00
        call.add("fries")  # 250.00: 800.00 with it, without it 700.00 even with the fee of 150.00
        call.tool("setCustomer", fulfilment="delivery", address="12 Ring Road")
        call.tool("changeQuantity", item="fries", quantity=0)
        call.add("coffee")
        outcome = call.place()
        assert (outcome.status, outcome.code) == ("refused", "below_delivery_minimum")
        assert outcome.detail == {"minimum_minor": 80_000, "subtotal_minor": 70_000}
        assert outcome.message == (
            "We deliver orders from eight hundred shillings. Would you like to add something or pick it up?"
        )
        call.tool("removeItem", item="coffee")
        call.add("fries")
        assert call.place().code == "order_placed"

    def test_sold_out_after_the_reading(self) -> None:
        call = read("completed", 9_000, 900)
        call.set(sold_out=frozenset({"soda"}))
        outcome = call.tool("placeOrder")
        assert (outcome.code, outcome.detail["item"], outcome.detail["line"]) == ("item_sold_out", "soda", "line-4")

    def test_a_way_must_be_chosen_where_none_is_usual(self) -> None:
        doc = copy.deepcopy(document("kilimani"))
        doc["branch"]["fulfilment"] = ["delivery", "dine-in"]
        call = Call(file=parse_branch(doc))
        call.add("lasagne")
        outcome = call.place()
        assert (outcome.status, outcome.code, ids(outcome)) == ("ask", "fulfilment_missing", ["delivery", "dine-in"])
        call.tool("setCustomer", fulfilment="eat in")
        assert call.place().code == "order_placed"

    def test_an_item_that_left_the_menu(self) -> None:
        call = read("completed", 9_000, 900)
        menu = call.context.menu
        call.set(menu=replace(menu, items={key: item for key, item in menu.items.items() if key != "soda"}))
        outcome = call.tool("placeOrder")
        assert (outcome.code, outcome.detail) == ("item_gone", {"line": LineId("line-4")})
        assert call.view()["gone"] == [{"id": "line-4", "item": "soda"}]
        assert call.tool("removeItem", line="line-4").code == "item_removed"
        assert call.place().code == "order_placed"

    def test_a_choice_that_left_the_menu(self) -> None:
        call = read("completed", 9_000, 900)
        menu = call.context.menu
        fries = replace(menu.items[ItemId("fries")], groups=())
        call.set(menu=replace(menu, items={**menu.items, fries.id: fries}))
        assert call.tool("placeOrder").message == "The fries is not on our menu any more. Shall I take it off?"
        assert call.tool("applyModifier", item="fries", modifier="small").code == "item_gone"

    def test_a_new_required_choice_on_the_menu_is_asked_for(self) -> None:
        call = Call()
        call.add("tea")
        menu = call.context.menu
        size = replace(menu.groups["size-drink"], default=())  # type: ignore[index]
        tea = replace(menu.items[ItemId("tea")], groups=(size,))
        call.set(menu=replace(menu, items={**menu.items, tea.id: tea}))
        outcome = call.place()
        assert (outcome.status, outcome.code, ids(outcome)) == ("ask", "choice_missing", ["regular", "large"])


class TestQuiet:
    def test_placing_again_gives_the_same_order(self) -> None:
        call = seed_order()
        first = call.place()
        call.set(order_id="order-2", order_number=18, now=NOON + timedelta(hours=12))
        again = call.tool("placeOrder")
        assert (again.status, again.code, again.events) == ("ok", "already_placed", ())
        assert again.detail == first.detail
