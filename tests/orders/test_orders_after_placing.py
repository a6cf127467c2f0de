"""After the order was placed: what the caller is told and may do, in the same call and when they ring again."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from orders_api import Api
from orders_desk import CALL, Desk, fc

from agiza.runtime.postgres import transaction
from services.orders.opening import Openings
from services.orders.store import lock_existing_cart

pytestmark = pytest.mark.integration

AGAIN = "HD_orders02"
CALLER = "+254711000001"


def a_call(desk: Desk, call_id: str, caller: str | None = CALLER, *, ended: bool = False, resumes: str = "") -> None:
    number = f"'{caller}'" if caller else "NULL"
    desk.run(
        "INSERT INTO calls (call_id, branch_id, menu_version, pii_caller, stage, traceparent, started_at, ended_at,"
        f" resumes_call_id) VALUES ('{call_id}', 'westlands', 1, {number}, 'streaming', '', now(),"
        f" {'now()' if ended else 'NULL'}, nullif('{resumes}', ''))"
    )


@pytest.fixture
async def till(api: Api) -> httpx.AsyncClient:
    return await api.till("westlands")


async def ask(desk: Desk, name: str, call_id: str = AGAIN, **args: Any) -> dict[str, Any]:
    return (await desk.answer(desk.event(fc(name, **args), call_id=call_id, epoch=0)))[0]


async def say(till: httpx.AsyncClient, order_id: str, state: str, **more: Any) -> int:
    return (await till.post(f"/v1/orders/{order_id}/state", json={"state": state, **more})).status_code


async def test_the_kitchens_time_reaches_the_caller(api: Api, till: httpx.AsyncClient) -> None:
    order_id = await api.placed()
    assert (await api.desk.ask("orderStatus"))["eta_minutes"] == 20
    assert await say(till, order_id, "accepted", eta_minutes=35) == 200
    api.desk.clock.advance(10 * 60)
    told = await api.desk.ask("orderStatus")
    assert (told["state"], told["eta_minutes"]) == ("accepted", 25)
    assert "twenty-five more minutes" in told["message"]
    assert await say(till, order_id, "preparing", eta_minutes=5) == 200
    assert (await api.desk.ask("orderStatus"))["eta_minutes"] == 5
    api.desk.clock.advance(6 * 60)
    assert "eta_minutes" not in await api.desk.ask("orderStatus"), "no time is better than one that has passed"


async def test_who_rings_again_is_told_of_the_order(api: Api, till: httpx.AsyncClient) -> None:
    a_call(api.desk, CALL, ended=True)
    order_id = await api.placed()
    a_call(api.desk, AGAIN)
    told = await ask(api.desk, "orderStatus")
    assert (told["order_id"], told["state"], told["eta_minutes"]) == (order_id, "placed", 20)
    await say(till, order_id, "accepted", eta_minutes=15)
    assert (await ask(api.desk, "orderStatus", order=1))["state"] == "accepted"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE calls SET pii_caller = NULL",
        "UPDATE calls SET pii_caller = '+254711000009' WHERE call_id = 'HD_orders02'",
        "UPDATE calls SET branch_id = 'kilimani' WHERE call_id = 'HD_orders01'",
        "UPDATE orders SET placed_at = placed_at - interval '181 minutes'",
    ],
    ids=["withheld", "another-number", "another-branch", "long-ago"],
)
async def test_nobody_else_is_told_of_it(api: Api, change: str) -> None:
    a_call(api.desk, CALL, ended=True)
    await api.placed()
    a_call(api.desk, AGAIN)
    api.desk.run(change)
    for tool in ("orderStatus", "cancelOrder"):
        assert (await ask(api.desk, tool))["code"] == "no_order"
    assert api.desk.rows("SELECT state FROM orders") == [("placed",)]


async def test_another_call_takes_an_order_back_only_until_it_is_accepted(api: Api, till: httpx.AsyncClient) -> None:
    a_call(api.desk, CALL, ended=True)
    first, second = await api.placed(), await api.placed("HD_orders03")
    a_call(api.desk, "HD_orders03", ended=True)
    a_call(api.desk, AGAIN)
    await say(till, first, "accepted", eta_minutes=20)
    refused = await ask(api.desk, "cancelOrder", order=1)
    assert (refused["status"], refused["code"], refused["state"]) == ("refused", "cancel_needs_person", "accepted")
    assert "another call" in refused["message"]
    done = await ask(api.desk, "cancelOrder")
    assert (done["code"], done["order_id"]) == ("cancel_requested", second)
    assert (await ask(api.desk, "cancelOrder", order=2))["code"] == "already_cancelled"
    moves = (await till.get(f"/v1/orders/{second}")).json()["moves"]
    assert [move["state"] for move in moves] == ["cancel_requested"]
    assert api.desk.rows("SELECT type FROM outbox ORDER BY position DESC LIMIT 1") == [
        ("agiza.order.cancel_requested",)
    ]


async def test_a_call_that_we_placed_to_go_on_is_the_same_caller(api: Api, till: httpx.AsyncClient) -> None:
    a_call(api.desk, CALL)
    order_id = await api.placed()
    a_call(api.desk, AGAIN, resumes=CALL)
    await say(till, order_id, "accepted", eta_minutes=20)
    assert (await ask(api.desk, "cancelOrder"))["code"] == "cancel_requested"


async def test_a_supplement_that_was_begun_is_found_again_and_the_order_stays(
    api: Api, till: httpx.AsyncClient
) -> None:
    desk = api.desk
    openings = Openings(desk.pool, desk.catalog, desk.metrics)
    a_call(desk, CALL, ended=True)
    order_id = await api.placed()
    await desk.ask("addItem", name="soda")
    a_call(desk, AGAIN)
    opening = await openings.open(AGAIN, "westlands", 0)
    assert (opening.resumed, opening.lines, opening.placed) == ("redial", "one soda", (1,))
    await say(till, order_id, "accepted", eta_minutes=20)
    assert (await ask(desk, "cancelOrder"))["code"] == "cancel_needs_person", "the cart does not make it their call"
    assert await api.placed(AGAIN) != order_id
    rows = desk.rows("SELECT supplement_of FROM orders WHERE supplement_of IS NOT NULL")
    assert rows == [(order_id,)]


async def test_a_caller_cancels_while_the_kitchen_accepts(api: Api, till: httpx.AsyncClient) -> None:
    """Whoever comes second is judged by what the first has done; events and state agree whoever it was."""
    ends = set()
    for number in range(12):
        call_id = f"HD_race{number:02d}"
        order_id = await api.placed(call_id)
        cancel = api.desk.answer(api.desk.event(fc("cancelOrder"), call_id=call_id))
        accept = till.post(f"/v1/orders/{order_id}/state", json={"state": "accepted", "eta_minutes": 20})
        both: list[Any] = [cancel, accept] if number % 2 else [accept, cancel]
        one, other = await asyncio.gather(*both)
        (cancelled,), accepted = (one, other) if number % 2 else (other, one)
        assert cancelled["code"] == "cancel_requested", "an accepted order may still be taken back"
        steps = [
            row[0].removeprefix("agiza.order.")
            for row in api.desk.rows(
                f"SELECT type FROM outbox WHERE pii_event->'data'->>'order_id' = '{order_id}' ORDER BY position"
            )
        ]
        if accepted.status_code == 200:
            assert steps == ["placed", "received", "accepted", "cancel_requested"]
        else:
            assert (accepted.status_code, accepted.json()["state"]) == (409, "cancel_requested")
            assert steps == ["placed", "cancel_requested"]
        assert api.desk.rows(f"SELECT state FROM orders WHERE order_id = '{order_id}'") == [("cancel_requested",)]
        (moves,) = api.desk.rows(
            f"SELECT array_agg(state ORDER BY position) FROM order_moves WHERE order_id = '{order_id}'"
        )
        assert moves[0] == steps[1:]
        ends.add(accepted.status_code)
    assert ends <= {200, 409}


async def test_a_kitchen_accepts_while_the_cart_is_at_the_desk(api: Api, till: httpx.AsyncClient) -> None:
    """A word of two steps writes the order twice, and then Postgres looks whether its cart is still there. If that
    waited for the cart's lock, it would wait for a caller who cancels and who waits for the order."""
    order_id = await api.placed()
    async with transaction(api.desk.pool) as desk:
        await lock_existing_cart(desk, CALL)
        answer = await till.post(f"/v1/orders/{order_id}/state", json={"state": "accepted", "eta_minutes": 20})
        assert answer.status_code == 200
    assert api.desk.rows("SELECT count(*) FROM order_moves") == [(2,)]


async def test_a_kitchen_that_is_ready_and_a_caller_who_cancels_cannot_both_win(
    api: Api, till: httpx.AsyncClient
) -> None:
    for number in range(8):
        call_id = f"HD_late{number:02d}"
        order_id = await api.placed(call_id)
        await say(till, order_id, "accepted", eta_minutes=20)
        await say(till, order_id, "preparing")
        cancel = api.desk.answer(api.desk.event(fc("cancelOrder"), call_id=call_id))
        (answer,), status = await asyncio.gather(cancel, say(till, order_id, "ready"))
        assert status == 200
        assert answer["code"] in ("cancel_requested", "too_late_to_cancel")
        assert api.desk.rows(f"SELECT state FROM orders WHERE order_id = '{order_id}'") == [("ready",)]
