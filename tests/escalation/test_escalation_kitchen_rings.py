"""An order that nobody has taken: staff are rung, each once, and stopped when somebody takes it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from carrier_exchange import CUSTOMER, FRONT, MANAGER, moved, open_world, placed
from escalation_desk import CALL, NIGHT, Escalation, Start, start_escalation, until

from services.escalation import kitchen_rings
from services.escalation.order_owner import OrdersAway

__all__ = ["start_escalation"]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.escalation.sweeper.SWEEP_S", 0.1)
    monkeypatch.setattr("services.escalation.sweeper.SELDOM_S", 0.3)


async def order(desk: Escalation, *, alarm_s: float | None = 61, state: str = "placed", ended: bool = True) -> None:
    """A call whose order has this state, with an alarm that is so old."""
    now = desk.process.clock.now()
    await desk.call()
    if ended:
        await desk.hung_up("goodbye")
    await desk.rows(
        "INSERT INTO menus (branch_id, version, document, digest) VALUES ('westlands', 1, '{}', 'x')"
        " ON CONFLICT DO NOTHING"
    )
    await desk.rows(
        "INSERT INTO carts (cart_id, call_id, branch_id, menu_version, pii_state)"
        " VALUES ('cart-1', %s, 'westlands', 1, '{\"lines\": []}')",
        CALL,
    )
    await desk.rows(
        "INSERT INTO orders (order_id, branch_id, call_id, cart_id, cart_version, order_number, day, state,"
        " fulfilment, currency, items_minor, tax_minor, total_minor, placed_at, alarm, alarm_at)"
        " VALUES ('order-1', 'westlands', %s, 'cart-1', 1, 17, '2026-03-06', %s, 'pickup', 'KES', 1, 0, 1, %s, %s, %s)",
        CALL,
        state,
        now - timedelta(minutes=3),
        None if alarm_s is None else "not_received",
        None if alarm_s is None else now - timedelta(seconds=alarm_s),
    )


async def ring(desk: Escalation, kind: str = "kitchen") -> list[tuple[object, ...]]:
    return await desk.rows("SELECT state, reason FROM callbacks WHERE kind = %s", kind)


async def until_ring(desk: Escalation, state: str) -> None:
    async def is_so() -> bool:
        return await ring(desk) == [(state, "order_not_accepted")]

    await until(is_so)


async def test_staff_are_rung_one_after_the_other_and_the_customer_is_not(
    start_escalation: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kitchen_rings, "TOLD", timedelta(seconds=0.2))
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await order(desk)
        [(first, kind, contact)] = await placed(desk)
        assert (kind, contact) == ("staff_alarm", "front")
        await moved(desk, "answered", first)
        await moved(desk, "missed", first)
        [_, (second, _, other)] = await placed(desk, 2)
        assert (other, world.rung()) == ("manager", [FRONT, MANAGER])
        assert CUSTOMER not in world.rung()
        await moved(desk, "unanswered", second)
        await until_ring(desk, "failed")
        metrics = desk.process.metrics
        assert metrics.value("escalation_total", reason="order_not_accepted", outcome="staff_rung") == 1
        assert metrics.value("escalation_total", reason="order_not_accepted", outcome="staff_missed") == 1

        async def is_owed() -> bool:
            return await ring(desk, "person") == [("waiting", "order_not_accepted")]

        await until(is_owed)  # the customer, and not at once: their staff has just been rung
        [(wait,)] = await desk.rows("SELECT next_attempt_at - created_at FROM callbacks WHERE kind = 'person'")
        assert wait >= timedelta(minutes=3)
        await desk.send_marker()
        assert world.rung() == [FRONT, MANAGER]


async def test_the_screens_have_their_time_first(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await order(desk, alarm_s=30)
        await desk.send_marker()
        await desk.send_marker()
        assert (await ring(desk), world.rung()) == ([], [])


async def test_an_order_that_is_taken_meanwhile_stops_the_phone(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await order(desk)
        await placed(desk)
        await desk.rows("UPDATE orders SET owned_by = 'Amina', owned_at = now()")
        await until_ring(desk, "closed")
        assert await desk.rows("SELECT state FROM outbound_calls") == [("ended",)]
        await desk.send_marker()
        assert world.rung() == [FRONT]
        assert await ring(desk, "person") == []


async def test_an_order_that_is_accepted_before_rings_nobody(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await order(desk, alarm_s=None, state="accepted")
        await desk.send_marker()
        await desk.send_marker()
        assert (await ring(desk), world.rung()) == ([], [])


async def test_who_presses_the_key_is_told_to_orders_until_it_knows(
    start_escalation: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str, str]] = []

    async def own(self: object, call_id: str, branch_id: str, *, by: str) -> None:
        told.append((call_id, branch_id, by))
        if len(told) == 1:
            raise OrdersAway("ConnectError")
        await desk.rows("UPDATE orders SET owned_by = %s, owned_at = now()", by)

    monkeypatch.setattr("services.escalation.order_owner.OrderOwner.own", own)
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await order(desk)
        [(first, _, _)] = await placed(desk)
        await moved(desk, "answered", first)
        await moved(desk, "connected", first)

        async def is_owned() -> bool:
            return await desk.rows("SELECT owned_by FROM orders") == [("Front counter",)]

        await until(is_owned)
        await desk.send_marker()
        assert told == [(CALL, "westlands", "Front counter")] * 2
        assert await ring(desk) == [("connected", "order_not_accepted")]
        assert world.rung() == [FRONT]


async def test_nobody_is_rung_out_of_hours(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(NIGHT, **world.settings()) as desk:
        await order(desk)
        await until_ring(desk, "waiting")
        await desk.send_marker()
        assert world.rung() == []


async def test_an_order_is_rung_about_once_whatever_its_alarm_does(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await order(desk)
        await placed(desk)
        await desk.rows("UPDATE orders SET alarm = NULL, alarm_at = NULL, state = 'received'")
        await until_ring(desk, "closed")
        await desk.rows(
            "UPDATE orders SET alarm = 'not_accepted', alarm_at = %s", desk.process.clock.now() - timedelta(minutes=2)
        )
        await desk.send_marker()
        await desk.send_marker()
        assert world.rung() == [FRONT]


async def test_a_refused_order_owes_its_customer_a_call(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await order(desk, alarm_s=None, state="rejected")
        [(first, kind, _)] = await placed(desk)
        assert (kind, world.rung(), await ring(desk)) == ("staff_bridge", [FRONT], [])
        await moved(desk, "answered", first)
        await moved(desk, "connected", first)


async def test_a_refused_order_that_somebody_has_taken_rings_nobody(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await order(desk, alarm_s=None, state="rejected", ended=False)
        await desk.rows("UPDATE orders SET owned_by = 'Amina', owned_at = now()")
        await desk.hung_up("goodbye")
        await desk.send_marker()
        await desk.send_marker()
        assert world.rung() == []
