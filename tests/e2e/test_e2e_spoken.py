"""Whole calls through all processes by audio, in real time, with the machine to themselves."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import pytest

from simulators.carrier.settings import Voice

if TYPE_CHECKING:
    from pathlib import Path

    from e2e_system import System

pytestmark = [pytest.mark.e2e, pytest.mark.audio, pytest.mark.alone, pytest.mark.timeout(400)]

LINES = [
    ("chicken-burger", 1, 55_000, []),
    ("chicken-burger", 1, 55_000, ["no-onions"]),
    ("fries", 1, 33_000, ["large"]),
    ("soda", 1, 10_000, ["cola", "regular"]),
]


def test_a_spoken_order_becomes_the_exact_ticket(system: System, piper: Voice, tmp_path: Path) -> None:
    order = ("two chicken burgers, one with no onions, a large fries, and a soda", "that's all", "yes")
    one = system.run(system.call(system.request(*order, record_folder=tmp_path), piper))
    assert one.record.violations == []
    result = one.result
    assert result.outcome == "placed", result.transcript
    assert result.order is not None
    assert (result.order["total_minor"], result.order["currency"]) == (153_000, "KES")
    assert [
        (line["item"], line["quantity"], line["unit_minor"], [option["id"] for option in line["options"]])
        for line in result.order["lines"]
    ] == LINES
    heard = " ".join(turn["text"] for turn in result.transcript if turn["who"] == "agent")
    assert "automated assistant" in heard, "the agent says what it is"
    names = [call["name"] for call in result.tool_calls]
    placing = names[len(names) - names[::-1].index("getTotal") :]
    # Where the yes came into the last word of the read-back, one short question follows; never more than one.
    assert placing in (["placeOrder", "endCall"], ["placeOrder", "placeOrder", "endCall"])
    with wave.open(str(one.record.wavs["caller-heard"])) as wav:
        assert (wav.getframerate(), wav.getnchannels()) == (16_000, 1)
        assert wav.getnframes() / 16_000 == pytest.approx((one.record.ended_ms or 0) / 1000, abs=2)


def test_a_caller_who_asks_aloud_for_a_person_gets_one(system: System, piper: Voice) -> None:
    wish = system.request("I would like to speak to a person please", from_number="+254711000002")
    one = system.run(system.call(wish, piper))
    assert one.record.violations == []
    assert one.record.staff_reached == ["+254700000001"]
    assert one.result.outcome == "handoff"
    assert one.record.heard_from("staff") > 500


def test_a_caller_of_the_other_branch_orders_from_its_menu(system: System, piper: Voice) -> None:
    order = ("two greek salads and an iced tea", "that's all", "yes")
    wish = system.request(*order, branch="kilimani", from_number="+254711000003")
    order_placed = system.run(system.call(wish, piper)).result.order
    assert order_placed is not None
    assert [(line["item"], line["quantity"]) for line in order_placed["lines"]] == [("greek-salad", 2), ("iced-tea", 1)]
