"""Stock over the API: what is set counts in running calls, and only in the key's branch."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from orders_api import Api

pytestmark = pytest.mark.integration

STOCK = "/v1/branches/westlands/stock"


@pytest.fixture
async def till(api: Api) -> httpx.AsyncClient:
    return await api.till("westlands")


async def test_what_is_out_is_refused_in_a_running_call_until_it_is_back(api: Api, till: httpx.AsyncClient) -> None:
    assert (await api.desk.ask("addItem", name="samosa"))["status"] == "ok"
    wanted = {"name": "samosa", "sold_out": True, "until": "2026-03-06T20:00:00+03:00", "reason": "oil is out"}
    told = (await till.put(STOCK, json=wanted)).json()
    (entry,) = told["sold_out"]
    assert (entry["entry"], entry["until"], entry["reason"]) == ("samosa", "2026-03-06T17:00:00Z", "oil is out")
    assert (await till.put(STOCK, json=wanted)).json() == told
    assert (await till.get(STOCK)).json() == told
    assert (await api.desk.ask("addItem", name="samosa"))["code"] == "item_sold_out"
    assert (await till.put(STOCK, json={"name": "samosa", "sold_out": False})).json()["sold_out"] == []
    assert (await api.desk.ask("addItem", name="samosa"))["status"] == "ok"
    (row,) = api.desk.rows("SELECT count(*) FROM stock")
    assert row == (0,)


async def test_what_cannot_be_set_says_why(till: httpx.AsyncClient) -> None:
    for body, reason in (
        ({"name": "samosas-big", "sold_out": True}, "unknown_item"),
        ({"kind": "option", "name": "nothing/there", "sold_out": True}, "unknown_option"),
        ({"name": "samosa", "sold_out": True, "until": "2020-01-01T00:00:00Z"}, "until_past"),
    ):
        answer = await till.put(STOCK, json=body)
        assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (409, "stock-refused", reason)
    no_zone = {"name": "samosa", "sold_out": True, "until": "2030-01-01T00:00:00"}
    for body in (no_zone, {"name": "samosa"}, {"name": "a b", "sold_out": True}, {"name": "samosa", "out": True}):
        assert (await till.put(STOCK, json=body)).status_code == 422


async def put(till: httpx.AsyncClient, key: str, name: str, **more: Any) -> httpx.Response:
    return await till.put(STOCK, json={"name": name, **more}, headers={"idempotency-key": key})


async def test_a_repetition_does_not_take_back_what_was_said_meanwhile(api: Api, till: httpx.AsyncClient) -> None:
    first = await put(till, "key-00000001", "samosa", sold_out=True)
    assert (await till.put(STOCK, json={"name": "samosa", "sold_out": False})).json()["sold_out"] == []
    again = await put(till, "key-00000001", "samosa", sold_out=True)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["content-type"] == first.headers["content-type"] == "application/json"
    assert (await till.get(STOCK)).json()["sold_out"] == []
    assert (await api.desk.ask("addItem", name="samosa"))["status"] == "ok"


async def test_a_key_stands_for_one_request_also_between_addresses(api: Api, till: httpx.AsyncClient) -> None:
    order_id = await api.placed()
    await put(till, "key-00000001", "samosa", sold_out=True)
    word = {"state": "received"}
    for answer in (
        await put(till, "key-00000001", "tea", sold_out=True),
        await put(till, "key-00000001", "samosa", sold_out=True, reason="oil is out"),
        await till.post(f"/v1/orders/{order_id}/state", json=word, headers={"idempotency-key": "key-00000001"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert [entry["entry"] for entry in (await till.get(STOCK)).json()["sold_out"]] == ["samosa"]


async def test_a_refusal_of_stock_is_repeated_and_writes_nothing(api: Api, till: httpx.AsyncClient) -> None:
    first = await put(till, "key-00000001", "samosas-big", sold_out=True)
    again = await put(till, "key-00000001", "samosas-big", sold_out=True)
    assert (first.status_code, again.status_code) == (409, 409)
    assert again.json() == first.json()
    assert first.headers["content-type"] == again.headers["content-type"] == "application/problem+json"
    assert api.desk.rows("SELECT count(*) FROM stock") == [(0,)]


async def test_equal_changes_of_stock_at_once_are_carried_out_once(api: Api, till: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(put(till, "key-00000001", "samosa", sold_out=True) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert api.desk.rows("SELECT count(*) FROM api_writes") == [(1,)]
