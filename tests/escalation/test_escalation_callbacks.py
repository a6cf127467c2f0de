"""Promises to ring back: kept person after person, within limits, and never twice."""

from __future__ import annotations

import pytest
from carrier_exchange import (
    FRONT,
    MANAGER,
    callbacks,
    moved,
    open_world,
    placed,
    promised,
    until_callback,
)
from escalation_desk import NIGHT, Start, start_escalation, until

from simulators.carrier.settings import StaffAnswers

__all__ = ["start_escalation"]


async def test_promise_of_the_webhook_is_kept_person_after_person(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        await desk.dial_served(desk.answers()[0].handoff_id)
        await promised(desk)
        await desk.hung_up("handoff")
        await desk.until_state("callback")
        [(first, _, one)] = await placed(desk)
        await moved(desk, "unanswered", first)
        [_, (second, _, other)] = await placed(desk, 2)
        assert (one, other, world.rung()) == ("front", "manager", [FRONT, MANAGER])
        await moved(desk, "answered", second)
        await moved(desk, "missed", second)
        await until_callback(desk, "waiting")
        assert await callbacks(desk) == [("person", "waiting", 1)]
        [(due, now)] = await desk.rows("SELECT next_attempt_at, updated_at FROM callbacks")
        assert (due - now).total_seconds() == pytest.approx(15 * 60 / 4, abs=2)


async def test_a_promise_given_in_a_live_call_waits_for_its_end(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        live = world.live_call()
        await desk.call()
        await desk.ask(reason="callback", times=2)
        await desk.until_heard(2)
        [answer, _] = desk.answers()
        assert (answer.callback, answer.contact_id, answer.message) == (
            "promised", None, "We will ring you back within 15 minutes.",
        )  # fmt: skip
        await desk.rows("UPDATE callbacks SET next_attempt_at = next_attempt_at - interval '10 seconds'")
        await desk.send_marker()
        await desk.send_marker()
        assert world.rung() == []
        assert not live.hang_up.is_set(), "the agent goes on talking with them"
        await desk.hung_up()
        await desk.rows("UPDATE callbacks SET next_attempt_at = next_attempt_at - interval '10 seconds'")
        assert [kind for _, kind, _ in await placed(desk)] == ["staff_bridge"]


async def test_matter_that_a_person_closed_rings_nobody(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await desk.call()
        await desk.hung_up("handoff")
        await promised(desk)
        [(outbound_id, _, _)] = await placed(desk)
        await desk.rows("UPDATE callbacks SET state = 'closed', closed_by = 'Asha'")
        await moved(desk, "unanswered", outbound_id)
        await desk.send_marker()
        assert await callbacks(desk) == [("person", "closed", 0)]
        assert len(world.rung()) == 1


async def test_after_the_last_round_people_have_to_see_to_it(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await desk.call()
        await desk.hung_up("handoff")
        await promised(desk)
        await placed(desk)
        await desk.rows("UPDATE callbacks SET rounds = 3, tried = '{front,manager}'")
        [(outbound_id, _, _)] = await placed(desk)
        await moved(desk, "unanswered", outbound_id)
        await until_callback(desk, "failed")
        assert desk.process.metrics.value("handoff_callback_total", outcome="failed") == 1


async def test_answer_of_the_carrier_that_gets_lost_rings_nobody_twice(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        world.exchange.faults.lost = 2
        await desk.call()
        await desk.hung_up("handoff")
        await promised(desk)
        await placed(desk)
        assert world.rung() == [FRONT]


async def test_empty_wallet_promises_nothing_and_rings_nobody(start_escalation: Start) -> None:
    async with open_world() as world:
        for each in world.exchange.desks:
            each.wallet_minor = 0
        world.exchange.wallet_minor = 0
        async with start_escalation(NIGHT, **world.settings()) as desk:
            await desk.call()
            await desk.ask()
            await desk.until_heard(1)
            assert (desk.answers()[0].callback, desk.answers()[0].contact_id) == ("none", None)
            await promised(desk)

            await desk.until_outbound("empty")
            assert world.rung() == []


async def test_dial_switch_stops_calls_of_our_own(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await desk.redis.set("agiza:switches:dial", "off")
        await desk.until_outbound("off")
        await desk.call()
        await desk.hung_up("handoff")
        await promised(desk)
        await until_callback(desk, "waiting")
        await desk.send_marker()
        assert world.rung() == []
        await desk.redis.delete("agiza:switches:dial")


async def test_number_that_must_not_be_rung_is_refused_at_the_last_moment(start_escalation: Start) -> None:
    async with open_world({"+254900223344": StaffAnswers()}) as world, start_escalation(**world.settings()) as desk:
        await desk.rows("UPDATE contacts SET phone = '+254900223344' WHERE contact_id = 'front'")
        await desk.call()
        await desk.hung_up("handoff")
        await promised(desk)
        await placed(desk)
        assert world.rung() == [MANAGER]


async def test_nobody_on_duty_is_an_offer_to_ring_back(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(NIGHT, **world.settings()) as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        [answer] = desk.answers()
        assert (answer.contact_id, answer.callback, answer.stay) == (None, "offered", False)
        assert answer.message.endswith("Shall we ring you back today at 7 am?")
        await desk.ask(reason="callback")
        await desk.until_heard(2)
        assert desk.answers()[1].callback == "promised"
        [(promised_for, first)] = await desk.rows("SELECT promised_for, next_attempt_at FROM callbacks")
        assert (first.hour, promised_for.hour, promised_for.minute) == (4, 4, 15)  # UTC; seven in Nairobi
        await desk.until_state("callback")


async def test_withheld_number_is_asked_for_first(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(NIGHT, **world.settings()) as desk:
        await desk.call(caller=None)
        await desk.ask()
        await desk.ask(reason="callback")
        await desk.until_heard(2)
        assert [answer.callback for answer in desk.answers()] == ["number_needed", "number_needed"]
        assert "which number" in desk.answers()[1].message
        await desk.rows(
            "INSERT INTO menus (branch_id, version, document, digest) VALUES ('westlands', 1, '{}', 'x')"
            " ON CONFLICT DO NOTHING"
        )
        await desk.rows(
            "INSERT INTO carts (cart_id, call_id, branch_id, menu_version, pii_state) SELECT 'cart-1', call_id,"
            ' \'westlands\', 1, \'{"lines": [], "customer": {"phone": "+254722000009"}}\' FROM calls'
        )
        await desk.ask(reason="callback")
        await desk.until_heard(3)
        assert desk.answers()[2].callback == "promised"
        assert await desk.rows("SELECT pii_phone FROM callbacks") == [("+254722000009",)]


async def test_premium_number_that_a_caller_gives_is_not_promised_a_call(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(NIGHT, **world.settings()) as desk:
        await desk.call(caller="+254900223344")
        await desk.ask(reason="callback")
        await desk.until_heard(1)
        assert desk.answers()[0].callback == "number_needed"
        assert await callbacks(desk) == []


async def test_customer_who_rings_again_meanwhile_is_not_rung(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await desk.call()
        await desk.call(call_id="HD_again0001")
        await desk.hung_up("handoff")
        await promised(desk)

        async def is_put_off() -> bool:
            rows = await desk.rows("SELECT state, next_attempt_at > created_at + interval '20 s' FROM callbacks")
            return rows == [("waiting", True)]

        await until(is_put_off)
        assert world.rung() == []
        await desk.hung_up(call_id="HD_again0001")
        await desk.rows("UPDATE callbacks SET next_attempt_at = next_attempt_at - interval '1 minute'")
        await placed(desk)
        assert world.rung() == [FRONT]


async def test_promise_of_earlier_does_not_cut_off_a_person_who_is_dialled_now(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        live = world.live_call()
        await desk.call()
        await desk.ask(reason="callback")
        await desk.until_heard(1)
        await desk.ask()  # they think better of it: somebody is dialled at once
        await desk.until_heard(2)
        assert desk.answers()[1].contact_id == "front"
        await desk.rows(
            "UPDATE calls SET outcome = 'handoff', end_reason = 'handoff', stage = 'dialling', last_dialled_at = %s,"
            " state = jsonb_set(state, '{call,phase}', '\"dialling\"')",
            desk.process.clock.now(),
        )
        await desk.dial_served(desk.answers()[1].handoff_id)
        await desk.rows("UPDATE callbacks SET next_attempt_at = next_attempt_at - interval '10 seconds'")
        await desk.send_marker()
        await desk.send_marker()
        assert (live.hang_up.is_set(), world.rung()) == (False, [])
        await desk.dial_ended(desk.answers()[1].handoff_id, connected=True)
        await until_callback(desk, "connected")


async def test_promise_that_could_not_be_kept_in_time_is_left_to_people(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(**world.settings()) as desk:
        await desk.redis.set("agiza:switches:dial", "off")
        await desk.until_outbound("off")
        await desk.call()
        await desk.hung_up("handoff")
        await promised(desk)
        await until_callback(desk, "waiting")
        await desk.rows(
            "UPDATE callbacks SET promised_for = promised_for - interval '50 minutes',"
            " next_attempt_at = next_attempt_at - interval '50 minutes'"
        )
        await until_callback(desk, "failed")
        assert world.rung() == []
        await desk.redis.delete("agiza:switches:dial")


async def test_word_that_is_given_once_more_counts_anew(start_escalation: Start) -> None:
    async with open_world() as world, start_escalation(NIGHT, **world.settings()) as desk:
        await desk.call()
        await desk.ask(reason="callback")
        await desk.until_heard(1)
        await desk.rows("UPDATE callbacks SET state = 'closed', closed_by = 'Asha', next_attempt_at = NULL")
        await desk.ask(reason="callback")
        await desk.until_heard(2)
        assert await callbacks(desk) == [("person", "waiting", 0)]
        assert await desk.rows("SELECT closed_by, next_attempt_at IS NOT NULL FROM callbacks") == [(None, True)]
