"""The HTTP of the orders service for those who hold the installation's own token."""

from __future__ import annotations

import httpx
import pytest
from orders_api import TOKEN, Api
from orders_desk import CALL, Desk, fc

from agiza.contracts.envelope import decode
from agiza.contracts.events import ToolAnswered

pytestmark = pytest.mark.integration


@pytest.fixture
async def http(api: Api) -> httpx.AsyncClient:
    return await api.client(TOKEN)


def body_of(desk: Desk, *calls: object) -> tuple[bytes, object]:
    received = desk.event(*calls)  # type: ignore[arg-type]
    return received.envelope.model_dump_json(exclude_none=True).encode(), received


async def test_the_http_way_uses_the_same_handler_and_keys(http: httpx.AsyncClient, desk: Desk) -> None:
    body, received = body_of(desk, fc("addItem", name="fries"))
    over_stream = await desk.answer(received)  # type: ignore[arg-type]
    answer = await http.post("/internal/tool-calls", content=body)
    assert answer.status_code == 200
    event = decode(answer.content).event
    assert isinstance(event, ToolAnswered)
    assert [result.response for result in event.results] == over_stream
    assert desk.metrics.value("inbox_replay_total", path="http") == 1


@pytest.mark.parametrize(
    ("content", "status"), [(b"{}", 400), (b"not json", 400), (b"", 400), (b"x" * 70_000, 413)], ids=str
)
async def test_what_is_no_event_is_refused(http: httpx.AsyncClient, content: bytes, status: int) -> None:
    assert (await http.post("/internal/tool-calls", content=content)).status_code == status


async def test_nothing_is_told_without_the_token(http: httpx.AsyncClient) -> None:
    for path in ("/v1/orders", "/v1/branches", f"/v1/carts/{CALL}", "/internal/branches/westlands/menus/1"):
        answer = await http.get(path, headers={"authorization": "Bearer wrong"})
        assert answer.status_code == 401, path


async def test_menus_by_version(http: httpx.AsyncClient) -> None:
    menu = (await http.get("/internal/branches/westlands/menus/1")).json()
    assert menu["document"]["branch"]["id"] == "westlands"
    assert (await http.get("/internal/branches/westlands/menus/2")).status_code == 404
    current = (await http.get("/v1/branches/westlands/menu")).json()
    assert current["version"] == 1
    told = (await http.get("/v1/branches")).json()["branches"]
    assert [branch["id"] for branch in told] == ["cbd", "kampala", "karen", "kilimani", "westlands"]


async def test_carts_orders_and_tool_calls_can_be_read(http: httpx.AsyncClient, desk: Desk) -> None:
    await desk.ask("addItem", name="fries", modifiers=["large"])
    cart = (await http.get(f"/v1/carts/{CALL}")).json()
    assert cart["total_minor"] == 33_000
    placed = await desk.place()
    orders = (await http.get("/v1/orders", params={"call_id": CALL})).json()["orders"]
    assert [(order["order_number"], order["total_minor"]) for order in orders] == [(1, 33_000)]
    one = (await http.get(f"/v1/orders/{placed['order_id']}")).json()
    assert one["lines"][0]["kitchen"] == "FRIES"
    calls = (await http.get(f"/v1/calls/{CALL}/tool-calls")).json()["tool_calls"]
    assert [call["name"] for call in calls] == ["addItem", "getTotal", "placeOrder"]
    assert (await http.get("/v1/orders/none")).status_code == 404
    assert (await http.get("/v1/carts/HD_none")).status_code == 404


async def test_events_are_shown_only_once_they_have_their_number(http: httpx.AsyncClient, desk: Desk) -> None:
    await desk.ask("addItem", name="fries")
    await desk.place()
    assert (await http.get("/v1/branches/westlands/events")).json()["events"] == []
    desk.run("UPDATE outbox SET sequence = 1")
    events = (await http.get("/v1/branches/westlands/events")).json()["events"]
    assert [event["sequence"] for event in events] == ["00000000000000000001"]
    assert (await http.get("/v1/branches/westlands/events", params={"after": 1})).json()["events"] == []
    assert (await http.get("/v1/branches/westlands/events", params={"limit": 100000})).status_code == 422
