"""Whole calls through all processes by text: orders, and a person in both readings of the carrier."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest
import redis

from agiza.cli.call import CallRequest, PlacedCall
from agiza.contracts.envelope import decode
from agiza.contracts.events import OrderPlaced
from agiza.contracts.streams import orders_stream
from simulators.carrier.settings import StreamEnd

if TYPE_CHECKING:
    from e2e_system import System

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(400)]

ORDER = ("two chicken burgers, one with no onions, a large fries, and a soda", "that's all", "yes")
PERSON = ("I would like to speak to a person please",)
NAME, NUMBER = "Wanjiku Achieng", "+254711987654"


def typed(system: System, *say: str, branch: str = "westlands", **options: object) -> CallRequest:
    return system.request(*say, branch=branch, text=True, **options)


@pytest.fixture(scope="module")
def placed(system: System) -> Mapping[str, PlacedCall]:
    """The calls of this file, at once, as a branch has them, since most of a call is waiting."""
    requests = {
        "R1": typed(system, *PERSON, reading=StreamEnd.ASK_VOICE_URL, from_number="+254711000004"),
        "R2": typed(system, *PERSON, reading=StreamEnd.NEXT_VERB, from_number="+254711000005"),
        "that's all, yes": typed(system, *ORDER, from_number="+254711000006"),
        "yes": typed(system, ORDER[0], "yes", from_number="+254711000007"),
        "no, yes": typed(system, "a large fries and two sodas", "no", "yes", from_number="+254711000008"),
        "no answer": typed(system, "a large fries", "that's all", from_number="+254711000009"),
        "named": typed(
            system, "a large fries please", f"my name is {NAME}", "that's all", "yes", from_number=NUMBER
        ),
    }  # fmt: skip

    async def at_once() -> dict[str, PlacedCall]:
        return dict(zip(requests, await asyncio.gather(*map(system.call, requests.values())), strict=True))

    return system.run(at_once())


@pytest.mark.parametrize("name", ["R1", "R2"])
def test_a_caller_who_asks_for_a_person_gets_one(placed: Mapping[str, PlacedCall], name: str) -> None:
    one = placed[name]
    assert one.record.violations == []
    assert one.record.staff_reached == ["+254700000001"]
    assert one.result.outcome == "handoff"
    assert one.result.handoff is not None
    assert (one.result.handoff["reason"], one.result.handoff["contact"]) == ("caller_asked", "front")
    assert one.record.heard_from("staff") > 500


@pytest.mark.parametrize(("name", "total_minor"), [("that's all, yes", 153_000), ("yes", 153_000), ("no, yes", 53_000)])
def test_orders_by_text(placed: Mapping[str, PlacedCall], name: str, total_minor: int) -> None:
    one = placed[name]
    assert one.record.violations == []
    assert one.result.order is not None
    assert one.result.order["total_minor"] == total_minor


def test_a_caller_who_never_says_yes_gets_no_ticket(placed: Mapping[str, PlacedCall]) -> None:
    assert placed["no answer"].result.orders == []
    assert placed["no answer"].result.outcome != "placed"


def test_ten_calls_at_once_on_two_branches_are_all_exact(system: System) -> None:
    async def ten() -> list[tuple[str, object]]:
        calls = []
        for number in range(10):
            branch, said = (
                ("westlands", "three beef burgers and two coffees")
                if number % 2
                else ("kilimani", "two greek salads and an iced tea")
            )
            one = typed(system, said, "that's all", "yes", branch=branch, from_number=f"+25471200{number:04d}")
            calls.append(system.call(one))
        return [
            (one.record.to_number, one.result.order and one.result.order["total_minor"])
            for one in await asyncio.gather(*calls)
        ]

    totals = system.run(ten())
    assert {total for number, total in totals if number == "+254709000002"} == {210_000}
    assert {total for number, total in totals if number == "+254709000003"} == {108_000}


def test_every_order_is_on_its_branchs_stream_once_and_in_order(
    system: System, placed: Mapping[str, PlacedCall]
) -> None:
    assert placed, "orders were placed"
    with redis.Redis.from_url(system.stack.redis_url, decode_responses=True) as client:
        entries = client.xrange(orders_stream("westlands"))
    events = [decode(fields["event"]) for _, fields in entries]  # type: ignore[union-attr]
    sequences = [int(received.envelope.sequence or 0) for received in events]
    assert sequences == list(range(1, len(sequences) + 1))
    tickets = [received.event for received in events if isinstance(received.event, OrderPlaced)]
    assert len({event.order_id for event in tickets}) == len(tickets) >= 4


def test_nothing_personal_is_in_the_logs_outside_pii_fields(system: System, placed: Mapping[str, PlacedCall]) -> None:
    one = placed["named"]
    assert one.record.answered_ms is not None
    logs = system.logs()
    assert one.result.call_id in logs, "the call was logged at all"
    for secret in ("254711987654", "711987654", "Wanjiku", "Achieng", "large fries", "that's all"):
        assert secret.lower() not in logs.lower(), f"{secret!r} is in the logs"
    assert not re.search(r"\+254(711|712|700)\d{6}", logs), "a telephone number is in the logs"
