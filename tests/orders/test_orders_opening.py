"""With which cart a leg begins, and what staff do with it: one cart, one call at a time, one order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from orders_desk import CALL, Desk, fc
from pydantic import SecretStr

from agiza.runtime.http import create_app
from agiza.runtime.process import Process
from services.orders.call_api import call_routes
from services.orders.opening import Opening, Openings
from services.orders.staff import StaffAnswer, StaffCounter
from services.orders.store import CartElsewhere

pytestmark = pytest.mark.integration

TOKEN = "a-token-of-at-least-thirty-two-characters"
CALLER = "+254711000001"
LATER = "HD_orders02"


class Counter:
    """What was told to screens and relay."""

    def __init__(self) -> None:
        self.told: list[StaffAnswer] = []

    async def tell(self, answer: StaffAnswer) -> None:
        self.told.append(answer)


@pytest.fixture
def told() -> Counter:
    return Counter()


@pytest.fixture
def openings(desk: Desk) -> Openings:
    return Openings(desk.pool, desk.catalog, desk.metrics)


@pytest.fixture
async def http(desk: Desk, openings: Openings, told: Counter) -> AsyncIterator[httpx.AsyncClient]:
    counter = StaffCounter(desk.pool, desk.catalog, desk.clock, desk.metrics)
    app = create_app("orders", Process(clock=desk.clock, metrics=desk.metrics))
    app.include_router(call_routes(SecretStr(TOKEN), openings, counter, told.tell))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://orders", headers={"authorization": f"Bearer {TOKEN}"}
    ) as client:
        yield client


def a_call(
    desk: Desk, call_id: str, *, caller: str | None = CALLER, ended: bool = False, resumes: str | None = None
) -> None:
    number = f"'{caller}'" if caller else "NULL"
    resumed = f"'{resumes}'" if resumes else "NULL"
    desk.run(
        "INSERT INTO calls (call_id, branch_id, menu_version, pii_caller, stage, traceparent, started_at, ended_at,"
        f" resumes_call_id) VALUES ('{call_id}', 'westlands', 1, {number}, 'streaming', '', now(),"
        f" {'now()' if ended else 'NULL'}, {resumed})"
    )


async def two_lines(desk: Desk) -> None:
    await desk.answer(desk.event(fc("addItem", name="chicken-burger", quantity=2), fc("addItem", name="fries")))


async def test_first_leg_of_a_new_caller_begins_with_nothing(desk: Desk, openings: Openings) -> None:
    a_call(desk, CALL)
    assert await openings.open(CALL, "westlands", 0) == Opening()


async def test_next_leg_of_the_call_goes_on_with_its_cart(desk: Desk, openings: Openings) -> None:
    a_call(desk, CALL)
    await two_lines(desk)
    opening = await openings.open(CALL, "westlands", 2)
    assert opening.resumed == "leg"
    assert opening.cart_version == 2
    assert opening.lines == "two chicken burgers and one fries"
    assert opening.total is not None
    assert desk.metrics.value("carts_resumed_total", how="leg") == 1
    assert await openings.open(CALL, "kilimani", 2) == Opening()


async def test_what_was_placed_is_known_to_the_next_leg(desk: Desk, openings: Openings) -> None:
    a_call(desk, CALL)
    await two_lines(desk)
    await desk.place()
    opening = await openings.open(CALL, "westlands", 2)
    assert (opening.placed, opening.lines, opening.total) == ((1,), "", None)


async def test_redial_finds_the_open_cart_and_the_lost_call_is_fenced(desk: Desk, openings: Openings) -> None:
    a_call(desk, CALL, ended=True)
    await two_lines(desk)
    a_call(desk, LATER)
    opening = await openings.open(LATER, "westlands", 0)
    assert (opening.resumed, opening.cart_version) == ("redial", 2)
    assert await openings.open(LATER, "westlands", 0) == opening
    (response,) = await desk.answer(desk.event(fc("addItem", name="soda"), call_id=LATER, epoch=0, told=2))
    assert response["cart"]["version"] == 3
    assert len(response["cart"]["lines"]) == 3
    with pytest.raises(CartElsewhere):
        await desk.answer(desk.event(fc("addItem", name="soda")))
    assert desk.rows("SELECT cart_id, call_id FROM carts") == [(f"cart-{CALL}", LATER)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE calls SET ended_at = NULL",
        "UPDATE calls SET pii_caller = NULL",
        "UPDATE calls SET pii_caller = '+254711000009' WHERE call_id = 'HD_orders02'",
        "UPDATE carts SET updated_at = now() - interval '16 minutes'",
    ],
    ids=["still-live", "withheld", "another-number", "long-ago"],
)
async def test_cart_of_somebody_else_or_of_long_ago_is_not_found(desk: Desk, openings: Openings, change: str) -> None:
    a_call(desk, CALL, ended=True)
    await two_lines(desk)
    a_call(desk, LATER)
    desk.run(change)
    assert await openings.open(LATER, "westlands", 0) == Opening()


async def test_cart_that_became_an_order_is_not_opened_again(desk: Desk, openings: Openings) -> None:
    a_call(desk, CALL, ended=True)
    await two_lines(desk)
    await desk.place()
    a_call(desk, LATER)
    assert await openings.open(LATER, "westlands", 0) == Opening()


async def test_customer_who_is_rung_back_goes_on_with_the_lost_calls_cart(desk: Desk, openings: Openings) -> None:
    a_call(desk, CALL)  # the carrier never told its end
    await two_lines(desk)
    a_call(desk, LATER, resumes=CALL)
    opening = await openings.open(LATER, "westlands", 0)
    assert opening.resumed == "ring_back"
    assert await openings.open(LATER, "westlands", 0) == opening
    assert (await openings.open(LATER, "westlands", 1)).resumed == "leg"


async def test_bridge_is_told_over_http_and_in_the_language_that_is_spoken(http: httpx.AsyncClient, desk: Desk) -> None:
    a_call(desk, CALL)
    await two_lines(desk)
    asked = {"branch_id": "westlands", "leg_epoch": 1}
    english = (await http.post(f"/internal/calls/{CALL}/open", json=asked)).json()
    assert (english["resumed"], english["lines"]) == ("leg", "two chicken burgers and one fries")
    swahili = (await http.post(f"/internal/calls/{CALL}/open", json=asked | {"language": "sw"})).json()
    assert swahili["lines"] == "chicken burger mbili na fries moja"
    assert {name for name in english if english[name] != swahili[name]} == {"lines", "total"}


# --- staff -----------------------------------------------------------------------------------------------------------


async def act(http: httpx.AsyncClient, action: str, request_id: str = "request-1", **over: Any) -> httpx.Response:
    body = {"branch_id": "westlands", "by": "Amina", "request_id": request_id} | over
    return await http.post(f"/internal/calls/{CALL}/staff/{action}", json=body)


async def test_staff_finish_the_order_without_a_read_back(http: httpx.AsyncClient, desk: Desk, told: Counter) -> None:
    await two_lines(desk)
    answer = await act(http, "place")
    assert answer.status_code == 200
    placed = answer.json()
    assert (placed["status"], placed["order_number"]) == ("ok", 1)
    assert desk.rows("SELECT order_number, state FROM orders") == [(1, "placed")]
    assert desk.rows("SELECT type FROM outbox") == [("agiza.order.placed",)]
    assert told.told[0].has_news
    assert (await act(http, "place")).json() == placed
    assert (await act(http, "place", "request-2")).json()["code"] == "already_placed"
    assert desk.rows("SELECT count(*) FROM orders") == [(1,)]
    assert desk.rows("SELECT last_number FROM order_counters") == [(1,)]


async def test_agent_cannot_change_what_staff_have_settled(http: httpx.AsyncClient, desk: Desk) -> None:
    await two_lines(desk)
    assert (await act(http, "discard")).json()["code"] == "discarded"
    (late,) = await desk.answer(desk.event(fc("addItem", name="soda"), epoch=3))
    assert late["code"] == "stale_leg"
    assert desk.rows("SELECT count(*) FROM orders") == [(0,)]


async def test_staff_may_take_more_than_the_agent_but_not_what_is_sold_out(http: httpx.AsyncClient, desk: Desk) -> None:
    await two_lines(desk)
    desk.run("INSERT INTO stock (branch_id, item_id) VALUES ('westlands', 'fries')")
    refused = (await act(http, "place")).json()
    assert (refused["status"], refused["code"]) == ("refused", "item_sold_out")
    desk.run("DELETE FROM stock")
    desk.run("UPDATE order_counters SET last_number = last_number")
    assert (await act(http, "place", "request-2")).json()["order_number"] == 1


async def test_bad_requests_say_what_is_wrong(http: httpx.AsyncClient, desk: Desk) -> None:
    assert (await act(http, "place")).status_code == 404
    await two_lines(desk)
    assert (await act(http, "place", branch_id="kilimani")).status_code == 404
    assert (await act(http, "burn")).status_code == 422
    assert (await act(http, "place", by="")).status_code == 422
    assert (await http.post(f"/internal/calls/{CALL}/open", json={"branch_id": "WEST"})).status_code == 422
    http.headers["authorization"] = "Bearer wrong"
    assert (await act(http, "place")).status_code == 401
