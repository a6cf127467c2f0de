"""The wire contract: golden files of every version ever sent, round trips, refusals that repeat nothing personal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import SAMPLES, STAMP

from agiza.contracts import streams
from agiza.contracts.envelope import ContractError, MalformedEvent, UnknownEvent, decode, encode
from agiza.contracts.events import EVENTS, Event, TranscriptTurn

GOLDEN = Path(__file__).parent / "golden"


def golden_file(event: type[Event], version: int) -> Path:
    return GOLDEN / f"{event.type}.v{version}.json"


def test_every_event_has_a_sample() -> None:
    assert [type(sample) for sample in SAMPLES] == list(EVENTS)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.type)
def test_current_version_is_what_the_golden_file_holds(sample: Event) -> None:
    path = golden_file(type(sample), sample.version)
    sent = json.loads(encode(sample, STAMP))
    assert path.exists(), f"new event or version: write {path.name} with this content: {json.dumps(sent)}"
    golden = json.loads(path.read_text())
    # A new optional field may come on top; what is out there must neither change nor go.
    assert known_part(sent, golden) == golden, "an event that is out there changed: raise its version instead"


def known_part(sent: Any, golden: Any) -> Any:
    """What was sent, without the fields that the golden file has not, at every depth."""
    if isinstance(sent, dict) and isinstance(golden, dict):
        return {name: known_part(value, golden[name]) for name, value in sent.items() if name in golden}
    if isinstance(sent, list) and isinstance(golden, list) and len(sent) == len(golden):
        return [known_part(one, other) for one, other in zip(sent, golden, strict=True)]
    return sent


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.name)
def test_every_version_ever_sent_can_still_be_read(path: Path) -> None:
    received = decode(path.read_bytes())
    assert received.event.type == received.envelope.type
    assert received.envelope.traceparent == STAMP.traceparent


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.type)
def test_round_trip(sample: Event) -> None:
    received = decode(encode(sample, STAMP))
    assert received.event == sample
    assert received.envelope.branchid == sample.branch_id
    assert received.envelope.callid == sample.call_id
    assert received.envelope.sequence == "00000000000000000007"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.type)
def test_a_newer_senders_optional_field_is_tolerated(sample: Event) -> None:
    wire = json.loads(encode(sample, STAMP))
    wire["data"]["a_field_of_tomorrow"] = 1
    wire["someextension"] = "x"
    assert decode(json.dumps(wire)).event == sample


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.type)
def test_a_newer_version_is_unknown_and_says_what_to_do(sample: Event) -> None:
    wire = json.loads(encode(sample, STAMP))
    wire["dataversion"] = sample.version + 1
    with pytest.raises(UnknownEvent, match="update this service first"):
        decode(json.dumps(wire))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"traceparent": "nonsense"}, "traceparent"),
        ({"type": "agiza.tool.called", "data": {"branch_id": "westlands"}}, "call_id"),
        ({"dataversion": 0}, "dataversion"),
        ({"specversion": "0.3"}, "specversion"),
        ({"data": None}, "data"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], message: str) -> None:
    wire = json.loads(encode(SAMPLES[0], STAMP)) | change
    with pytest.raises(MalformedEvent, match=message):
        decode(json.dumps(wire))


def test_a_refusal_repeats_nothing_of_the_content() -> None:
    wire = json.loads(encode(SAMPLES[0], STAMP))
    wire["data"]["call_id"] = "+254711000001 is my number"
    with pytest.raises(MalformedEvent) as caught:
        decode(json.dumps(wire))
    assert "254711" not in str(caught.value)


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_arbitrary_bytes_never_raise_anything_else(raw: bytes | str) -> None:
    with pytest.raises(ContractError):
        decode(raw)


@given(st.from_regex(r"\A[A-Za-z0-9_-]{4,64}\Z"))
def test_a_calls_events_stay_in_one_partition(call_id: str) -> None:
    assert streams.tools_stream(call_id) == streams.tools_stream_of(streams.partition_of(call_id))
    assert 0 <= streams.partition_of(call_id) < streams.TOOL_PARTITIONS


def test_partitions_outside_the_range_are_refused() -> None:
    with pytest.raises(ValueError, match="partition 16"):
        streams.tools_stream_of(16)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.type)
def test_every_event_knows_its_stream(sample: Event) -> None:
    assert sample.stream().startswith("agiza:")


def test_only_a_turn_that_was_cut_off_says_how_much_was_heard() -> None:
    assert TranscriptTurn(who="agent", pii_text="Hello", at_ms=0).model_dump() == {
        "who": "agent", "pii_text": "Hello", "at_ms": 0,
    }  # fmt: skip
    cut = TranscriptTurn(who="agent", pii_text="Hello", at_ms=0, heard_ms=0)
    assert TranscriptTurn.model_validate_json(cut.model_dump_json()) == cut
