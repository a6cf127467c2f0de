"""What a POS says of an order: the moves, their events, their repetition, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from captured_logs import Logged
from orders_api import TOKEN, Api
from orders_desk import Desk

from agiza.contracts.envelope import decode
from agiza.contracts.events import OrderAccepted

pytestmark = pytest.mark.integration

BY = ("caller", "kitchen")


@pytest.fixture
async def till(api: Api) -> httpx.AsyncClient:
    return await api.till("westlands")


@pytest.fixture
async def order_id(api: Api) -> str:
    return await api.placed()


async def say(
    till: httpx.AsyncClient, order_id: str, state: str, key: str | None = None, **more: Any
) -> httpx.Response:
    headers = {"idempotency-key": key} if key else {}
    return await till.post(f"/v1/orders/{order_id}/state", json={"state": state, **more}, headers=headers)


def events(desk: Desk) -> list[str]:
    return [row[0].removeprefix("agiza.order.") for row in desk.rows("SELECT type FROM outbox ORDER BY position")]


async def test_an_order_goes_its_whole_way_with_one_event_a_step(
    api: Api, till: httpx.AsyncClient, order_id: str
) -> None:
    for state, more in (
        ("received", {}),
        ("accepted", {"eta_minutes": 25}),
        ("preparing", {}),
        ("ready", {}),
        ("preparing", {}),
        ("ready", {}),
        ("completed", {}),
    ):
        answer = await say(till, order_id, state, **more)
        assert (answer.status_code, answer.json()["state"]) == (200, state), answer.text
    order = (await till.get(f"/v1/orders/{order_id}")).json()
    steps = ["received", "accepted", "preparing", "ready", "preparing", "ready", "completed"]
    assert [move["state"] for move in order["moves"]] == steps
    assert events(api.desk) == ["placed", *steps]
    assert (order["eta_minutes"], order["eta_at"]) == (25, "2026-03-06T09:25:00Z")
    assert len(api.woken) == 7
    assert api.desk.metrics.value("order_moves_total", state="ready") == 2


async def test_accepting_implies_that_it_was_received(api: Api, till: httpx.AsyncClient, order_id: str) -> None:
    answer = await say(till, order_id, "accepted", eta_minutes=20)
    assert [move["state"] for move in answer.json()["moves"]] == ["received", "accepted"]
    assert events(api.desk) == ["placed", "received", "accepted"]
    (row,) = api.desk.rows("SELECT pii_event::text FROM outbox WHERE type = 'agiza.order.accepted'")
    event = decode(row[0]).event
    assert isinstance(event, OrderAccepted)
    assert (event.call_id, event.order_id, event.order_number) == ("HD_orders01", order_id, 1)
    assert (event.eta_minutes, event.eta_at) == (20, "2026-03-06T09:20:00+00:00")


async def test_rejecting_tells_why(api: Api, till: httpx.AsyncClient, order_id: str) -> None:
    answer = await say(till, order_id, "rejected", reason="busy", note="The fryer is out.")
    order = answer.json()
    assert (order["state"], order["reason"], order["note"]) == ("rejected", "busy", "The fryer is out.")
    assert events(api.desk) == ["placed", "received", "rejected"]
    assert (await say(till, order_id, "accepted", eta_minutes=5)).json()["allowed"] == []


async def test_the_same_word_again_changes_nothing(api: Api, till: httpx.AsyncClient, order_id: str) -> None:
    first = await say(till, order_id, "accepted", eta_minutes=20)
    again = await say(till, order_id, "accepted", eta_minutes=20)
    assert (again.status_code, again.json()) == (200, first.json())
    assert events(api.desk) == ["placed", "received", "accepted"]
    assert len(api.woken) == 1


async def test_another_time_for_the_same_state_moves_the_time(api: Api, till: httpx.AsyncClient, order_id: str) -> None:
    await say(till, order_id, "accepted", eta_minutes=20)
    api.desk.clock.advance(600)
    order = (await say(till, order_id, "accepted", eta_minutes=30)).json()
    assert (order["eta_minutes"], order["eta_at"]) == (30, "2026-03-06T09:40:00Z")
    await say(till, order_id, "preparing")
    assert (await till.get(f"/v1/orders/{order_id}")).json()["eta_at"] == "2026-03-06T09:40:00Z"
    assert events(api.desk) == ["placed", "received", "accepted", "accepted", "preparing"]


async def test_a_move_that_is_not_one_says_what_is(api: Api, till: httpx.AsyncClient, order_id: str) -> None:
    answer = await say(till, order_id, "ready")
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    problem = answer.json()
    assert (problem["code"], problem["state"]) == ("move-not-allowed", "placed")
    assert problem["allowed"] == ["received", "accepted", "rejected", "cancelled"]
    assert problem["type"] == "urn:agiza:problem:move-not-allowed"
    assert problem["remedy"]
    assert events(api.desk) == ["placed"]


async def test_a_word_that_is_not_ours_is_refused_with_those_that_are(till: httpx.AsyncClient, order_id: str) -> None:
    answer = await say(till, order_id, "auto-finalised")
    assert answer.status_code == 422
    assert answer.json()["allowed"] == [
        "received", "accepted", "rejected", "preparing", "ready", "completed", "cancelled",
    ]  # fmt: skip
    assert (await say(till, order_id, "cancel_requested")).status_code == 422
    assert (await say(till, order_id, "accepted")).json()["errors"][0]["where"] == "body.accepted.eta_minutes"
    assert (await say(till, order_id, "accepted", eta_minutes=0)).status_code == 422
    assert (await say(till, order_id, "rejected", reason="bored")).status_code == 422
    assert (await say(till, order_id, "ready", eta_minutes=5)).status_code == 422
    assert (await say(till, order_id, "rejected", reason="busy", note="a\nb")).status_code == 422


async def test_a_word_that_is_not_ours_is_recorded_for_whoever_looks_after_the_pos(
    api: Api, till: httpx.AsyncClient, order_id: str, logged: Logged
) -> None:
    for word in ("auto-finalised", "READY", "Amina Wanjiru 0711000001"):
        assert (await say(till, order_id, word)).status_code == 422
    recorded = logged.events("order_word_unknown")
    assert [line["word"] for line in recorded] == ["auto-finalised", "READY", "(no word)"]
    assert {line["order_id"] for line in recorded} == {order_id}
    ((key_id,),) = api.desk.rows("SELECT key_id FROM api_keys")
    assert {line["key_id"] for line in recorded} == {key_id}
    assert "Wanjiru" not in logged.text
    assert api.desk.metrics.value("order_words_unknown_total") == 3
    assert events(api.desk) == ["placed"]


async def test_only_words_of_a_key_about_an_order_are_recorded(
    api: Api, till: httpx.AsyncClient, order_id: str, logged: Logged
) -> None:
    assert (await say(await api.client("no-key"), order_id, "finalised")).status_code == 401
    assert (await say(await api.till("westlands", rights=["orders:read"]), order_id, "finalised")).status_code == 403
    assert (await say(till, "+254711000001", "finalised")).status_code == 422
    assert (await say(till, order_id, "accepted")).status_code == 422, "a field is missing, the word is ours"
    assert logged.events("order_word_unknown") == []
    assert api.desk.metrics.value("order_words_unknown_total") == 0


async def test_what_was_sent_is_not_repeated_in_a_refusal(till: httpx.AsyncClient, order_id: str) -> None:
    answer = await say(till, order_id, "rejected", reason="+254711000001")
    assert answer.status_code == 422
    assert "254711" not in answer.text


async def test_the_food_is_there_before_the_kitchen_reads_of_the_wish_to_cancel(
    api: Api, till: httpx.AsyncClient, order_id: str
) -> None:
    await say(till, order_id, "accepted", eta_minutes=20)
    await say(till, order_id, "preparing")
    assert (await api.desk.ask("cancelOrder"))["code"] == "cancel_requested"
    refused = await say(till, order_id, "preparing")
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["ready", "cancelled"])
    assert (await say(till, order_id, "ready")).json()["state"] == "ready"
    assert (await api.desk.ask("orderStatus"))["state"] == "ready"
    assert (await say(till, order_id, "completed")).status_code == 200


async def test_the_kitchen_stops_at_the_callers_wish_or_by_itself(
    api: Api, till: httpx.AsyncClient, order_id: str
) -> None:
    assert (await api.desk.ask("cancelOrder"))["code"] == "cancel_requested"
    assert (await say(till, order_id, "cancelled")).json()["reason"] == "caller"
    other = await api.placed("HD_orders02")
    await say(till, other, "accepted", eta_minutes=20)
    order = (await say(till, other, "cancelled", reason="sold_out")).json()
    assert (order["state"], order["reason"]) == ("cancelled", "sold_out")
    counted = {by: api.desk.metrics.value("orders_cancelled_total", branch="westlands", cancelled_by=by) for by in BY}
    assert counted == {"caller": 1, "kitchen": 1}
    assert events(api.desk) == [
        "placed", "cancel_requested", "cancelled", "placed", "received", "accepted", "cancelled",
    ]  # fmt: skip


# --- Idempotency-Key -------------------------------------------------------------------------------------------------


async def test_a_repetition_gets_the_first_answer_also_when_the_order_has_moved_on(
    api: Api, till: httpx.AsyncClient, order_id: str
) -> None:
    first = await say(till, order_id, "accepted", key="key-00000001", eta_minutes=20)
    await say(till, order_id, "preparing")
    again = await say(till, order_id, "accepted", key="key-00000001", eta_minutes=20)
    assert (again.status_code, again.json()) == (200, first.json())
    assert events(api.desk) == ["placed", "received", "accepted", "preparing"]


async def test_a_refusal_is_repeated_too(till: httpx.AsyncClient, order_id: str) -> None:
    first = await say(till, order_id, "ready", key="key-00000001")
    await say(till, order_id, "accepted", eta_minutes=5)
    await say(till, order_id, "preparing")
    again = await say(till, order_id, "ready", key="key-00000001")
    assert (again.status_code, again.json()) == (409, first.json())
    assert again.headers["content-type"] == "application/problem+json"
    assert (await say(till, order_id, "ready", key="key-00000002")).status_code == 200


async def test_the_same_key_for_another_request_is_refused(api: Api, till: httpx.AsyncClient, order_id: str) -> None:
    await say(till, order_id, "accepted", key="key-00000001", eta_minutes=20)
    other = await api.placed("HD_orders02")
    for answer in (
        await say(till, order_id, "accepted", key="key-00000001", eta_minutes=21),
        await say(till, order_id, "preparing", key="key-00000001"),
        await say(till, other, "accepted", key="key-00000001", eta_minutes=20),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    second = await api.till("westlands")
    assert (await say(second, other, "received", key="key-00000001")).status_code == 200, "keys of two tills differ"


async def test_equal_requests_at_once_are_carried_out_once(api: Api, till: httpx.AsyncClient, order_id: str) -> None:
    answers = await asyncio.gather(
        *(say(till, order_id, "accepted", key="key-00000001", eta_minutes=20) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert events(api.desk) == ["placed", "received", "accepted"]


async def test_what_was_not_judged_may_be_tried_again(api: Api, till: httpx.AsyncClient, order_id: str) -> None:
    assert (await say(till, "ord-none", "received", key="key-00000001")).status_code == 404
    assert (await say(till, order_id, "received", key="key-00000001")).status_code == 200
    assert (await say(till, order_id, "received", key="short")).status_code == 422


async def test_old_answers_are_forgotten(api: Api, till: httpx.AsyncClient, order_id: str) -> None:
    await say(till, order_id, "received", key="key-00000001")
    api.desk.run("UPDATE api_writes SET created_at = now() - interval '8 days'")
    await say(till, order_id, "received", key="key-00000002")
    assert api.desk.rows("SELECT idempotency_key FROM api_writes") == [("key-00000002",)]


async def test_the_installations_own_token_moves_nothing(api: Api, order_id: str) -> None:
    answer = await say(await api.client(TOKEN), order_id, "received")
    assert (answer.status_code, answer.json()["code"]) == (403, "right-missing")
