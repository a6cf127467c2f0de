"""Two at once: a cancellation that meets a call without a cart, a kitchen that moves the order, a lost transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from orders_desk import CALL, Desk, fc
from pydantic import SecretStr

from agiza.contracts.envelope import Received, Stamp, decode, encode
from agiza.contracts.events import ToolCancelled
from agiza.runtime.http import create_app
from agiza.runtime.postgres import transaction
from agiza.runtime.process import Process
from agiza.runtime.traces import Trace
from services.orders import store
from services.orders.api import internal_routes

pytestmark = pytest.mark.integration

TOKEN = "a-token-of-at-least-thirty-two-characters"


@pytest.fixture
async def http(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async def answer(received: Received) -> bytes:
        answered = await desk.handler.answer(received, "http")
        stamp = Stamp(id="answer", source="/test", time=desk.clock.now(), traceparent=str(Trace.new()))
        return encode(answered.event, stamp)

    app = create_app("orders", Process(clock=desk.clock, metrics=desk.metrics))
    app.include_router(internal_routes(SecretStr(TOKEN), desk.catalog, answer))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://orders",
        headers={"authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client


@pytest.fixture
async def patient(desk: Desk) -> Desk:
    """The desk with sessions that wait for a lock as long as it takes: a loaded machine must not decide a test."""
    async with desk.pool.connection() as connection:
        await connection.execute("SET lock_timeout = 0")
        await connection.execute("SET statement_timeout = 0")
    return desk


async def someone_waits(desk: Desk) -> None:
    """Until a session of the service waits for a lock."""
    async with asyncio.timeout(20):
        while not desk.rows(  # noqa: ASYNC110 - the server has no event for it
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.005)


def cancelled(desk: Desk, *ids: str) -> Received:
    event = ToolCancelled(branch_id="westlands", call_id=CALL, leg_epoch=0, ids=ids, reply_to="agiza:replies:test")
    return decode(encode(event, Stamp(id="evt-c", source="/test", time=desk.clock.now(), traceparent=str(Trace.new()))))


def body(received: Received) -> bytes:
    return received.envelope.model_dump_json(exclude_none=True).encode()


async def test_a_call_over_http_that_meets_its_own_cancellation_is_answered(
    http: httpx.AsyncClient, patient: Desk
) -> None:
    """There is no cart yet whose lock could keep the two apart."""
    event = patient.event(fc("addItem", fc_id="fc-first", name="fries"))
    async with await psycopg.AsyncConnection.connect(patient.admin_url) as cancelling:
        # a cancellation in the middle of its transaction
        await store.lock_absent_cart(cancelling, CALL)
        await cancelling.execute(
            "INSERT INTO tool_results (call_id, tool_call_id, tool, args_digest, status, pii_response, cart_version)"
            " VALUES (%s, 'fc-first', '(cancelled)', '', 'cancelled', '{}', 0)",
            (CALL,),
        )
        answering = asyncio.create_task(http.post("/internal/tool-calls", content=body(event)))
        await someone_waits(patient)
        await cancelling.commit()
    answer = await answering
    assert answer.status_code == 200
    (result,) = decode(answer.content).event.results  # type: ignore[attr-defined]
    assert result.response["code"] == "cancelled"
    assert patient.rows("SELECT version FROM carts") == [(0,)]


async def test_a_cancellation_waits_for_the_call_that_makes_the_cart(patient: Desk) -> None:
    received = cancelled(patient, "fc-first")
    async with await psycopg.AsyncConnection.connect(patient.admin_url) as answering:
        await store.lock_cart(answering, call_id=CALL, branch_id="westlands", menu_version=1)
        cancelling = asyncio.create_task(patient.handler.cancel(received))
        await someone_waits(patient)
        await answering.execute(
            "INSERT INTO tool_results (call_id, tool_call_id, tool, args_digest, status, pii_response, cart_version)"
            " VALUES (%s, 'fc-first', 'addItem', 'd', 'ok', '{\"status\": \"ok\"}', 1)",
            (CALL,),
        )
        await answering.commit()
    await cancelling
    assert patient.rows("SELECT tool FROM tool_results") == [("addItem",)], "what was carried out stands"


async def test_the_kitchen_that_is_just_moving_an_order_is_waited_for(patient: Desk) -> None:
    await patient.ask("addItem", name="fries")
    await patient.place()
    async with await psycopg.AsyncConnection.connect(patient.admin_url) as kitchen:
        await kitchen.execute("UPDATE orders SET state = 'ready'")
        answering = asyncio.create_task(patient.ask("cancelOrder"))
        await someone_waits(patient)
        await kitchen.commit()
    answer = await answering
    assert (answer["code"], answer["state"]) == ("too_late_to_cancel", "ready")
    assert patient.rows("SELECT state FROM orders") == [("ready",)]


async def test_a_question_does_not_wait_for_the_kitchen(desk: Desk) -> None:
    await desk.ask("addItem", name="fries")
    await desk.place()
    async with await psycopg.AsyncConnection.connect(desk.admin_url) as kitchen:
        await kitchen.execute("UPDATE orders SET state = 'ready'")
        assert (await desk.ask("orderStatus"))["state"] == "placed"


async def test_a_call_behind_its_own_repetition_sees_what_that_one_has_written(patient: Desk) -> None:
    """Also the inbox is read after the wait for the cart, not as it was before."""
    await patient.ask("addItem", name="tea")
    event = patient.event(fc("addItem", name="fries"))
    async with transaction(patient.pool) as rival:
        await store.lock_existing_cart(rival, CALL)
        async with patient.pool.connection() as connection:  # the second session is to be as patient
            await connection.execute("SET lock_timeout = 0")
        first = asyncio.create_task(patient.answer(event))
        await someone_waits(patient)
        again = asyncio.create_task(patient.answer(event))
    answers: list[list[dict[str, Any]]] = await asyncio.gather(first, again)
    assert answers[0] == answers[1]
    assert patient.rows("SELECT version FROM carts") == [(2,)]


async def test_an_order_that_meets_the_last_guard_leaves_nothing(desk: Desk) -> None:
    """The statement that fails is one of many that are on their way at once; the commit behind it must not stand."""
    await desk.ask("addItem", name="fries")
    heard = await desk.read_back()
    desk.run(
        "INSERT INTO orders (order_id, branch_id, call_id, cart_id, cart_version, order_number, day, state, fulfilment,"
        " currency, items_minor, tax_minor, total_minor, placed_at)"
        " SELECT 'ord-other', branch_id, call_id, cart_id, version, 99, '2026-03-06', 'placed', 'pickup', 'KES', 1, 0,"
        " 1, now() FROM carts"
    )
    event = desk.event(fc("placeOrder", fc_id="fc-place"), heard=heard)
    with pytest.raises(psycopg.errors.UniqueViolation):
        await desk.answer(event)
    assert desk.rows("SELECT count(*) FROM outbox") == [(0,)]
    assert desk.rows("SELECT count(*) FROM tool_results WHERE tool_call_id = 'fc-place'") == [(0,)]
    assert desk.rows("SELECT * FROM order_counters") == []
    desk.run("DELETE FROM orders")
    assert (await desk.answer(event))[0]["code"] == "order_placed", "and the session goes on"
