"""Whole calls through all processes: by audio, by text, to a person, in both readings of the carrier."""

from __future__ import annotations

import asyncio
import re
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from agiza.cli.call import CallRequest
from agiza.contracts.envelope import decode
from agiza.contracts.events import OrderPlaced
from agiza.contracts.streams import orders_stream
from simulators.carrier.settings import StreamEnd, Voice

if TYPE_CHECKING:
    from e2e_system import System

# one worker runs them all, so that the system is started once
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400), pytest.mark.xdist_group("system")]

ORDER = ("two chicken burgers, one with no onions, a large fries, and a soda", "that's all", "yes")
PERSON = ("I would like to speak to a person please",)
LINES = [
    ("chicken-burger", 1, 55_000, []),
    ("chicken-burger", 1, 55_000, ["no-onions"]),
    ("fries", 1, 33_000, ["large"]),
    ("soda", 1, 10_000, ["cola", "regular"]),
]


def request(system: System, *say: str, branch: str = "westlands", **options: object) -> CallRequest:
    return CallRequest(branch=system.branches[branch], say=say, **options)  # type: ignore[arg-type]


@pytest.mark.audio
def test_a_spoken_order_becomes_the_exact_ticket(system: System, piper: Voice, tmp_path: Path) -> None:
    placed = system.run(system.call(request(system, *ORDER, record_folder=tmp_path), piper))
    assert placed.record.violations == []
    result = placed.result
    assert result.outcome == "placed"
    assert result.order is not None
    assert (result.order["total_minor"], result.order["currency"]) == (153_000, "KES")
    assert [
        (line["item"], line["quantity"], line["unit_minor"], [option["id"] for option in line["options"]])
        for line in result.order["lines"]
    ] == LINES
    heard = " ".join(turn["text"] for turn in result.transcript if turn["who"] == "agent")
    assert "automated assistant" in heard, "the agent says what it is"
    assert [call["name"] for call in result.tool_calls][-3:] == ["getTotal", "placeOrder", "endCall"]
    with wave.open(str(placed.record.wavs["caller-heard"])) as wav:
        assert (wav.getframerate(), wav.getnchannels()) == (16_000, 1)
        assert wav.getnframes() / 16_000 == pytest.approx((placed.record.ended_ms or 0) / 1000, abs=2)


@pytest.mark.audio
def test_a_caller_who_asks_for_a_person_gets_one(system: System, piper: Voice) -> None:
    placed = system.run(system.call(request(system, *PERSON, from_number="+254711000002"), piper))
    assert placed.record.violations == []
    assert placed.record.staff_reached == ["+254700000001"]
    assert placed.result.outcome == "handoff"
    assert placed.result.handoff is not None
    assert (placed.result.handoff["reason"], placed.result.handoff["contact"]) == ("caller_asked", "front")
    assert placed.record.heard_from("staff") > 500


@pytest.mark.audio
def test_a_caller_of_the_other_branch_orders_from_its_menu(system: System, piper: Voice) -> None:
    say = ("two greek salads and an iced tea", "that's all", "yes")
    placed = system.run(system.call(request(system, *say, branch="kilimani", from_number="+254711000003"), piper))
    assert placed.result.order is not None
    assert [(line["item"], line["quantity"]) for line in placed.result.order["lines"]] == [
        ("greek-salad", 2),
        ("iced-tea", 1),
    ]


@pytest.mark.parametrize("reading", [StreamEnd.ASK_VOICE_URL, StreamEnd.NEXT_VERB])
def test_a_person_is_reached_in_both_readings_of_the_carrier(system: System, reading: StreamEnd) -> None:
    placed = system.run(system.call(request(system, *PERSON, text=True, reading=reading)))
    assert placed.record.violations == []
    assert placed.record.staff_reached == ["+254700000001"]
    assert placed.result.handoff is not None


@pytest.mark.parametrize("say", [ORDER, (ORDER[0], "yes"), ("a large fries and two sodas", "no", "yes")], ids=str)
def test_orders_by_text(system: System, say: tuple[str, ...]) -> None:
    placed = system.run(system.call(request(system, *say, text=True)))
    assert placed.record.violations == []
    assert placed.result.outcome == "placed"


def test_a_caller_who_never_says_yes_gets_no_ticket(system: System) -> None:
    placed = system.run(system.call(request(system, "a large fries", "that's all", text=True)))
    assert placed.result.orders == []
    assert placed.result.outcome != "placed"


def test_ten_calls_at_once_on_two_branches_are_all_exact(system: System) -> None:
    async def all_at_once() -> list[tuple[str, object]]:
        calls = []
        for number in range(10):
            branch, said = (
                ("westlands", "three beef burgers and two coffees")
                if number % 2
                else ("kilimani", "two greek salads and an iced tea")
            )
            one = request(
                system, said, "that's all", "yes", branch=branch, text=True, from_number=f"+25471200{number:04d}"
            )
            calls.append(system.call(one))
        placed = await asyncio.gather(*calls)
        return [(one.record.to_number, one.result.order and one.result.order["total_minor"]) for one in placed]

    totals = system.run(all_at_once())
    assert {total for number, total in totals if number == "+254709000002"} == {210_000}
    assert {total for number, total in totals if number == "+254709000003"} == {108_000}


def test_every_order_is_on_its_branchs_stream_once_and_in_order(system: System) -> None:
    system.run(system.call(request(system, "one tea", "that's all", "yes", text=True)))
    with redis.Redis.from_url(system.stack.redis_url, decode_responses=True) as client:
        entries = client.xrange(orders_stream("westlands"))
    events = [decode(fields["event"]) for _, fields in entries]  # type: ignore[union-attr]
    sequences = [int(received.envelope.sequence or 0) for received in events]
    assert sequences == list(range(1, len(sequences) + 1))
    placed = [received.event for received in events if isinstance(received.event, OrderPlaced)]
    assert len({event.order_id for event in placed}) == len(placed)


def test_nothing_personal_is_in_the_logs_outside_pii_fields(system: System) -> None:
    name, number = "Wanjiku Achieng", "+254711987654"
    placed = system.run(
        system.call(
            request(
                system, "a large fries please", f"my name is {name}", "that's all", "yes", text=True, from_number=number
            )
        )
    )
    assert placed.record.answered_ms is not None
    logs = system.logs()
    assert placed.result.call_id in logs, "the call was logged at all"
    for secret in ("254711987654", "711987654", "Wanjiku", "Achieng", "large fries", "that's all"):
        assert secret.lower() not in logs.lower(), f"{secret!r} is in the logs"
    assert not re.search(r"\+254(711|712|700)\d{6}", logs), "a telephone number is in the logs"
