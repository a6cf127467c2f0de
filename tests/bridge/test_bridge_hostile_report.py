"""What the model writes into a report can always be sent and stored: the report is all that is known of a call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agiza.contracts.envelope import Stamp, decode, encode
from agiza.contracts.events import CallEnded, HandoffRequested, ToolTiming, TranscriptTurn
from agiza.runtime.traces import Trace

STAMP = Stamp(id="evt", source="/test", time=datetime(2026, 3, 6, tzinfo=UTC), traceparent=str(Trace.new()))


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize("text", ["two\x00 burgers", "lone \ud800 surrogate", "bell \x07"])
def test_texts_lose_what_no_column_takes(text: str) -> None:
    ended = CallEnded(
        branch_id="westlands",
        call_id="HD_hostile",
        leg_epoch=0,
        outcome="dropped",
        reason="test",
        duration_ms=1,
        transcript=(TranscriptTurn(who="caller", pii_text=text, at_ms=0),),
        pii_tool_calls=(ToolTiming(id=text, name=text, args={"name": text}, status=text, ms=1),),
    )
    wire = encode(ended, STAMP)
    assert decode(wire).event == ended
    for bad in (b"\\u0000", b"\\ud800", b"\\u0007"):
        assert bad not in wire


def test_a_summary_loses_it_too() -> None:
    asked = HandoffRequested(
        branch_id="westlands",
        call_id="HD_hostile",
        leg_epoch=0,
        reason="caller_asked",
        pii_summary="Wants\x00 a person.",
        reply_to="agiza:replies:b1",
    )
    assert asked.pii_summary == "Wants a person."


def test_arguments_nested_without_end_can_be_sent() -> None:
    timing = ToolTiming(id="fc", name="addItem", args=nested(300), status="ok", ms=1)
    assert len(timing.model_dump_json()) < 200
