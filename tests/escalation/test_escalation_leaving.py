"""The bridge is told to leave: by the job, by the sweeper, and never for nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from escalation_desk import CALL, Start, start_escalation, until

__all__ = ["start_escalation"]


async def test_job_orders_the_bridge_to_leave(start_escalation: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.escalation.desk.LEAVE_AFTER_S", 0.2)
    async with start_escalation() as desk:
        await desk.call()
        await desk.ask(times=2)
        await desk.until_state("leaving")
        (order,) = await desk.until_ordered()
        assert order.handoff_id == desk.answers()[0].handoff_id

        async def is_done() -> bool:
            return desk.process.metrics.value("jobs_total", job="leave_for_handoff", outcome="done") == 1

        await until(is_done)


async def test_without_arq_the_sweeper_orders_it(start_escalation: Start) -> None:
    async with start_escalation(agiza_arq=False) as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        assert await desk.states() == [("requested", "front", 0)]
        await desk.rows("UPDATE handoffs SET leave_by = leave_by - interval '7 seconds'")
        await desk.until_state("leaving")
        await desk.until_ordered()


async def test_worker_that_dies_in_the_middle_costs_nothing(
    start_escalation: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is taken and never finishes; the hand-off goes on by the sweeper and ends with a person."""
    taken = asyncio.Event()

    async def hangs(*_: object, **__: object) -> None:
        taken.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("services.escalation.desk.LEAVE_AFTER_S", 0.05)
    monkeypatch.setattr("services.escalation.work._job", lambda work: hangs)
    async with start_escalation() as desk:
        await desk.call()
        await desk.ask()
        await asyncio.wait_for(taken.wait(), 20)
        await desk.rows("UPDATE handoffs SET leave_by = leave_by - interval '7 seconds'")
        await desk.until_state("leaving")
        handoff_id = desk.answers()[0].handoff_id
        await desk.dial_served(handoff_id)
        await desk.dial_ended(handoff_id, connected=True)
        await desk.until_state("connected")


async def test_lost_order_is_repeated_until_the_carrier_asks(
    start_escalation: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.escalation.sweeper.REPEAT_AFTER", timedelta(seconds=0.5))
    async with start_escalation(agiza_arq=False) as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        await desk.rows("UPDATE handoffs SET leave_by = leave_by - interval '7 seconds'")
        await desk.until_ordered(2)
        await desk.dial_served(desk.answers()[0].handoff_id)
        await desk.until_state("dial_served")
        await desk.send_marker()
        ordered = len(desk.orders())
        await desk.send_marker()
        assert len(desk.orders()) == ordered


async def test_bridge_that_is_gone_is_not_told_for_ever(start_escalation: Start) -> None:
    async with start_escalation(agiza_arq=False) as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        await desk.rows(
            "UPDATE handoffs SET state = 'leaving', leave_by = leave_by - interval '2 minutes',"
            " updated_at = updated_at - interval '2 minutes'"
        )
        await desk.send_marker()
        assert desk.orders() == []


async def test_end_of_the_call_that_nobody_told_is_found(start_escalation: Start) -> None:
    async with start_escalation(agiza_arq=False) as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        await desk.rows("UPDATE calls SET ended_at = now() WHERE call_id = %s", CALL)
        await desk.until_state("closed")


async def test_handoff_of_a_call_that_never_ends_is_closed(start_escalation: Start) -> None:
    async with start_escalation(agiza_arq=False) as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        await desk.rows("UPDATE handoffs SET state = 'dial_served', requested_at = requested_at - interval '3 hours'")
        await desk.until_state("closed")


async def test_two_replicas_share_the_work(start_escalation: Start) -> None:
    async with start_escalation() as one, start_escalation() as two:
        for n in range(10):
            await one.call(call_id=f"HD_many{n:03d}")
            await one.ask(call_id=f"HD_many{n:03d}", times=2)
        await two.until_heard(20)
        assert await one.rows("SELECT count(*), count(DISTINCT call_id) FROM handoffs") == [(10, 10)]
