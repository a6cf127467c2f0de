"""setCustomer: who orders, and how they get it."""

import copy

import pytest
from domain_scenario import Call, document, ids

from agiza.domain.cart import CustomerChanged
from agiza.domain.menu import parse_branch
from agiza.domain.placed import Customer


class TestEvents:
    def test_everything_at_once(self) -> None:
        call = Call()
        outcome = call.tool(
            "setCustomer",
            name="  Grace\tWanjiru ",
            phone="0712 345 678",
            fulfilment="delivery",
            address="12 Ring Road",
            note="ring twice",
        )
        customer = Customer("Grace Wanjiru", "+254712345678", "delivery", "12 Ring Road", "ring twice")
        assert outcome.events == (CustomerChanged(customer),)
        assert (outcome.code, outcome.cart.version) == ("customer_noted", 1)

    def test_one_thing_after_the_other(self) -> None:
        call = Call()
        call.tool("setCustomer", name="Otieno")
        call.tool("setCustomer", note="extra napkins")
        assert call.cart.customer == Customer(name="Otieno", note="extra napkins")

    @pytest.mark.parametrize(
        ("said", "fulfilment"),
        [
            ("pickup", "pickup"),
            ("Pick-up", "pickup"),
            ("takeaway", "pickup"),
            ("DELIVERY", "delivery"),
            ("deliver", "delivery"),
        ],
    )
    def test_fulfilment_as_it_is_said(self, said: str, fulfilment: str) -> None:
        call = Call()
        call.tool("setCustomer", fulfilment=said)
        assert call.cart.customer.fulfilment == fulfilment

    def test_delivery_asks_for_the_address(self) -> None:
        assert (
            Call().tool("setCustomer", fulfilment="delivery").message == "All right, for delivery. What is the address?"
        )
        assert Call().tool("setCustomer", fulfilment="pickup").message == "All right, for pickup."

    def test_the_view_tells_what_is_known_and_not_what_it_is(self) -> None:
        call = Call()
        call.tool("setCustomer", name="Grace", phone="0712345678", address="12 Ring Road")
        view = call.view()
        assert view["known"] == ["name", "phone", "address"]
        assert not any(word in str(view) for word in ("Grace", "712345678", "Ring Road"))


class TestRefused:
    @pytest.mark.parametrize(
        ("args", "code"),
        [
            ({}, "bad_arguments"),
            ({"name": ""}, "bad_arguments"),
            ({"name": ["Grace"]}, "bad_arguments"),
            ({"name": "G" * 61}, "text_too_long"),
            ({"address": "x" * 201}, "text_too_long"),
            ({"note": "x" * 5_000_000}, "text_too_long"),
            ({"phone": "12345"}, "bad_phone"),
            ({"phone": "+44 7700 900123"}, "bad_phone"),
            ({"fulfilment": "dine-in"}, "fulfilment_not_offered"),
        ],
    )
    def test_with_its_reason(self, args: dict[str, object], code: str) -> None:
        call = Call()
        outcome = call.call("setCustomer", args)
        assert (outcome.status, outcome.code, outcome.events) == ("refused", code, ())

    def test_a_bad_value_leaves_everything_as_it_was(self) -> None:
        call = Call()
        call.tool("setCustomer", name="Grace", phone="12")
        assert call.cart.customer == Customer()

    def test_what_is_not_offered_comes_with_what_is(self) -> None:
        outcome = Call().tool("setCustomer", fulfilment="dine in")
        assert ids(outcome) == ["pickup", "delivery"]
        assert outcome.message == "I am sorry, this branch does not offer eating in. There is pickup or delivery."

    def test_an_unknown_way_is_asked_back(self) -> None:
        outcome = Call("kilimani").tool("setCustomer", fulfilment="by drone")
        assert (outcome.status, outcome.code) == ("ask", "unclear_fulfilment")
        assert ids(outcome) == ["pickup", "delivery", "dine-in"]

    def test_the_fee_counts_for_the_ceiling(self) -> None:
        doc = copy.deepcopy(document("westlands"))
        doc["branch"]["limits"]["order_total_max_minor"] = 160_000
        call = Call(file=parse_branch(doc))
        call.add("full-chicken")
        assert call.tool("setCustomer", fulfilment="delivery").code == "order_too_large"
        assert call.tool("setCustomer", fulfilment="pickup").status == "ok"


class TestQuiet:
    def test_the_same_twice(self) -> None:
        call = Call()
        for _ in range(2):
            outcome = call.tool("setCustomer", name="Grace", phone="0712345678", fulfilment="pickup")
        assert (outcome.status, outcome.code, outcome.events, outcome.cart.version) == ("ok", "no_change", (), 1)

    def test_a_number_said_in_another_way(self) -> None:
        call = Call()
        call.tool("setCustomer", phone="0712345678")
        assert call.tool("setCustomer", phone="+254 712 345 678").events == ()
