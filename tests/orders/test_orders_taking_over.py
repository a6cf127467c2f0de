"""A later leg takes its call over: what is fenced, what is told, and what a repetition does."""

from __future__ import annotations

import itertools

import pytest
from orders_desk import CALL, Desk, fc

from agiza.contracts.envelope import Received, Stamp, decode, encode
from agiza.contracts.events import CallTakenOver, LegSuperseded, TakeOverAnswered, ToolCancelled
from agiza.runtime.traces import Trace
from services.orders.opening import Openings
from services.orders.taking_over import TakeOvers, news_of

pytestmark = pytest.mark.integration

CALLER = "+254711000001"
_ids = itertools.count(1)


@pytest.fixture
def take_overs(desk: Desk) -> TakeOvers:
    return TakeOvers(desk.pool, Openings(desk.pool, desk.catalog, desk.metrics), desk.metrics)


def taken_over(
    desk: Desk, epoch: int, *, call_id: str = CALL, branch_id: str = "westlands", language: str = "en"
) -> Received:
    event = CallTakenOver(
        branch_id=branch_id,
        call_id=call_id,
        menu_version=1,
        leg_epoch=epoch,
        language=language,
        reply_to="agiza:replies:b2",
    )
    stamp = Stamp(id=f"take-{next(_ids)}", source="/test", time=desk.clock.now(), traceparent=str(Trace.new()))
    return decode(encode(event, stamp))


async def add_fries(desk: Desk, epoch: int) -> dict[str, object]:
    return (await desk.answer(desk.event(fc("addItem", name="fries"), epoch=epoch)))[0]


async def test_new_leg_is_told_the_cart_that_the_old_one_had_committed(desk: Desk, take_overs: TakeOvers) -> None:
    await desk.answer(desk.event(fc("addItem", name="chicken-burger", quantity=2), epoch=0))
    asked = taken_over(desk, 1)
    answer = await take_overs.answer(asked)
    assert (answer.status, answer.resumed, answer.cart_version) == ("ok", "leg", 1)
    assert answer.lines == "two chicken burgers"
    assert answer.total
    assert (answer.request_id, answer.reply_to) == (asked.envelope.id, "agiza:replies:b2")
    assert answer.stream() == "agiza:replies:b2"


async def test_new_leg_is_told_the_cart_in_the_language_that_it_speaks(desk: Desk, take_overs: TakeOvers) -> None:
    await add_fries(desk, epoch=0)
    assert (await take_overs.answer(taken_over(desk, 1, language="sw"))).lines == "fries moja"


async def test_older_leg_is_refused_with_a_code_and_the_new_one_is_not(desk: Desk, take_overs: TakeOvers) -> None:
    await add_fries(desk, epoch=0)
    await take_overs.answer(taken_over(desk, 1))
    refused = await add_fries(desk, epoch=0)
    assert (refused["status"], refused["code"]) == ("refused", "stale_leg")
    assert (await add_fries(desk, epoch=1))["status"] == "ok"
    assert desk.rows("SELECT version, leg_epoch FROM carts") == [(2, 1)]


async def test_fence_stands_also_where_nothing_was_ordered_yet(desk: Desk, take_overs: TakeOvers) -> None:
    answer = await take_overs.answer(taken_over(desk, 2))
    assert (answer.status, answer.resumed, answer.lines, answer.cart_version) == ("ok", "none", "", 0)
    assert (await add_fries(desk, epoch=1))["code"] == "stale_leg"
    assert desk.rows("SELECT version, leg_epoch FROM carts") == [(0, 2)]


async def test_repetition_says_the_same_and_changes_nothing(desk: Desk, take_overs: TakeOvers) -> None:
    await add_fries(desk, epoch=0)
    asked = taken_over(desk, 1)
    first = await take_overs.answer(asked)
    before = desk.rows("SELECT version, leg_epoch, pii_state, updated_at FROM carts")
    assert await take_overs.answer(asked) == first
    assert desk.rows("SELECT version, leg_epoch, pii_state, updated_at FROM carts") == before


async def test_leg_that_is_itself_older_is_told_so_and_learns_nothing(desk: Desk, take_overs: TakeOvers) -> None:
    await add_fries(desk, epoch=0)
    await take_overs.answer(taken_over(desk, 2))
    late = await take_overs.answer(taken_over(desk, 1))
    assert (late.status, late.lines, late.total) == ("superseded", "", None)
    assert news_of(late) is None
    assert desk.rows("SELECT leg_epoch FROM carts") == [(2,)]
    assert desk.metrics.value("calls_taken_over_total", outcome="superseded") == 1


async def test_cart_of_another_branch_is_not_told_nor_fenced(desk: Desk, take_overs: TakeOvers) -> None:
    await add_fries(desk, epoch=0)
    answer = await take_overs.answer(taken_over(desk, 1, branch_id="kilimani"))
    assert (answer.status, answer.lines) == ("elsewhere", "")
    assert desk.rows("SELECT leg_epoch FROM carts") == [(0,)]


async def test_all_bridges_are_told_of_the_newest_leg(desk: Desk, take_overs: TakeOvers) -> None:
    news = news_of(await take_overs.answer(taken_over(desk, 3)))
    assert news == LegSuperseded(branch_id="westlands", call_id=CALL, leg_epoch=3)
    assert news.stream() == "agiza:replies:all"


async def test_placed_order_that_was_not_told_is_in_the_answer(desk: Desk, take_overs: TakeOvers) -> None:
    await desk.ask("addItem", name="fries")
    placed = await desk.place()
    answer: TakeOverAnswered = await take_overs.answer(taken_over(desk, 2))
    assert (answer.lines, answer.placed) == ("", (placed["order_number"],))


async def test_older_leg_cancels_nothing_any_more(desk: Desk, take_overs: TakeOvers) -> None:
    await add_fries(desk, epoch=0)
    await take_overs.answer(taken_over(desk, 1))
    event = ToolCancelled(
        branch_id="westlands", call_id=CALL, leg_epoch=0, ids=("fc-next",), reply_to="agiza:replies:test"
    )
    stamp = Stamp(id="evt-x", source="/test", time=desk.clock.now(), traceparent=str(Trace.new()))
    await desk.handler.cancel(decode(encode(event, stamp)))
    (answer,) = await desk.answer(desk.event(fc("addItem", fc_id="fc-next", name="soda", quantity=1), epoch=1))
    assert answer["status"] != "refused"
