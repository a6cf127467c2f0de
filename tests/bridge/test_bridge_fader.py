"""The agent's volume: no click, no change where nothing is asked, and what the caller got is remembered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.bridge.legs.fader import DOWN_MS, DUCKED_GAIN, UP_MS, Fader
from services.bridge.legs.pacer import LEAD_MS, Pacer
from services.bridge.legs.played import SILENT_DB, Played, level_db

MS = 32
LOUD = np.full(16 * 1_000, 10_000, "<i2").tobytes()


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, "<i2").astype(np.int64)


def test_at_full_volume_audio_is_the_very_same_object() -> None:
    assert Fader().apply(LOUD) is LOUD


def test_it_goes_down_in_40_ms_and_comes_back_in_160() -> None:
    fader = Fader()
    fader.duck()
    down = samples(fader.apply(LOUD))
    assert down[DOWN_MS * 16 - 1] == down[-1] == 10_000 * DUCKED_GAIN
    assert down[DOWN_MS * 16 // 2] > 10_000 * DUCKED_GAIN
    fader.unduck()
    up = samples(fader.apply(LOUD))
    assert up[UP_MS * 16 - 1] == up[-1] == 10_000
    assert up[UP_MS * 16 // 2] < 10_000
    assert fader.apply(LOUD) is LOUD, "and costs nothing from then on"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["duck", "unduck", "-"]), st.integers(0, 900)), min_size=1, max_size=25))
def test_however_it_is_cut_and_whenever_it_turns_no_sample_jumps(steps: list[tuple[str, int]]) -> None:
    fader, out = Fader(), b""
    for what, count in steps:
        if what == "duck":
            fader.duck()
        elif what == "unduck":
            fader.unduck()
        piece = fader.apply(LOUD[: 2 * count])
        assert len(piece) == 2 * count
        out += piece
    steepest = 10_000 * (1 - DUCKED_GAIN) / (DOWN_MS * 16)
    whole = samples(out)
    if len(whole):
        assert np.abs(np.diff(whole, prepend=10_000)).max() <= steepest + 1
        assert whole.min() >= 10_000 * DUCKED_GAIN
        assert whole.max() <= 10_000


def test_the_pacer_lowers_what_it_has_not_sent_and_a_flush_ends_that() -> None:
    pacer = Pacer()
    pacer.push(LOUD, 0.0)
    assert pacer.take(0.0) == LOUD[: LEAD_MS * MS]
    pacer.fader.duck()
    lowered = samples(pacer.take(100.0))
    assert lowered[-1] == 10_000 * DUCKED_GAIN
    pacer.flush(150.0)
    pacer.push(LOUD, 150.0)
    assert pacer.take(200.0) == LOUD[: LEAD_MS * MS]


def test_what_the_caller_got_is_known_for_as_long_as_it_may_come_back() -> None:
    played = Played()
    played.sent(LOUD[: 40 * MS], 1_000.0)
    played.sent(bytes(40 * MS), 1_040.0)
    assert played.loudest_db(1_000, 1_001) == pytest.approx(-10.3, abs=0.1)
    assert played.loudest_db(1_041, 1_200) == SILENT_DB
    assert played.loudest_db(900, 1_000) == SILENT_DB, "it is not heard yet"
    played.sent(LOUD[: 40 * MS], 1_080.0)
    played.stopped(1_080.0)
    assert played.loudest_db(1_041, 1_200) == SILENT_DB, "and never will be"


def test_levels_are_below_full_scale() -> None:
    assert level_db(bytes(640)) == level_db(b"") == SILENT_DB
    assert level_db(np.full(320, 32_767, "<i2").tobytes()) == pytest.approx(0, abs=0.01)
