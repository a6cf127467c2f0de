"""What the kitchen prints, and an order as JSON without the person who ordered."""

import json

from domain_scenario import Call

from agiza.domain.views import kitchen_ticket, placed_order_view


def test_the_reference_ticket() -> None:
    call = Call()
    call.add("chicken-burger")
    call.add("chicken-burger", 1, ["no-onions"])
    call.add("fries", 1, ["large"])
    call.add("soda")
    call.place()
    assert kitchen_ticket(call.cart.placed[0]) == (
        "1 CHK BURGER",
        "1 CHK BURGER",
        "  NO ONIONS",
        "1 FRIES",
        "  LARGE",
        "1 SODA",
        "  COLA",
        "  REGULAR",
    )


def test_combos_show_their_parts_and_repeated_options_their_count() -> None:
    call = Call()
    call.add("chicken-burger-combo", 2, ["no-mayo", "bacon", "bacon", "coleslaw"])
    call.place()
    assert kitchen_ticket(call.cart.placed[0]) == (
        "2 CHK COMBO",
        "  NO MAYO",
        "  2 x BACON",
        "  + COLESLAW",
        "  + SODA (COLA, REGULAR)",
    )


def test_an_order_as_json() -> None:
    call = Call()
    call.tool("setCustomer", name="Grace", phone="0712345678", address="12 Ring Road", note="ring twice")
    call.add("fries", 2, ["large"])
    call.place()
    view = placed_order_view(call.cart.placed[0])
    assert view["number"] == 17
    assert view["lines"][0]["options"] == [  # type: ignore[index]
        {"group": "size-fries", "id": "large", "name": "large", "quantity": 1, "price_minor": 8000}
    ]
    assert (view["total_minor"], view["currency"], view["fulfilment"]) == (66_000, "KES", "pickup")
    assert not any(word in json.dumps(view) for word in ("Grace", "712345678", "Ring Road", "ring twice"))
