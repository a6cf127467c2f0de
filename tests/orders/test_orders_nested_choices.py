"""Choices within choices on their way to the kitchen, and the ceiling of a caller whom nobody knows, on a database."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from orders_api import Api
from orders_desk import BRANCHES, CALL, Desk, fc

from agiza.domain.menu import parse_branch
from services.orders.callers import is_known_caller

pytestmark = pytest.mark.integration


async def test_the_ticket_has_them_in_the_kitchen_s_words(desk: Desk) -> None:
    await desk.ask("addItem", name="chicken-burger-combo", modifiers=["fries/large", "soda/orange", "no-onions"])
    placed = await desk.place()
    assert placed["status"] == "ok"
    ((ticket,),) = desk.rows("SELECT pii_event->'data' FROM outbox")
    (line,) = ticket["lines"]
    assert line["unit_minor"] == 90_000
    assert line["printed"] == ["1 x CHK COMBO", "  NO ONIONS", "  FRIES: LARGE", "  SODA: ORANGE"]
    assert [part["extra_minor"] for part in line["parts"]] == [8_000, 0]
    assert line["parts"][0]["options"][0]["under"] == ["fries"]
    assert [(tax["name"], tax["included"], tax["amount_minor"]) for tax in ticket["taxes"]] == [
        ("VAT", True, ticket["tax_minor"])
    ]
    assert desk.rows("SELECT pii_state->>'schema_version' FROM carts") == [("2",)]


async def test_an_order_has_each_of_its_taxes_on_ticket_and_row_and_over_the_api(api: Api) -> None:
    doc: dict[str, Any] = copy.deepcopy(yaml.safe_load((BRANCHES / "westlands.yaml").read_text()))
    doc["branch"]["tax"] = [
        {"id": "vat", "name": "VAT", "rate_bp": 1600, "included": True},
        {"id": "levy", "name": "Tourism levy", "rate_bp": 200, "included": False},
    ]
    await api.desk.catalog.publish([doc])
    event = api.desk.event(fc("addItem", name="fries"), call_id=CALL)
    await api.desk.answer(event.__class__(event.envelope, event.event.model_copy(update={"menu_version": 2})))
    order_id = (await api.desk.place())["order_id"]
    till = await api.till("westlands")
    order = (await till.get(f"/v1/orders/{order_id}")).json()
    # 250.00 with 16 % in it: 34.48; the levy is taken of the price without it, 215.52: 4.31, on top
    assert order["taxes"] == [
        {"id": "vat", "name": "VAT", "rate_bp": 1600, "included": True, "amount_minor": 3_448},
        {"id": "levy", "name": "Tourism levy", "rate_bp": 200, "included": False, "amount_minor": 431},
    ]
    assert (order["items_minor"], order["tax_minor"], order["total_minor"]) == (25_000, 3_879, 25_431)
    ((ticket,),) = api.desk.rows("SELECT pii_event->'data' FROM outbox")
    assert ticket["taxes"] == order["taxes"]
    api.desk.run("UPDATE orders SET taxes = NULL")
    assert (await till.get(f"/v1/orders/{order_id}")).json()["taxes"] is None, "placed before they were recorded"
    assert (await till.get("/v1/orders")).json()["orders"][0]["taxes"] is None


async def test_a_cart_without_anything_new_is_kept_as_yesterday(desk: Desk) -> None:
    await desk.ask("addItem", name="chicken-burger-combo")
    assert desk.rows("SELECT pii_state->>'schema_version', pii_event->>'version' FROM carts, cart_events") == [
        ("1", "1")
    ]


async def test_a_number_is_known_by_an_order_of_another_day(desk: Desk) -> None:
    limits = limited()["branch"]["limits"]
    file = parse_branch(limited())
    assert limits["new_caller_total_max_minor"] == 50_000

    async def known(number: str | None) -> bool:
        async with desk.pool.connection() as conn:
            return await is_known_caller(conn, number, file.branch.limits, desk.clock.now())

    desk.run(
        "INSERT INTO calls (call_id, branch_id, stage, pii_caller, menu_version, traceparent, started_at)"
        f" VALUES ('{CALL}', 'westlands', 'ended', '+254711', 1, '', now())"
    )
    await desk.ask("addItem", name="fries")
    await desk.place()
    assert not await known("+254711"), "an order of this evening makes nobody known"
    desk.run("UPDATE orders SET placed_at = placed_at - interval '1 day'")
    assert await known("+254711")
    assert not await known("+254722")
    assert not await known(None)
    desk.run("UPDATE orders SET state = 'cancelled'")
    assert not await known("+254711")


async def test_a_new_caller_is_held_to_the_branch_s_ceiling(desk: Desk) -> None:
    await desk.catalog.publish([limited()])
    event = desk.event(fc("addItem", name="full-chicken"), fc("addItem", name="fries"), call_id="HD_new")
    event = event.__class__(event.envelope, event.event.model_copy(update={"menu_version": 2}))
    answers = await desk.answer(event)
    assert [answer["code"] for answer in answers] == ["new_caller_limit", "item_added"]


def limited() -> dict[str, Any]:
    doc: dict[str, Any] = copy.deepcopy(yaml.safe_load((BRANCHES / "westlands.yaml").read_text()))
    doc["branch"]["limits"]["new_caller_total_max_minor"] = 50_000
    return doc
