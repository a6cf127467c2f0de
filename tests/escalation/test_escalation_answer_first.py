"""``answer_first``: a person is rung while the agent goes on; the caller leaves only when somebody has picked up."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from carrier_exchange import CUSTOMER, FRONT, MANAGER, World, callbacks, left, moved, open_world, placed, until_callback
from escalation_desk import BRANCHES, Escalation, Start, start_escalation, until

__all__ = ["start_escalation"]


@contextlib.asynccontextmanager
async def ringing(start: Start, folder: Path, **settings: object) -> AsyncIterator[tuple[World, Escalation, str]]:
    """The first contact's phone rings for a caller; yields the id of that call of ours."""
    branches = shutil.copytree(BRANCHES, folder / "branches")
    file = branches / "westlands.yaml"
    file.write_text(file.read_text().replace("  staff:", "  escalation: {strategy: answer_first}\n  staff:", 1))
    async with open_world() as world, start(**world.settings(agiza_branches_dir=branches, **settings)) as desk:
        world.live_call()
        await desk.call()
        await desk.ask(times=2)
        await desk.until_heard(2)
        [(outbound_id, kind, contact)] = await placed(desk)
        assert (kind, contact, world.rung()) == ("staff_join", "front", [FRONT])
        yield world, desk, outbound_id


@pytest.mark.parametrize("arq", [True, False])
async def test_agent_goes_on_until_somebody_has_picked_up(start_escalation: Start, tmp_path: Path, arq: bool) -> None:
    async with ringing(start_escalation, tmp_path, agiza_arq=arq) as (world, desk, outbound_id):
        assert {(each.contact_id, each.stay) for each in desk.answers()} == {("front", True)}
        await desk.send_marker()
        assert desk.orders() == [], "while it rings, nobody leaves"
        assert await desk.rows("SELECT ringing, room FROM handoffs WHERE contact_id = 'front'"
                               " AND call_id = 'HD_7c21e04ab9f3'") == [("front", None)]  # fmt: skip
        await moved(desk, "answered", outbound_id)
        await desk.until_ordered()
        [(state, room, still_ringing)] = await desk.rows(
            "SELECT state, room, ringing FROM handoffs WHERE call_id = 'HD_7c21e04ab9f3'"
        )
        assert (state, room, still_ringing) == ("leaving", f"handoff-{desk.answers()[0].handoff_id}", None)
        assert world.rung() == [FRONT]
        await desk.dial_served(desk.answers()[0].handoff_id)
        await left(desk)
        await desk.dial_ended(desk.answers()[0].handoff_id, connected=True)
        await desk.until_state("connected")


async def test_next_one_is_rung_and_after_the_last_the_agent_is_told(start_escalation: Start, tmp_path: Path) -> None:
    async with ringing(start_escalation, tmp_path) as (world, desk, first):
        await moved(desk, "unanswered", first)
        [_, (second, _, contact)] = await placed(desk, 2)
        assert (contact, world.rung()) == ("manager", [FRONT, MANAGER])
        heard = len(desk.heard)
        await moved(desk, "unanswered", second)
        await desk.until_heard(heard + 1)
        told = desk.answers()[-1]
        assert (told.contact_id, told.stay, told.callback) == (None, False, "offered")
        assert told.request_id == desk.answers()[0].request_id
        await desk.until_state("failed")
        await desk.ask(reason="callback")
        await desk.until_heard(heard + 2)
        assert (desk.answers()[-1].callback, await callbacks(desk)) == ("promised", [("person", "waiting", 0)])


async def test_caller_who_hangs_up_stops_the_ringing(start_escalation: Start, tmp_path: Path) -> None:
    async with ringing(start_escalation, tmp_path) as (world, desk, outbound_id):
        await desk.hung_up()
        await desk.until_state("closed")
        [record] = [record for record in world.carrier.records if record.direction == "outbound"]
        live = world.carrier.calls[record.session_id]
        await until_set(live)
        await moved(desk, "answered", outbound_id)
        await desk.send_marker()
        assert (desk.orders(), await callbacks(desk)) == ([], [])


async def until_set(live: object) -> None:
    async def is_set() -> bool:
        return bool(live.hang_up.is_set())  # type: ignore[attr-defined]

    await until(is_set)


@pytest.mark.parametrize("hangs_up", [True, False])
async def test_caller_who_is_lost_on_the_way_is_rung_into_the_room(
    start_escalation: Start, tmp_path: Path, hangs_up: bool
) -> None:
    async with ringing(start_escalation, tmp_path, agiza_carrier_silent_s=0.5) as (world, desk, outbound_id):
        await moved(desk, "answered", outbound_id)
        await desk.until_ordered()
        await left(desk)
        if hangs_up:
            await desk.hung_up("handoff")
        [_, (joining, kind, _)] = await placed(desk, 2)
        assert (kind, world.rung()) == ("customer_join", [FRONT, CUSTOMER])
        [(room, other)] = await desk.rows(
            "SELECT min(room), max(room) FROM outbound_calls WHERE kind IN ('staff_join', 'customer_join')"
        )
        assert room == other
        await moved(desk, "answered", joining)
        await moved(desk, "ended", joining)
        await until_callback(desk, "connected")
        await desk.until_state("connected")


async def test_customer_who_does_not_pick_up_frees_who_waits(start_escalation: Start, tmp_path: Path) -> None:
    async with ringing(start_escalation, tmp_path, agiza_carrier_silent_s=0.5) as (world, desk, outbound_id):
        await moved(desk, "answered", outbound_id)
        await desk.until_ordered()
        await left(desk)
        [_, (joining, _, _)] = await placed(desk, 2)
        await moved(desk, "unanswered", joining)
        await until_callback(desk, "waiting")
        record = next(record for record in world.carrier.records if record.to_number == FRONT)
        await until_set(world.carrier.calls[record.session_id])


async def test_person_who_gives_up_waiting_is_dialled_instead(start_escalation: Start, tmp_path: Path) -> None:
    async with ringing(start_escalation, tmp_path) as (_, desk, outbound_id):
        await moved(desk, "answered", outbound_id)
        await desk.until_ordered()
        await moved(desk, "ended", outbound_id)

        async def is_without_room() -> bool:
            return await desk.rows("SELECT room FROM handoffs WHERE call_id = 'HD_7c21e04ab9f3'") == [(None,)]

        await until(is_without_room)


async def test_where_no_call_can_be_placed_the_carrier_dials(start_escalation: Start, tmp_path: Path) -> None:
    branches = shutil.copytree(BRANCHES, tmp_path / "branches")
    file = branches / "westlands.yaml"
    file.write_text(file.read_text().replace("  staff:", "  escalation: {strategy: answer_first}\n  staff:", 1))
    async with start_escalation(agiza_branches_dir=branches) as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        assert (desk.answers()[0].contact_id, desk.answers()[0].stay) == ("front", False)


async def test_caller_who_says_goodbye_while_it_rings_is_left_in_peace(start_escalation: Start, tmp_path: Path) -> None:
    async with ringing(start_escalation, tmp_path, agiza_carrier_silent_s=0.5) as (world, desk, outbound_id):
        await left(desk, "goodbye", "placed")
        await desk.until_state("closed")
        record = next(record for record in world.carrier.records if record.to_number == FRONT)
        await until_set(world.carrier.calls[record.session_id])
        await moved(desk, "unanswered", outbound_id)
        await desk.send_marker()
        assert (world.rung(), await callbacks(desk)) == ([FRONT], [])


async def test_bridge_that_did_not_wait_for_the_ringing_has_it_stopped_before_the_dial(
    start_escalation: Start, tmp_path: Path
) -> None:
    async with ringing(start_escalation, tmp_path) as (world, desk, outbound_id):
        await left(desk)

        async def is_stopped() -> bool:
            rows = await desk.rows("SELECT ringing, left_at IS NOT NULL, state FROM handoffs")
            return rows == [(None, True, "requested")]

        await until(is_stopped)
        record = next(record for record in world.carrier.records if record.to_number == FRONT)
        assert world.carrier.calls[record.session_id].hang_up.is_set()
        await moved(desk, "unanswered", outbound_id)
        await desk.dial_served(desk.answers()[0].handoff_id, contact_id="manager")
        await desk.until_state("dial_served")
        assert world.rung() == [FRONT], "the carrier dials now, not we"


async def test_end_that_overtakes_the_pick_up_rings_the_next_one(start_escalation: Start, tmp_path: Path) -> None:
    async with ringing(start_escalation, tmp_path) as (world, desk, outbound_id):
        await moved(desk, "ended", outbound_id)
        await moved(desk, "answered", outbound_id)
        await placed(desk, 2)
        assert (world.rung(), desk.orders()) == ([FRONT, MANAGER], [])


async def test_report_of_the_leg_before_does_not_touch_what_the_next_one_asked_for(
    start_escalation: Start, tmp_path: Path
) -> None:
    async with ringing(start_escalation, tmp_path, agiza_carrier_silent_s=0.5) as (world, desk, _):
        await desk.rows("UPDATE handoffs SET leg_epoch = 1")
        await desk.rows("UPDATE calls SET state = jsonb_set(state, '{call,epoch}', '1'), leg_epoch = 1")
        await left(desk, "handoff", "handoff", epoch=0)
        await desk.rows("UPDATE calls SET outcome = NULL, end_reason = NULL")
        await desk.send_marker()
        await desk.send_marker()
        assert await desk.rows("SELECT ringing, left_at, state FROM handoffs WHERE call_id = 'HD_7c21e04ab9f3'") == [
            ("front", None, "requested")
        ]
        assert (world.rung(), await callbacks(desk)) == ([FRONT], [])
