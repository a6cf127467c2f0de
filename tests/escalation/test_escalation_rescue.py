"""Callers on a carrier that stays silent (R3) or hangs up (R4): fetched from the silence and rung back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from carrier_exchange import (
    CUSTOMER,
    FRONT,
    callbacks,
    left,
    moved,
    open_world,
    placed,
    until_callback,
)
from escalation_desk import CALL, Escalation, Start, start_escalation, until

__all__ = ["start_escalation"]

SOON = {"agiza_carrier_silent_s": 0.5}
CART = '{"lines": [{"item": "fries"}], "customer": {}, "placed": []}'


async def until_true(condition: Callable[[], bool]) -> None:
    async def is_so() -> bool:
        return condition()

    await until(is_so)


async def put_cart(desk: Escalation, state: str = CART) -> None:
    await desk.rows("INSERT INTO menus (branch_id, version, document, digest) VALUES ('westlands', 1, '{}', 'x')"
                    " ON CONFLICT DO NOTHING")  # fmt: skip
    await desk.rows(
        "INSERT INTO carts (cart_id, call_id, branch_id, menu_version, pii_state)"
        " VALUES (%s, %s, 'westlands', 1, %s::jsonb)",
        f"cart-{CALL}",
        CALL,
        state,
    )


@pytest.mark.parametrize("arq", [True, False])
async def test_silent_carrier_is_hung_up_and_staff_are_connected_with_the_caller(
    start_escalation: Start, arq: bool
) -> None:
    async with open_world() as world, start_escalation(**world.settings(agiza_arq=arq, **SOON)) as desk:
        live = world.live_call()
        await desk.call()
        await desk.ask(times=2)
        await desk.until_heard(2)
        await left(desk)
        [(outbound_id, kind, contact)] = await placed(desk)
        assert (kind, contact, world.rung()) == ("staff_bridge", "front", [FRONT])
        assert live.hang_up.is_set(), "the caller does not sit in the silence"
        assert await desk.rows("SELECT pii_customer FROM outbound_calls") == [(CUSTOMER,)]
        await moved(desk, "answered", outbound_id)
        await moved(desk, "connected", outbound_id)
        await until_callback(desk, "connected")
        await desk.until_state("connected")


async def test_carrier_that_hangs_up_when_the_bridge_leaves_costs_nobody_the_call(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        await left(desk)
        await desk.hung_up("handoff")
        [(_, kind, _)] = await placed(desk)
        assert kind == "staff_bridge"
        assert await callbacks(desk) == [("person", "calling", 0)]


async def test_bridge_that_died_before_it_could_leave(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        live = world.live_call()
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        await desk.rows("UPDATE handoffs SET leave_by = leave_by - interval '15 seconds'")
        await placed(desk)
        assert live.hang_up.is_set()


async def test_caller_who_gives_up_is_not_rung_back(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        await left(desk, "caller_hung_up")
        await desk.hung_up()
        await desk.until_state("closed")
        assert (await callbacks(desk), world.rung()) == ([], [])


async def test_withheld_number_that_is_lost_is_an_alarm(start_escalation: Start, logged: list[str]) -> None:
    async with open_world() as world, start_escalation(**world.settings(**SOON)) as desk:
        live = world.live_call()
        await desk.call(caller=None)
        await desk.ask()
        await desk.until_heard(1)
        await left(desk)
        await desk.until_state("failed")
        await until_true(live.hang_up.is_set)
        assert world.rung() == []
        assert desk.process.metrics.value("handoff_callback_total", outcome="impossible") == 1


# --- legs that nobody asked a person for -----------------------------------------------------------------------------


async def test_lost_leg_with_an_open_cart_is_rung_back_once_by_the_agent(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings(**SOON)) as desk:
        live = world.live_call()
        await desk.call()
        await put_cart(desk)
        await left(desk, "model_gone", "dropped")
        [(outbound_id, kind, contact)] = await placed(desk)
        assert (kind, contact, world.rung()) == ("ring_back", None, [CUSTOMER])
        assert live.hang_up.is_set()
        await moved(desk, "unanswered", outbound_id)
        await until_callback(desk, "closed")
        await left(desk, "model_gone", "dropped")
        await desk.hung_up("model_gone")
        await desk.send_marker()
        assert (await callbacks(desk), len(world.rung())) == ([("agent", "closed", 0)], 1)


async def test_customer_who_is_back_on_the_line_is_settled(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings(**SOON)) as desk:
        await desk.call()
        await put_cart(desk)
        await desk.hung_up("bridge_fault")
        [(outbound_id, _, _)] = await placed(desk)
        await moved(desk, "answered", outbound_id)
        await until_callback(desk, "connected")


@pytest.mark.parametrize("reason", [None, "drained"])
async def test_call_that_ended_with_its_bridge(start_escalation: Start, reason: str | None) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await desk.call()
        await put_cart(desk)
        await desk.session_record("bridge-1", 0)
        await desk.hung_up(reason)
        assert [kind for _, kind, _ in await placed(desk)] == ["ring_back"]


async def test_call_whose_bridge_beats_no_more(start_escalation: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agiza.domain.rescue.BRIDGE_GONE_S", 1.5)
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        live = world.live_call()
        await desk.call()
        await put_cart(desk)
        await desk.session_record("bridge-1", 0)
        await desk.redis.set("agiza:bridges:bridge-1", "{}")
        await desk.send_marker()
        await desk.send_marker()
        await desk.send_marker()
        assert not live.hang_up.is_set(), "its bridge lives"
        await desk.redis.delete("agiza:bridges:bridge-1")
        await placed(desk)
        assert live.hang_up.is_set()


@pytest.mark.parametrize(
    ("reason", "outcome", "cart"),
    [
        ("goodbye", "placed", CART),
        ("model_gone", "dropped", '{"lines": [], "customer": {}, "placed": []}'),
    ],
)
async def test_silence_is_ended_also_for_who_is_not_rung_back(
    start_escalation: Start, reason: str, outcome: str, cart: str
) -> None:
    async with open_world() as world, start_escalation(**world.settings(**SOON)) as desk:
        live = world.live_call()
        await desk.call()
        await put_cart(desk, cart)
        await left(desk, reason, outcome)
        await until_true(live.hang_up.is_set)
        assert (await callbacks(desk), world.rung()) == ([], [])


async def test_leg_that_the_next_one_has_replaced_is_left_alone(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings(**SOON)) as desk:
        live = world.live_call()
        await desk.call()
        await put_cart(desk)
        await desk.rows("UPDATE calls SET state = jsonb_set(state, '{call,epoch}', '1')")
        await desk.session_record("bridge-2", 1)
        await desk.redis.set("agiza:bridges:bridge-2", "{}")
        await left(desk, "bridge_fault", "dropped", epoch=0)
        await desk.rows("UPDATE calls SET outcome = NULL, end_reason = NULL")
        await desk.rows("UPDATE line_watches SET since = since - interval '1 minute'")

        async def is_settled() -> bool:
            return await desk.rows("SELECT settled FROM line_watches") == [(True,)]

        await until(is_settled)
        assert not live.hang_up.is_set()
        assert world.rung() == []


async def test_talk_with_a_person_is_not_endless(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        live = world.live_call()
        await desk.call()
        await desk.rows(
            "UPDATE calls SET stage = 'dialling', last_dialled_at = %s::timestamptz - interval '31 minutes',"
            " state = jsonb_set(state, '{call,phase}', '\"dialling\"')",
            desk.process.clock.now(),
        )
        await desk.ask()
        await desk.until_heard(1)
        handoff_id = desk.answers()[0].handoff_id
        await desk.dial_served(handoff_id)
        await until_true(live.hang_up.is_set)


async def test_person_who_was_asked_for_while_we_were_away_is_sent_all_the_same(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings(**SOON)) as desk:
        live = world.live_call()
        await desk.call()
        await left(desk, "handoff", "handoff")
        assert [kind for _, kind, _ in await placed(desk)] == ["staff_bridge"]
        assert live.hang_up.is_set()
        assert await callbacks(desk) == [("person", "calling", 0)]


async def offered_a_while_ago(desk: Escalation) -> None:
    """A carrier that does not say when a stream begins: the call looks like an offer until its end."""
    await desk.rows(
        "UPDATE calls SET stage = 'offered', state = jsonb_set(jsonb_set(state, '{call,phase}', '\"offered\"'),"
        " '{call,offered_at}', to_jsonb(%s::timestamptz - interval '20 seconds'))",
        desk.process.clock.now(),
    )


async def test_redis_that_forgot_a_call_for_a_moment_does_not_end_it(
    start_escalation: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.escalation.lost_bridges.UNTAKEN_S", 60.0)
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        live = world.live_call()
        await desk.call()
        await put_cart(desk)
        await offered_a_while_ago(desk)
        for _ in range(3):  # each is handled after a round of the sweeper
            await desk.send_marker()
        assert not live.hang_up.is_set()
        assert world.rung() == []


async def test_offer_that_no_bridge_has_taken_is_seen_through_after_a_while(
    start_escalation: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.escalation.lost_bridges.UNTAKEN_S", 0.5)
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        live = world.live_call()
        await desk.call()
        await put_cart(desk)
        await offered_a_while_ago(desk)
        await until_true(live.hang_up.is_set)
        assert [kind for _, kind, _ in await placed(desk)] == ["ring_back"]
