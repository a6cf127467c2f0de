"""Stock over the API: what is set counts in running calls, and only in the key's branch."""

from __future__ import annotations

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
