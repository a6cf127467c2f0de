"""The figures of the hand-off benchmark: what is missing is a miss, and a bar is a bar."""

from __future__ import annotations

import pytest

from benchmarks.escalation_matrix.cases import Case
from benchmarks.handoff import Figures, Model, cases_of, figures_of, times_of
from simulators.carrier.carrier import LiveCall
from simulators.carrier.record import CallRecord, Post, StreamRecord
from simulators.carrier.settings import StreamEnd

CASE = Case(3, StreamEnd.SILENCE, "answered", "up", doubled=False)


def call(to_number: str, started_s: float) -> LiveCall:
    record = CallRecord("HD_1", CASE.caller, to_number)
    record.streams.append(StreamRecord("ws://x", 0, ended_ms=5_000))
    record.posts.append(Post("u", "status", "StreamStopped", 5_000, latency_ms=4.0))
    record.posts.append(Post("u", "voice", "StreamStopped", 5_001, latency_ms=12.0, verbs=("Say", "Dial")))
    return LiveCall(record, None, started_s, "u")


def test_times_of_one_call() -> None:
    model = Model()
    model.on_line("model", {"event": "asked", "branch": CASE.branch_name, "at": 103.5})
    model.on_line("model", {"event": "asked", "branch": CASE.branch_name, "at": 109.0})
    model.on_line("model", {"event": "told", "branch": CASE.branch_name, "sentence_ms": 1_100})
    model.on_line("webhook", {"event": "told", "branch": CASE.branch_name, "sentence_ms": 9_000})
    placed = [call(CASE.caller, 106.0), call(CASE.staff[0], 111.5), call(CASE.staff[1], 120.0)]
    times = times_of(CASE, model, call(CASE.branch_phone, 100.0), placed, ())
    assert (times.leaving_ms, times.dial_ms, times.calling_ms) == (400, 12.0, 6_500)


def test_what_did_not_happen_is_no_time_and_fails_the_line() -> None:
    times = times_of(CASE, Model(), call(CASE.branch_phone, 100.0), [], ())
    assert (times.leaving_ms, times.calling_ms) == (None, None)
    assert not any(line.is_good for line in figures_of([times]) if line.wanted)


@pytest.mark.parametrize(
    ("times", "wanted", "is_good"),
    [([10.0] * 20, 20, True), ([10.0] * 19, 20, False), ([10.0] * 18 + [99.0] * 2, 20, False), ([], 1, False)],
)
def test_a_line_is_good_when_all_were_measured_and_enough_keep_to_the_bar(
    times: list[float], wanted: int, is_good: bool
) -> None:
    figures = Figures("x", times, wanted, 50.0, 0.95)
    assert figures.is_good is is_good
    assert ("ok" in figures.line()) is is_good


def test_both_ways_of_the_jobs_have_the_same_calls() -> None:
    cases = cases_of(8)
    assert len({case.branch_id for case in cases}) == len(cases) == 20
    assert [case.reading for case in cases if case.jobs == "absent"] == [case.reading for case in cases[:8]]
