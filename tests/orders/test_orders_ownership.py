"""Orders of which the kitchen says too little: their alarm, what ends it, and the person who takes one."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from orders_api import TOKEN, Api
from orders_desk import Desk
from pydantic import SecretStr

from agiza.contracts.envelope import decode
from agiza.contracts.events import OrderOwned, OrderUnacknowledged
from agiza.domain.menu import Kitchen
from agiza.runtime.postgres import transaction
from services.orders import ownership
from services.orders.owner_api import owner_routes
from services.orders.silence import SilenceWatch

pytestmark = pytest.mark.integration

TIMES = Kitchen(received_seconds=60, accepted_seconds=180)
"""As westlands has them."""


@pytest.fixture
async def till(api: Api) -> httpx.AsyncClient:
    return await api.till("westlands")


def watch(api: Api) -> SilenceWatch:
    desk = api.desk
    return SilenceWatch(desk.pool, desk.clock, desk.metrics, lambda: api.woken.append(1))


def feed(desk: Desk) -> list[str]:
    return [row[0].removeprefix("agiza.order.") for row in desk.rows("SELECT type FROM outbox ORDER BY position")]


def last_event(desk: Desk) -> object:
    (row,) = desk.rows("SELECT pii_event::text FROM outbox ORDER BY position DESC LIMIT 1")
    return decode(row[0]).event


def alarms(desk: Desk) -> list[tuple[str | None, object]]:
    return [(row[0], row[1]) for row in desk.rows("SELECT alarm, alarm_at FROM orders ORDER BY placed_at, order_id")]


async def say(till: httpx.AsyncClient, order_id: str, state: str, **more: object) -> dict[str, object]:
    answer = await till.post(f"/v1/orders/{order_id}/state", json={"state": state, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


async def test_an_order_without_received_has_an_alarm_once(api: Api, till: httpx.AsyncClient) -> None:
    order_id, desk, silence = await api.placed(), api.desk, watch(api)
    desk.clock.advance(59)
    assert await silence.sweep() == []
    desk.clock.advance(1)
    (raised,) = await silence.sweep()
    assert (raised.order_id, raised.alarm) == (order_id, "not_received")
    assert await silence.sweep() == []
    desk.clock.advance(600)  # also accepting is overdue now: it stays the one alarm
    assert await silence.sweep() == []
    assert feed(desk) == ["placed", "unacknowledged"]
    event = last_event(desk)
    assert isinstance(event, OrderUnacknowledged)
    assert (event.call_id, event.order_id, event.missing, event.owned_by) == ("HD_orders01", order_id, "received", None)
    assert len(api.woken) == 1
    order = (await till.get(f"/v1/orders/{order_id}")).json()
    assert (order["alarm"], order["alarm_at"], order["owned"]) == ("not_received", "2026-03-06T09:01:00Z", False)
    assert desk.metrics.value("orders_unowned", branch="westlands") == 1
    assert desk.metrics.value("order_alarms_total", branch="westlands", missing="received") == 1


async def test_the_late_word_ends_the_alarm_and_the_next_may_be_missing_too(api: Api, till: httpx.AsyncClient) -> None:
    order_id, desk, silence = await api.placed(), api.desk, watch(api)
    desk.clock.advance(60)
    await silence.sweep()
    assert (await say(till, order_id, "received"))["alarm"] is None
    assert alarms(desk) == [(None, None)]
    await silence.sweep()
    assert desk.metrics.value("orders_unowned", branch="westlands") == 0
    desk.clock.advance(120)
    (raised,) = await silence.sweep()
    assert raised.alarm == "not_accepted"
    assert (await say(till, order_id, "accepted", eta_minutes=20))["alarm"] is None
    desk.clock.advance(600)
    assert await silence.sweep() == []
    assert feed(desk) == ["placed", "unacknowledged", "received", "unacknowledged", "accepted"]
    assert desk.metrics.observations("ticket_confirm_seconds") == 1
    assert desk.metrics.observations("order_accept_seconds") == 1


async def test_receiving_does_not_end_the_alarm_for_accepting(api: Api, till: httpx.AsyncClient) -> None:
    order_id, desk = await api.placed(), api.desk
    desk.clock.advance(180)
    async with transaction(desk.pool) as conn:
        await ownership.raise_alarms(conn, {"westlands": Kitchen(accepted_seconds=180)}, desk.clock.now())
    before = alarms(desk)
    assert (await say(till, order_id, "received"))["alarm"] == "not_accepted"
    assert alarms(desk) == before
    assert (await say(till, order_id, "rejected", reason="busy"))["alarm"] is None


async def test_a_caller_who_takes_the_order_back_ends_the_alarm(api: Api) -> None:
    await api.placed()
    desk, silence = api.desk, watch(api)
    desk.clock.advance(60)
    await silence.sweep()
    assert (await desk.ask("cancelOrder"))["status"] == "ok"
    assert alarms(desk) == [(None, None)]
    desk.clock.advance(600)
    assert await silence.sweep() == []


async def test_words_in_time_raise_nothing(api: Api, till: httpx.AsyncClient) -> None:
    order_id, desk, silence = await api.placed(), api.desk, watch(api)
    desk.clock.advance(59)
    await say(till, order_id, "received")
    desk.clock.advance(120)
    await silence.sweep()
    await say(till, order_id, "accepted", eta_minutes=10)
    desk.clock.advance(600)
    await silence.sweep()
    assert feed(desk) == ["placed", "received", "accepted"]


async def test_a_branch_that_says_no_times_is_not_watched(api: Api) -> None:
    await api.placed()
    desk = api.desk
    desk.clock.advance(3600)
    async with transaction(desk.pool) as conn:
        unwatched = {"westlands": Kitchen(), "karen": TIMES}
        assert await ownership.raise_alarms(conn, unwatched, desk.clock.now()) == []
        assert await ownership.raise_alarms(conn, {"westlands": Kitchen()}, desk.clock.now()) == []


async def test_an_order_of_long_ago_raises_no_alarm(api: Api) -> None:
    await api.placed()
    api.desk.clock.advance(ownership.LOOKED_BACK.total_seconds())
    assert await watch(api).sweep() == []


async def test_new_times_of_a_branch_hold_for_orders_that_wait_already(api: Api) -> None:
    await api.placed()
    desk, silence = api.desk, watch(api)
    assert await silence.sweep() == []
    desk.run(
        "INSERT INTO menus (branch_id, version, document, digest, source, published_by)"
        " SELECT branch_id, 2, jsonb_set(document, '{branch,kitchen}', '{\"received_seconds\": 10}'), 'x', 'hand', ''"
        " FROM menus WHERE branch_id = 'westlands';"
        " UPDATE branches SET menu_version = 2 WHERE branch_id = 'westlands'"
    )
    desk.clock.advance(11)
    assert len(await silence.sweep()) == 1


async def test_many_replicas_raise_one_alarm(api: Api) -> None:
    await api.placed()
    api.desk.clock.advance(60)
    raised = await asyncio.gather(*(watch(api).sweep() for _ in range(6)))
    assert sum(map(len, raised)) == 1
    assert feed(api.desk) == ["placed", "unacknowledged"]


async def test_an_order_that_is_being_moved_is_left_for_the_next_round(api: Api) -> None:
    order_id, desk, silence = await api.placed(), api.desk, watch(api)
    desk.clock.advance(60)
    async with transaction(desk.pool) as kitchen:
        await kitchen.execute("SELECT FROM orders WHERE order_id = %s FOR NO KEY UPDATE", (order_id,))
        assert await silence.sweep() == []
    assert len(await silence.sweep()) == 1


async def take(till: httpx.AsyncClient, order_id: str, by: str, key: str | None = None) -> httpx.Response:
    headers = {"idempotency-key": key} if key else {}
    return await till.post(f"/v1/orders/{order_id}/own", json={"by": by}, headers=headers)


async def test_an_order_stays_unowned_until_a_person_takes_it(api: Api, till: httpx.AsyncClient) -> None:
    order_id, desk, silence = await api.placed(), api.desk, watch(api)
    desk.clock.advance(60)
    await silence.sweep()
    desk.clock.advance(30)
    order = (await take(till, order_id, "  Amina ")).json()
    assert (order["alarm"], order["owned"], order["pii_owned_by"]) == ("not_received", True, "Amina")
    assert order["owned_at"] == "2026-03-06T09:01:30Z"
    event = last_event(desk)
    assert isinstance(event, OrderOwned)
    assert (event.order_id, event.by, event.at) == (order_id, "kitchen", "2026-03-06T09:01:30+00:00")
    assert "Amina" not in desk.rows("SELECT string_agg(pii_event::text, '') FROM outbox")[0][0]
    desk.clock.advance(600)
    assert await silence.sweep() == []
    assert desk.metrics.value("orders_unowned", branch="westlands") == 0
    assert feed(desk) == ["placed", "unacknowledged", "owned"]


async def test_the_first_who_takes_it_stays(api: Api, till: httpx.AsyncClient) -> None:
    order_id = await api.placed()
    first, second = await asyncio.gather(take(till, order_id, "Amina"), take(till, order_id, "Brian"))
    assert first.json()["pii_owned_by"] == second.json()["pii_owned_by"]
    assert feed(api.desk) == ["placed", "owned"]
    assert len(api.woken) == 1
    api.desk.clock.advance(600)
    assert await watch(api).sweep() == []  # somebody looks after it already


async def test_taking_twice_with_one_key_is_answered_as_the_first_time(api: Api, till: httpx.AsyncClient) -> None:
    order_id = await api.placed()
    first = await take(till, order_id, "Amina", "take-0001")
    await say(till, order_id, "received")
    again = await take(till, order_id, "Amina", "take-0001")
    assert (again.status_code, again.json()) == (200, first.json())
    other = await take(till, order_id, "Brian", "take-0001")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert feed(api.desk) == ["placed", "owned", "received"]


async def test_what_the_kitchen_has_needs_no_owner(api: Api, till: httpx.AsyncClient) -> None:
    order_id = await api.placed()
    await say(till, order_id, "accepted", eta_minutes=20)
    refused = await take(till, order_id, "Amina")
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (409, "nothing-to-own", "accepted")
    assert "owned" not in feed(api.desk)


async def test_an_order_that_was_refused_may_be_taken(api: Api, till: httpx.AsyncClient) -> None:
    order_id = await api.placed()
    await say(till, order_id, "rejected", reason="busy")
    assert (await take(till, order_id, "Amina")).json()["owned"] is True


@pytest.mark.parametrize("by", ["", "   ", "x" * 65, "a\nb", None, 7])
async def test_a_name_that_is_none_is_refused(api: Api, till: httpx.AsyncClient, by: object) -> None:
    order_id = await api.placed()
    refused = await till.post(f"/v1/orders/{order_id}/own", json={"by": by})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")


async def test_only_who_may_write_for_the_branch_takes_its_orders(api: Api) -> None:
    order_id = await api.placed()
    reader = await api.till("westlands", rights=("orders:read",))
    assert (await take(reader, order_id, "Amina")).json()["code"] == "right-missing"
    elsewhere = await api.till("karen")
    assert (await take(elsewhere, order_id, "Amina")).status_code == 404
    assert feed(api.desk) == ["placed"]


async def test_the_watch_runs_until_it_is_stopped(api: Api) -> None:
    await api.placed()
    desk = api.desk
    desk.clock.advance(60)
    stopping = asyncio.Event()
    await SilenceWatch(desk.pool, desk.clock, desk.metrics, stopping.set).run(stopping)
    assert feed(desk) == ["placed", "unacknowledged"]


async def test_staff_on_the_phone_own_what_waits_of_their_call(api: Api, till: httpx.AsyncClient) -> None:
    order_id, desk = await api.placed(), api.desk
    api.app.include_router(owner_routes(SecretStr(TOKEN), desk.pool, desk.clock, lambda: api.woken.append(1)))
    inside, outside = await api.client(TOKEN), await api.client("another-token-of-at-least-thirty-two-chars")
    address, body = "/internal/calls/HD_orders01/orders/own", {"branch_id": "westlands", "by": "Front counter"}
    assert (await outside.post(address, json=body)).status_code == 401
    assert (await inside.post(address, json=body)).json() == {"owned": []}, "it has no alarm yet"
    desk.clock.advance(60)
    await watch(api).sweep()
    assert (await inside.post(address, json=body | {"branch_id": "karen"})).json() == {"owned": []}
    assert (await inside.post(address, json=body)).json() == {"owned": [1]}
    assert (await inside.post(address, json=body | {"by": "Manager"})).json() == {"owned": []}
    event = last_event(desk)
    assert isinstance(event, OrderOwned)
    assert (event.order_id, event.by) == (order_id, "staff")
    assert (await till.get(f"/v1/orders/{order_id}")).json()["pii_owned_by"] == "Front counter"
    assert (await inside.post(address, json={"branch_id": "westlands", "by": " "})).status_code == 422
