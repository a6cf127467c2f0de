"""One tool.called event in one transaction: the order comes out exactly, once, whatever arrives twice or late."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from orders_desk import CALL, Desk, fc

from agiza.contracts.envelope import Received
from agiza.contracts.events import FunctionCall, ReadBackEvidence
from agiza.runtime.clock import Clock, StoppedClock
from services.orders.catalog import MenuNotFound
from services.orders.handler import ToolHandler
from services.orders.store import CartElsewhere

pytestmark = pytest.mark.integration


async def order_the_reference_ticket(desk: Desk) -> dict[str, Any]:
    await desk.answer(
        desk.event(
            fc("addItem", name="chicken-burger", quantity=2),
            fc("applyModifier", item="chicken-burger", modifier="no-onions", quantity=1),
            fc("addItem", name="fries", modifiers=["large"]),
            fc("addItem", name="soda"),
        )
    )
    return await desk.place()


async def test_the_reference_order_becomes_one_exact_ticket(desk: Desk) -> None:
    placed = await order_the_reference_ticket(desk)
    assert (placed["status"], placed["order_number"]) == ("ok", 1)
    (order,) = desk.rows("SELECT order_number, total_minor, tax_minor, currency, state, day::text FROM orders")
    assert order == (1, 153_000, 21_103, "KES", "placed", "2026-03-06")
    lines = desk.rows(
        "SELECT line->>'kitchen', (line->>'quantity')::int, line->'options' FROM order_lines ORDER BY position"
    )
    assert [(kitchen, quantity) for kitchen, quantity, _ in lines] == [
        ("CHK BURGER", 1),
        ("CHK BURGER", 1),
        ("FRIES", 1),
        ("SODA", 1),
    ]
    assert [option["id"] for option in lines[1][2]] == ["no-onions"]
    (event,) = desk.rows("SELECT type, pii_event->'data'->>'total_minor', sequence FROM outbox")
    assert event == ("agiza.order.placed", "153000", None)


async def test_the_same_event_again_gives_the_same_answer_and_changes_nothing(desk: Desk) -> None:
    event = desk.event(fc("addItem", name="fries"), fc("addItem", name="soda", quantity=2))
    first = await desk.answer(event)
    again = await desk.answer(event)
    assert again == first
    assert desk.rows("SELECT version FROM carts") == [(2,)]
    assert desk.rows("SELECT count(*) FROM cart_events") == [(2,)]
    assert desk.metrics.value("inbox_replay_total", path="stream") == 2


async def test_the_same_event_from_stream_and_http_at_once_is_carried_out_once(desk: Desk) -> None:
    event = desk.event(fc("addItem", name="fries", quantity=3))
    answers = await asyncio.gather(*(desk.answer(event) for _ in range(6)))
    assert all(answer == answers[0] for answer in answers)
    assert desk.rows("SELECT version, jsonb_array_length(pii_state->'lines') FROM carts") == [(1, 1)]


async def test_placing_twice_gives_the_same_order_number(desk: Desk) -> None:
    first = await order_the_reference_ticket(desk)
    again = await desk.ask("placeOrder")
    assert (again["code"], again["order_number"]) == ("already_placed", first["order_number"])
    assert desk.rows("SELECT count(*) FROM orders") == [(1,)]
    assert desk.rows("SELECT count(*) FROM outbox") == [(1,)]


async def test_a_refused_order_takes_no_number(desk: Desk) -> None:
    await desk.ask("addItem", name="fries")
    refused = await desk.ask("placeOrder")
    assert (refused["status"], refused["code"]) == ("refused", "not_read_back")
    assert desk.rows("SELECT * FROM order_counters") == []
    assert (await desk.place())["order_number"] == 1


async def test_numbers_of_a_branch_count_up_over_calls(desk: Desk) -> None:
    for number in (1, 2, 3):
        call_id = f"HD_call{number}"
        await desk.answer(desk.event(fc("addItem", name="tea"), call_id=call_id))
        total = (await desk.answer(desk.event(fc("getTotal"), call_id=call_id)))[0]
        heard = ReadBackEvidence(quote_id=total["quote_id"], outcome="completed", played_ms=3000, caller_speech_ms=500)
        (placed,) = await desk.answer(desk.event(fc("placeOrder"), call_id=call_id, heard=heard))
        assert placed["order_number"] == number


async def test_an_id_twice_in_one_message_is_carried_out_once(desk: Desk) -> None:
    same = fc("addItem", name="fries", quantity=2)
    first, again = await desk.answer(desk.event(same, same))
    assert first == again
    assert desk.rows("SELECT version FROM carts") == [(1,)]


async def test_the_same_id_with_other_arguments_is_refused_and_alarmed(desk: Desk) -> None:
    await desk.answer(desk.event(fc("addItem", fc_id="fc-same", name="fries")))
    (answer,) = await desk.answer(desk.event(fc("addItem", fc_id="fc-same", name="soda", quantity=9)))
    assert (answer["status"], answer["code"]) == ("refused", "id_reused")
    assert desk.rows("SELECT version FROM carts") == [(1,)]
    assert desk.metrics.value("integrity_violation_total") == 1


async def test_a_late_mutation_is_refused_and_stays_refused(desk: Desk) -> None:
    late = desk.event(fc("addItem", name="fries"), late_ms=9_500)
    first = await desk.answer(late)
    assert first[0]["code"] == "expired"
    assert await desk.answer(late) == first
    assert desk.rows("SELECT version FROM carts") == [(0,)]


async def test_what_is_late_is_told_by_the_databases_clock(desk: Desk) -> None:
    """A replica whose own clock is behind must not let pass what every other replica refuses."""

    class Behind(StoppedClock):
        def now(self) -> datetime:
            return super().now() - timedelta(minutes=5)

    behind = ToolHandler(desk.pool, desk.catalog, Behind(desk.clock.now()), desk.metrics)
    answered = await behind.answer(desk.event(fc("addItem", name="fries"), late_ms=9_500), "stream")
    assert answered.event.results[0].response["code"] == "expired"


async def test_the_database_is_asked_for_the_time(desk: Desk) -> None:
    """With a clock that runs, and a moment of the demo's choice (AGIZA_NOW)."""
    shifted = Clock(timedelta(days=-200))
    handler = ToolHandler(desk.pool, desk.catalog, shifted, desk.metrics)
    for late, code in ((timedelta(0), "item_added"), (timedelta(minutes=1), "expired")):
        deadline = shifted.now() - late
        received = desk.event(fc("addItem", name="tea"))
        event = received.event.model_copy(update={"deadline_ms": int(deadline.timestamp() * 1000) + 500})
        answered = await handler.answer(replace(received, event=event), "stream")
        assert answered.event.results[0].response["code"] == code


async def test_what_is_asked_after_the_call_changes_nothing(desk: Desk) -> None:
    await desk.ask("addItem", name="fries")
    heard = await desk.read_back()
    yes = desk.event(fc("placeOrder"), heard=heard)
    desk.run(
        "INSERT INTO calls (call_id, branch_id, menu_version, stage, traceparent, started_at, ended_at)"
        f" VALUES ('{CALL}', 'westlands', 1, 'ended', '', '{desk.clock.now()}', '{desk.clock.now()}')"
    )
    desk.clock.advance(3)
    refused = desk.event(fc("addItem", name="tea"), fc("placeOrder"), heard=heard)
    first = await desk.answer(refused)
    assert [(answer["status"], answer["code"]) for answer in first] == [("refused", "call_over")] * 2
    assert await desk.answer(refused) == first
    assert desk.metrics.value("call_over_rejected_total") == 2
    assert desk.rows("SELECT count(*) FROM orders") == [(0,)]
    (placed,) = await desk.answer(yes)
    assert placed["code"] == "order_placed", "asked while the caller was there, and within its deadline"


async def test_a_late_question_is_still_answered(desk: Desk) -> None:
    (answer,) = await desk.answer(desk.event(fc("searchMenu", query="fries"), late_ms=20_000))
    assert answer["status"] == "ok"


async def test_an_older_leg_can_change_nothing(desk: Desk) -> None:
    await desk.answer(desk.event(fc("addItem", name="fries"), epoch=2))
    (answer,) = await desk.answer(desk.event(fc("addItem", name="soda"), epoch=1))
    assert (answer["status"], answer["code"]) == ("refused", "stale_leg")
    assert desk.rows("SELECT version, leg_epoch FROM carts") == [(1, 2)]
    assert desk.metrics.value("stale_epoch_rejected_total") == 1


async def test_a_change_based_on_an_older_cart_gets_the_whole_cart(desk: Desk) -> None:
    await desk.ask("addItem", name="fries")
    (answer,) = await desk.answer(desk.event(fc("addItem", name="soda"), told=0))
    assert (answer["code"], answer["cart_version"]) == ("stale_cart", 1)
    assert [line["id"] for line in answer["cart"]["lines"]] == ["line-1"]
    assert desk.metrics.value("stale_cart_rejected_total") == 1


async def test_several_calls_of_one_message_build_on_each_other(desk: Desk) -> None:
    answers = await desk.answer(
        desk.event(fc("addItem", name="fries"), fc("changeQuantity", item="fries", quantity=4), fc("getTotal"), told=0)
    )
    assert [answer["status"] for answer in answers] == ["ok", "ok", "ok"]
    assert answers[2]["total_minor"] == 100_000


async def test_a_cancelled_call_that_was_not_carried_out_never_is(desk: Desk) -> None:
    from agiza.contracts.envelope import Stamp, decode, encode
    from agiza.contracts.events import ToolCancelled
    from agiza.runtime.traces import Trace

    cancelled = ToolCancelled(
        branch_id="westlands", call_id=CALL, leg_epoch=1, ids=("fc-late", "fc-done"), reply_to="agiza:replies:test"
    )
    await desk.answer(desk.event(fc("addItem", fc_id="fc-done", name="tea")))
    stamp = Stamp(id="evt-c", source="/test", time=desk.clock.now(), traceparent=str(Trace.new()))
    await desk.handler.cancel(decode(encode(cancelled, stamp)))
    (late,) = await desk.answer(desk.event(fc("addItem", fc_id="fc-late", name="fries")))
    assert late["code"] == "cancelled"
    (done,) = await desk.answer(desk.event(fc("addItem", fc_id="fc-done", name="tea")))
    assert done["status"] == "ok", "what had committed before the cancellation stands"
    assert desk.rows("SELECT version FROM carts") == [(1,)]


async def test_sold_out_is_judged_in_the_running_call(desk: Desk) -> None:
    desk.run("INSERT INTO stock (branch_id, item_id) VALUES ('westlands', 'fries')")
    answer = await desk.ask("addItem", name="fries")
    assert answer["status"] == "refused"
    assert "fries" in answer["message"]


async def test_a_cancelled_order_tells_the_kitchen(desk: Desk) -> None:
    await order_the_reference_ticket(desk)
    answer = await desk.ask("cancelOrder")
    assert answer["status"] == "ok"
    assert desk.rows("SELECT state FROM orders") == [("cancel_requested",)]
    assert desk.rows("SELECT type FROM outbox ORDER BY position") == [
        ("agiza.order.placed",),
        ("agiza.order.cancel_requested",),
    ]
    assert (await desk.ask("cancelOrder"))["code"] == "already_cancelled"
    assert desk.rows("SELECT count(*) FROM outbox") == [(2,)]
    assert desk.metrics.value("orders_cancelled_total", branch="westlands", cancelled_by="caller") == 1


async def test_where_an_order_is_comes_with_the_time_that_is_left(desk: Desk) -> None:
    await order_the_reference_ticket(desk)
    assert desk.rows("SELECT eta_minutes FROM orders") == [(20,)]
    desk.clock.advance(12 * 60 + 30)
    status = await desk.ask("orderStatus")
    assert (status["state"], status["eta_minutes"]) == ("placed", 8)
    assert "eight more minutes" in status["message"]
    desk.clock.advance(8 * 60)
    assert "eta_minutes" not in await desk.ask("orderStatus"), "a time that is over is not told"


async def test_an_addition_after_placing_is_a_supplementary_order(desk: Desk) -> None:
    first = await order_the_reference_ticket(desk)
    await desk.ask("addItem", name="soda", modifiers=["cola"])
    second = await desk.place()
    assert second["order_number"] == first["order_number"] + 1
    rows = desk.rows("SELECT order_id, supplement_of, total_minor FROM orders ORDER BY order_number")
    assert rows[1][1] == rows[0][0]
    assert rows[1][2] == 10_000


async def test_another_branchs_items_cannot_be_ordered(desk: Desk) -> None:
    answer = await desk.ask("addItem", name="margherita")
    assert answer["status"] in {"ask", "refused"}
    assert desk.rows("SELECT version FROM carts") == [(0,)]


async def test_a_call_cannot_change_its_branch(desk: Desk) -> None:
    await desk.ask("addItem", name="fries")
    with pytest.raises(CartElsewhere):
        await desk.handler.answer(desk.event(fc("addItem", name="margherita"), branch_id="kilimani"), "stream")


async def test_an_unknown_menu_version_is_never_right(desk: Desk) -> None:
    received = desk.event(fc("addItem", name="fries"))
    wrong = Received(received.envelope, received.event.model_copy(update={"menu_version": 99}))
    with pytest.raises(MenuNotFound):
        await desk.handler.answer(wrong, "stream")


HOSTILE: list[FunctionCall] = [
    fc("addItem", name="fries", quantity=18_000),
    fc("addItem", name="fries", quantity=-3),
    fc("addItem", name="fries", quantity=10**40),
    fc("addItem", name="fries", quantity=float("nan")),
    fc("addItem", name="fries\x00\ud800", quantity=1),
    fc("addItem", name={"$ne": None}),
    fc("addItem", name="fries", modifiers=[["large"] * 500] * 500),
    fc("addItem", name="fries", price_minor=0, unit_minor=0, total_minor=0, modifiers=["free"]),
    fc("setCustomer", note="x" * 10_000),
    fc("dropTables", sql="DROP TABLE orders"),
    fc("placeOrder", order_number=1, total_minor=0),
    fc("escalate", reason="caller_asked", summary="+1 900 555 0100"),
]


@pytest.mark.parametrize("call", HOSTILE, ids=lambda call: f"{call.name}-{call.id}")
async def test_hostile_arguments_are_answered_and_stored(desk: Desk, call: FunctionCall) -> None:
    (answer,) = await desk.answer(desk.event(call))
    assert answer["status"] in {"ok", "ask", "refused"}
    assert answer["message"]
    assert all(line["quantity"] <= 30 for line in answer["cart"]["lines"])
    assert desk.rows("SELECT count(*) FROM orders") == [(0,)]
    assert desk.rows("SELECT count(*) FROM tool_results") == [(1,)]


async def test_the_stored_history_gives_the_stored_cart(desk: Desk) -> None:
    from functools import reduce

    from agiza.domain.cart import Cart, evolve
    from agiza.domain.codec import cart_from_json, event_from_json
    from agiza.domain.ids import BranchId, CartId

    await order_the_reference_ticket(desk)
    await desk.ask("addItem", name="tea", quantity=3)
    history = [event_from_json(row[0]) for row in desk.rows("SELECT pii_event FROM cart_events ORDER BY position")]
    replayed = reduce(evolve, history, Cart(CartId(f"cart-{CALL}"), BranchId("westlands"), 1))
    assert replayed == cart_from_json(desk.rows("SELECT pii_state FROM carts")[0][0])


async def test_after_a_cancellation_that_came_too_late_the_next_change_brings_the_cart_as_it_is(desk: Desk) -> None:
    from agiza.contracts.envelope import Stamp, decode, encode
    from agiza.contracts.events import ToolCancelled
    from agiza.runtime.traces import Trace

    await desk.answer(desk.event(fc("addItem", fc_id="fc-done", name="tea"), told=0))
    cancelled = ToolCancelled(
        branch_id="westlands", call_id=CALL, leg_epoch=1, ids=("fc-done",), reply_to="agiza:replies:test"
    )
    stamp = Stamp(id="evt-x", source="/test", time=desk.clock.now(), traceparent=str(Trace.new()))
    for _ in range(2):
        await desk.handler.cancel(decode(encode(cancelled, stamp)))
    # The model never saw the answer, so it works from the cart before, and asks for the same once more.
    (again,) = await desk.answer(desk.event(fc("addItem", name="tea"), told=0))
    assert (again["status"], again["code"], again["cart_version"]) == ("refused", "stale_cart", 1)
    assert [line["item"] for line in again["cart"]["lines"]] == ["tea"], "one tea, and the model is shown it"
    assert desk.rows("SELECT version FROM carts") == [(1,)]


async def test_answers_are_in_the_language_of_the_call_at_that_moment(desk: Desk) -> None:
    def asked(language: str, fc_id: str) -> Received:
        received = desk.event(fc("addItem", fc_id=fc_id, name="fries"))
        return replace(received, event=received.event.model_copy(update={"language": language}))

    (english,) = await desk.answer(asked("en", "fc-en"))
    (swahili,) = await desk.answer(asked("sw", "fc-sw"))
    assert english["message"] == "I have added one fries."
    assert swahili["message"] == "Nimeongeza fries moja."
    (again,) = await desk.answer(asked("en", "fc-sw"))
    assert again == swahili, "a repeated call gets the very answer that it got"
    late = desk.event(fc("addItem", name="tea"), late_ms=60_000)
    late = replace(late, event=late.event.model_copy(update={"language": "sw"}))
    (refused,) = await desk.answer(late)
    assert (refused["code"], refused["message"][:13]) == ("expired", "Hilo lilichuk")
