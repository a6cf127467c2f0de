"""The judges of the audio evaluation: an order that nobody heard and confirmed must not pass as a good one."""

from __future__ import annotations

from typing import Any

import pytest

from agiza.cli.result import CallResult
from benchmarks.eval_audio import was_unconfirmed

READ_BACK = {"who": "agent", "text": "That is one soda, two hundred shillings in all. Shall I place the order?"}
YES = {"who": "caller", "text": "yes"}


def call_of(tools: list[str], transcript: list[dict[str, str]], *, ordered: bool = True) -> CallResult:
    order: dict[str, Any] = {"number": 1, "total_minor": 20_000, "currency": "KES"}
    return CallResult(
        call_id="HD_verdict01",
        outcome="placed" if ordered else "no_order",
        orders=[order] if ordered else [],
        tool_calls=[{"name": name, "args": {}, "status": "ok", "ms": 5} for name in tools],
        transcript=transcript,
        latencies_ms={},
        handoff=None,
    )


@pytest.mark.parametrize(
    ("tools", "transcript", "unconfirmed"),
    [
        (["addItem", "getTotal", "placeOrder"], [READ_BACK, YES], False),
        (["addItem", "getTotal", "setCustomer", "placeOrder"], [READ_BACK, YES], False),
        (["addItem", "placeOrder"], [READ_BACK, YES], True),
        (["addItem", "getTotal", "addItem", "placeOrder"], [READ_BACK, YES], True),
        (["addItem", "getTotal", "placeOrder"], [YES, READ_BACK], True),
        (["addItem", "getTotal", "placeOrder"], [YES], True),
        (["addItem", "getTotal"], [READ_BACK, YES], True),
    ],
    ids=["good", "name after it", "never priced", "changed after it", "no answer", "never said", "no placeOrder"],
)
def test_order_without_a_heard_and_answered_read_back(
    tools: list[str], transcript: list[dict[str, str]], unconfirmed: bool
) -> None:
    assert was_unconfirmed(call_of(tools, transcript)) is unconfirmed


def test_call_without_an_order_confirms_nothing() -> None:
    assert not was_unconfirmed(call_of(["addItem"], [], ordered=False))


def test_answer_to_an_earlier_total_does_not_count_for_the_last() -> None:
    first = {"who": "agent", "text": "That is one soda, two hundred shillings in all."}
    assert was_unconfirmed(call_of(["addItem", "getTotal", "placeOrder"], [first, YES, READ_BACK]))
