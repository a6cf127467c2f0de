"""The page of hand-offs: only with the branch's key, masked until taken, and carts that people finish."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest
import redis.asyncio
from servers import Database

from agiza.contracts.streams import session_turns_key
from agiza.runtime.branch_keys import branch_key
from agiza.runtime.clock import StoppedClock
from agiza.runtime.http import create_app
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import open_pool
from agiza.runtime.process import Process
from agiza.runtime.redis_clients import open_redis
from services.escalation.order_owner import OrderOwner
from services.escalation.page.acting import CartDesk
from services.escalation.page.matters import masked
from services.escalation.page.routes import PageParts, page_routes

pytestmark = pytest.mark.integration

SECRET = "a-screen-secret-of-at-least-32-characters"
CALLER = "+254711000001"
PLACED = {"status": "ok", "order_number": 7}
PAGE = {"x-requested-by": "handoffs"}


@dataclass
class Orders:
    """The orders service, as far as the page asks it."""

    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answer: httpx.Response = field(
        default_factory=lambda: httpx.Response(200, json={"status": "ok", "order_number": 7})
    )

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.path, json.loads(request.content)))
        return self.answer


@pytest.fixture
def orders() -> Orders:
    return Orders()


@pytest.fixture
async def page(
    database: Database,
    redis_url: str,
    redis_urls: dict[str, str],
    clock: StoppedClock,
    metrics: Metrics,
    orders: Orders,
) -> AsyncIterator[httpx.AsyncClient]:
    with psycopg.connect(database.url) as admin:
        admin.execute(
            "INSERT INTO calls (call_id, branch_id, menu_version, pii_caller, stage, traceparent, started_at)"
            " VALUES ('HD_call01', 'westlands', 1, %s, 'dialling', '', now())", (CALLER,),
        )  # fmt: skip
        admin.execute(
            "INSERT INTO handoffs (handoff_id, call_id, leg_epoch, branch_id, reason, pii_summary, state, traceparent,"
            " requested_at, updated_at) VALUES ('h-000001', 'HD_call01', 0, 'westlands', 'allergy_or_medical',"
            " 'Asks about nuts.', 'requested', '', %s, %s)", (clock.now(), clock.now()),
        )  # fmt: skip
    seeds = redis.asyncio.Redis.from_url(redis_url)
    await seeds.rpush(session_turns_key("HD_call01"), json.dumps({"who": "caller", "text": "any nuts in it?"}))
    transport = httpx.MockTransport(orders.handle)
    async with (
        open_pool(database.urls["agiza_escalation"], service="escalation") as pool,
        open_redis(redis_urls["escalation"], service="escalation") as clients,
        httpx.AsyncClient(transport=transport, base_url="http://orders") as http,
    ):
        parts = PageParts(pool, clients.commands, clock, CartDesk(http), OrderOwner(http), (SECRET,), is_https=False)
        app = create_app("escalation", Process(clock=clock, metrics=metrics))
        app.include_router(page_routes(parts))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as client:
            yield client
    await seeds.delete(session_turns_key("HD_call01"))
    await seeds.aclose()


async def opened(page: httpx.AsyncClient, branch: str = "westlands") -> None:
    answer = await page.post(f"/handoffs/{branch}/key", json={"key": branch_key(branch, SECRET)}, headers=PAGE)
    assert answer.status_code == 200
    assert "httponly" in answer.headers["set-cookie"].lower()


async def act(
    page: httpx.AsyncClient, action: str, matter: str = "h-000001", branch: str = "westlands"
) -> httpx.Response:
    body = {"by": "Amina", "request_id": "click-0001"}
    return await page.post(f"/handoffs/{branch}/matters/{matter}/{action}", json=body, headers=PAGE)


async def matters(page: httpx.AsyncClient, branch: str = "westlands") -> list[dict[str, Any]]:
    answer = await page.get(f"/handoffs/{branch}/matters")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["matters"]
    return found


async def test_page_needs_the_key_of_just_this_branch(page: httpx.AsyncClient) -> None:
    assert "default-src 'self'" in (await page.get("/handoffs/westlands")).headers["content-security-policy"]
    assert (await page.get("/handoffs/westlands/matters")).status_code == 401
    wrong = await page.post("/handoffs/westlands/key", json={"key": branch_key("kilimani", SECRET)}, headers=PAGE)
    assert wrong.status_code == 401
    await opened(page)
    assert (await page.get("/handoffs/kilimani/matters")).status_code == 401
    assert (await page.get("/handoffs/static/handoffs.js")).headers["content-type"].startswith("text/javascript")
    assert (await page.get("/handoffs/static/..%2Froutes.py")).status_code == 404


async def test_caller_is_masked_until_somebody_takes_the_matter(page: httpx.AsyncClient) -> None:
    await opened(page)
    (matter,) = await matters(page)
    assert (matter["reason"], matter["summary"], matter["is_open"]) == ("allergy_or_medical", "Asks about nuts.", True)
    assert matter["caller"] == masked(CALLER)
    assert CALLER[4:-2] not in json.dumps(matter)
    assert matter["transcript"] == [{"who": "caller", "text": "any nuts in it?"}]
    assert (await act(page, "take")).json() == {"taken_by": "Amina"}
    (matter,) = await matters(page)
    assert (matter["caller"], matter["taken_by"]) == (CALLER, "Amina")


async def test_cart_is_finished_by_orders(page: httpx.AsyncClient, orders: Orders) -> None:
    await opened(page)
    assert (await act(page, "place")).json() == {"status": "ok", "order_number": 7}
    assert orders.asked == [
        (
            "/internal/calls/HD_call01/staff/place",
            {"branch_id": "westlands", "by": "Amina", "request_id": "click-0001"},
        )
    ]
    orders.answer = httpx.Response(503)
    assert (await act(page, "discard")).status_code == 503


async def test_settled_matter_is_closed_once(page: httpx.AsyncClient) -> None:
    await opened(page)
    assert (await act(page, "close")).status_code == 200
    assert (await act(page, "close")).status_code == 404
    (matter,) = await matters(page)
    assert (matter["state"], matter["is_open"]) == ("closed", False)


async def test_only_the_page_itself_may_act(page: httpx.AsyncClient) -> None:
    await opened(page)
    body = {"by": "Amina", "request_id": "click-0001"}
    assert (await page.post("/handoffs/westlands/matters/h-000001/take", json=body)).status_code == 403
    assert (await act(page, "take", branch="kilimani")).status_code == 401
    assert (await act(page, "take", matter="h-999999")).status_code == 404
    assert (await act(page, "burn")).status_code == 422


async def test_order_that_nobody_takes_is_shown_and_taken_for_orders_too(
    page: httpx.AsyncClient, orders: Orders, database: Database, clock: StoppedClock
) -> None:
    with psycopg.connect(database.url) as admin:
        admin.execute(
            "INSERT INTO callbacks (callback_id, call_id, branch_id, kind, pii_phone, reason, state, promised_for,"
            " traceparent, created_at, updated_at) VALUES ('cb-kitchen', 'HD_call01', 'westlands', 'kitchen', %s,"
            " 'order_not_accepted', 'failed', %s, '', %s, %s)",
            (CALLER, clock.now(), clock.now(), clock.now()),
        )
    await opened(page)
    matter = next(each for each in await matters(page) if each["id"] == "cb-kitchen")
    assert (matter["reason"], matter["state"], matter["is_open"]) == ("order_not_accepted", "failed", True)
    assert matter["callback"]["kind"] == "kitchen"
    orders.answer = httpx.Response(503)
    assert (await act(page, "take", matter="cb-kitchen")).status_code == 503
    assert next(each for each in await matters(page) if each["id"] == "cb-kitchen")["taken_by"] is None
    orders.answer = httpx.Response(200, json={"owned": [17]})
    assert (await act(page, "take", matter="cb-kitchen")).json() == {"taken_by": "Amina"}
    told = ("/internal/calls/HD_call01/orders/own", {"branch_id": "westlands", "by": "Amina"})
    assert orders.asked == [told, told]
