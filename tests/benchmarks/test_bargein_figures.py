"""A short form of the barge-in benchmark: a few callers of each kind, in virtual time."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.barge_in.sounds import noises, spoken
from benchmarks.bargein import overlap, share
from services.bridge.legs.judge import judge_of_this_machine

pytestmark = pytest.mark.audio

LONG = "a chicken burger combo with masala chips and passion juice"


@pytest.mark.parametrize("yields_ms", [2_000, None])
def test_who_talks_on_is_heard_out_whether_the_model_yields_or_not(yields_ms: int | None) -> None:
    caller = spoken("espeak", LONG, -22)
    before = overlap(caller, None, own_ear=False, yields_ms=yields_ms)
    seen = overlap(caller, judge_of_this_machine(), yields_ms=yields_ms)
    assert seen.is_cut
    assert seen.silent_ms <= 1_900
    assert seen.silent_ms < before.silent_ms
    assert seen.lowered_ms is not None
    assert seen.lowered_ms <= 700


def test_a_model_that_yields_at_once_is_as_quick_as_ever() -> None:
    seen = overlap(spoken("espeak", LONG, -22), judge_of_this_machine(), yields_ms=300)
    assert seen.silent_ms <= 400


@pytest.mark.parametrize("text", ["mm-hm", "yeah", "mhm, okay", "right"])
@pytest.mark.parametrize("voice", ["espeak", "piper"])
def test_who_only_listens_cuts_nobody_off(text: str, voice: str) -> None:
    assert not overlap(spoken(voice, text, -22), judge_of_this_machine()).is_cut


@pytest.mark.parametrize("name", ["pink noise, -30 dB", "coughs", "ringing tone, -20 dB"])
def test_a_noise_neither_lowers_nor_cuts(name: str) -> None:
    seen = overlap(noises(6.0)[name], judge_of_this_machine())
    assert not seen.is_ducked
    assert not seen.is_cut


def test_an_echo_neither_lowers_nor_cuts() -> None:
    seen = overlap(np.zeros(16_000 * 6), judge_of_this_machine(), echo_db=20)
    assert not seen.is_ducked


def test_what_never_happened_took_for_ever() -> None:
    assert share([10.0, None, 20.0], 0.5) == 20.0
    assert share([10.0, None], 1.0) == float("inf")
