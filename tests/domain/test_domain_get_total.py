"""getTotal: the read-back and its stamp."""

from dataclasses import replace
from datetime import timedelta

import pytest
from domain_scenario import NOON, Call

from agiza.domain.cart import QuoteGiven
from agiza.domain.ids import ItemId


def seed_order() -> Call:
    """The order of the demo: two chicken burgers, one with no onions, a large fries, and a soda."""
    call = Call()
    call.add("chicken-burger", 2)
    call.tool("applyModifier", item="chicken-burger", modifier="no-onions", quantity=1)
    call.add("fries")
    call.tool("applyModifier", item="fries", modifier="large")
    call.add("soda")
    return call


def test_the_reference_ticket() -> None:
    outcome = seed_order().tool("getTotal")
    assert outcome.detail["lines"] == [
        "one chicken burger",
        "one chicken burger with no onions",
        "one large fries",
        "one soda",
    ]
    assert outcome.detail["total_minor"] == 153_000
    assert outcome.detail["tax_minor"] == 21_103  # 1,530.00 x 16 / 116 = 211.034...
    assert outcome.detail["currency"] == "KES"
    assert outcome.detail["total_words"] == "one thousand five hundred and thirty shillings"
    assert (
        outcome.message
        == outcome.detail["read_back"]
        == (
            "That is one chicken burger, one chicken burger with no onions, one large fries, and one soda, for pickup. "
            "The total is one thousand five hundred and thirty shillings. Shall I place the order?"
        )
    )


def test_one_event_stamps_the_version_without_changing_it() -> None:
    call = seed_order()
    before = call.cart.version
    outcome = call.tool("getTotal")
    (event,) = outcome.events
    assert isinstance(event, QuoteGiven)
    assert (event.quote.id, event.quote.cart_version) == (outcome.detail["quote_id"], before)
    assert call.cart.version == before


def test_quiet_when_nothing_changed() -> None:
    call = seed_order()
    first = call.tool("getTotal")
    again = call.tool("getTotal")
    assert again.events == ()
    assert again.detail == first.detail


def test_a_new_quote_after_each_change_even_back_and_forth() -> None:
    call = seed_order()
    quotes = [call.tool("getTotal").detail["quote_id"]]
    for quantity in (2, 1):
        call.tool("changeQuantity", item="soda", quantity=quantity)
        quotes.append(call.tool("getTotal").detail["quote_id"])
    assert len(set(quotes)) == 3


def test_a_new_quote_after_a_price_change() -> None:
    call = seed_order()
    first = call.tool("getTotal")
    menu = call.context.menu
    soda = replace(menu.items[ItemId("soda")], price_minor=11_000)
    call.set(menu=replace(menu, items={**menu.items, soda.id: soda}))
    second = call.tool("getTotal")
    assert second.detail["total_minor"] == 154_000
    assert second.detail["quote_id"] != first.detail["quote_id"]


def test_quotes_of_two_carts_differ() -> None:
    one, other = seed_order(), seed_order()
    other.cart = replace(other.cart, id="cart-2")  # type: ignore[arg-type]
    assert one.tool("getTotal").detail["quote_id"] != other.tool("getTotal").detail["quote_id"]


def test_delivery_is_said_with_its_fee_and_address() -> None:
    call = seed_order()
    call.tool("setCustomer", fulfilment="delivery", address="12 Ring Road", note="ring twice")
    outcome = call.tool("getTotal")
    assert outcome.detail["delivery_minor"] == 15_000
    assert outcome.detail["total_minor"] == 168_000
    assert outcome.message.endswith(
        "delivered to 12 Ring Road. Your note: ring twice. With one hundred and fifty shillings for delivery, "
        "the total is one thousand six hundred and eighty shillings. Shall I place the order?"
    )


@pytest.mark.parametrize(
    ("modifiers", "words"),
    [
        (["orange", "large", "no-ice"], "one large soda, orange, with no ice"),
        (["large"], "one large soda"),
        (["ginger", "regular"], "one soda, ginger"),
        (["no-ice"], "one soda with no ice"),
    ],
)
def test_lines_in_words(modifiers: list[str], words: str) -> None:
    call = Call()
    call.add("soda", 1, modifiers)
    assert call.tool("getTotal").detail["lines"] == [words]


def test_more_lines_in_words() -> None:
    call = Call()
    call.add("nuggets-8", 2, ["bbq-dip", "bbq-dip", "chilli-dip", "chilli-dip", "chilli-dip"])
    call.add("chicken-burger-combo", 1, ["no-mayo", "masala-chips"])
    call.add("wings-6", 1, ["hot"])
    assert call.tool("getTotal").detail["lines"] == [
        "two chicken nuggets with barbecue dip twice and chilli dip three times",
        "one chicken burger combo with no mayo, masala chips and soda",
        "one six wings, hot",
    ]


def test_an_empty_cart_is_refused() -> None:
    outcome = Call().tool("getTotal")
    assert (outcome.status, outcome.code) == ("refused", "cart_empty")
    placed = seed_order()
    placed.place()
    after = placed.tool("getTotal")
    assert (after.code, after.detail["order_number"]) == ("cart_empty", 17)


@pytest.mark.parametrize(
    ("blocked", "context", "customer"),
    [
        ("branch_closed", {"now": NOON + timedelta(hours=12)}, {}),
        ("item_sold_out", {"sold_out": frozenset({"fries"})}, {}),
        ("option_sold_out", {"sold_out": frozenset({"size-fries/large"})}, {}),
        ("address_missing", {}, {"fulfilment": "delivery"}),
    ],
)
def test_what_stands_in_the_way_is_said_instead_of_the_question(
    blocked: str, context: dict[str, object], customer: dict[str, object]
) -> None:
    call = seed_order()
    call.set(**context)
    if customer:
        call.call("setCustomer", customer)
    outcome = call.tool("getTotal")
    assert (outcome.status, outcome.detail["blocked"]) == ("ok", blocked)
    assert "Shall I place the order?" not in outcome.message
    refusal = call.tool("placeOrder")
    assert refusal.code == blocked
    assert outcome.message.endswith(refusal.message)
