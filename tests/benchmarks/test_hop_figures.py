"""The hop benchmark's caller and figures, without any call."""

from __future__ import annotations

import itertools
import random
from collections import Counter

from benchmarks.hops.caller import HopCaller
from benchmarks.hops.turns import Kind, Turn, added_gaps, long_words, percentile, turns_of
from simulators.carrier.caller import Moment
from simulators.carrier.sounds import FRAME_BYTES, FRAME_MS, LINE_RATE, SILENCE
from simulators.speech import marked


def turn(kind: Kind, after: Kind, response_ms: int | None) -> Turn:
    return Turn(kind, 1, after, 0, 1_000, None if response_ms is None else 1_000 + response_ms)


def test_a_call_has_as_many_planned_hops_as_asked_and_few_losses() -> None:
    turns = turns_of(25, random.Random(1), first=41)
    kinds = Counter(each.kind for each in turns)
    assert kinds[Kind.PLANNED] == 25
    assert kinds[Kind.LOST] + kinds[Kind.BROKEN] == 3, "more of them within a minute would end the call"
    assert [each.number for each in turns] == list(range(41, 41 + len(turns)))
    assert all(each.after is before.kind for before, each in itertools.pairwise(turns))


def test_a_gap_is_what_comes_above_an_answer_without_a_hop() -> None:
    turns = [
        *(turn(Kind.PLAIN, Kind.PLAIN, ms) for ms in (100, 120, 900)),
        turn(Kind.PLANNED, Kind.PLANNED, 420),
        turn(Kind.PLAIN, Kind.PLANNED, 90),
        turn(Kind.PLAIN, Kind.PLANNED, None),
        turn(Kind.LOST, Kind.PLANNED, 5_000),
    ]
    assert added_gaps(turns, Kind.PLANNED) == [300.0, 0.0]


def test_nothing_measured_is_no_good_figure() -> None:
    assert percentile([], 0.95) == float("inf")
    assert percentile([1.0, 2.0, 3.0], 0.5) == 2.0


def test_what_answers_a_turn() -> None:
    assert Turn(Kind.PLAIN, 3).is_answered_by("plain 3")
    assert not Turn(Kind.PLAIN, 3).is_answered_by("Here I am again.")
    assert Turn(Kind.FORCED, 3).is_answered_by("Here I am again.")
    assert Turn(Kind.LOST, 3).is_answered_by("News: one soda")
    assert long_words("forced 3").startswith("forced 3 ")


def test_the_caller_measures_answer_and_silence_at_the_line() -> None:
    caller = HopCaller([Turn(Kind.FORCED, 1)])
    at_ms = 0

    def tick(heard: bytes = SILENCE) -> bytes | None:
        nonlocal at_ms
        at_ms += FRAME_MS
        return caller.tick(Moment(heard, "agent", at_ms))

    def hear(pcm: bytes) -> None:
        for start in range(0, len(pcm), FRAME_BYTES):
            tick(pcm[start : start + FRAME_BYTES].ljust(FRAME_BYTES, b"\0"))

    for _ in range(100):
        tick()
    hear(marked.encode("I am an automated assistant.", LINE_RATE))
    for _ in range(100):
        tick()
    (only,) = caller.turns
    said_at = only.said_at
    assert said_at is not None
    began = at_ms
    hear(marked.encode("x" * 10, LINE_RATE))
    for _ in range(15):
        tick()
    hear(marked.encode("Here I am again.", LINE_RATE))
    assert only.response_ms == began + FRAME_MS - said_at
    assert 300 <= only.longest_gap_ms <= 360
    assert only.is_complete
    assert caller.greetings == 1
    assert any(tick() is None for _ in range(30)), "all is said: it hangs up"
