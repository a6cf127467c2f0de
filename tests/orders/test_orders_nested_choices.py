"""Choices within choices on their way to the kitchen, and the ceiling of a caller whom nobody knows, on a database."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
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
