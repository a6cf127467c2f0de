"""``make bench-kill``: its plan, its sound, its verdicts and its page (the ear has a file of its own)."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bridge import wire
from benchmarks.bridge.gauge import FRAME_BYTES, FRAME_MS, MARK_BYTES
from benchmarks.bridge.report import PAGE, into_page, is_good
from benchmarks.bridge.sound import MODEL_RATE, UTTERANCE_MS
from benchmarks.kill import report
from benchmarks.kill.ear import TOLD_MIN, Interruption, Log
from benchmarks.kill.figures import Figures, bars
from benchmarks.kill.sound import SPEECH_MS, CallerVoice, sayings, signed
from benchmarks.kill.turns import CUT_MS_MAX, CUT_MS_MIN, SPOKEN_OVER_MS, Turn, turn_of
from services.bridge.legs.audio import Resampler
from services.bridge.legs.fader import Fader
from services.bridge.legs.live_codec import decode
from services.bridge.session.facts import Limits
from services.bridge.session.inputs import GenerationCompleted, ModelAudio, TurnCompleted

ROOT = Path(__file__).parents[2]
CHUNK_BYTES = 40 * 32


# -- the plan and the sound ---------------------------------------------------------------------------------------


def test_three_turns_of_four_are_cut_and_no_moment_is_preferred() -> None:
    turns = [turn_of(call, number) for call in range(1, 51) for number in range(40)]
    cuts = [turn.cut_ms for turn in turns if turn.cut_ms is not None]
    assert len(cuts) == len(turns) * 3 // 4
    assert CUT_MS_MIN <= min(cuts) < CUT_MS_MIN + 40
    assert CUT_MS_MAX - 40 < max(cuts) <= CUT_MS_MAX
    per_phase = np.bincount([cut % 40 for cut in cuts], minlength=40)
    assert per_phase.min() > len(cuts) / 40 / 2


def test_a_turn_and_the_next_have_different_signs() -> None:
    assert all(turn_of(3, number).sign == -turn_of(3, number + 1).sign for number in range(20))


def test_the_default_run_has_a_thousand_interruptions() -> None:
    def cuts_within(call: int, ms: int) -> int:
        at = number = found = 0
        while at < ms:
            turn = turn_of(call, number)
            found += turn.cut_ms is not None and at + turn.cut_ms < ms
            at, number = at + turn.next_after_ms, number + 1
        return found

    assert sum(cuts_within(call, 120_000) for call in range(1, 51)) > 1_100


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_sign_is_there_after_resampling_and_lowering(sign: int) -> None:
    fader = Fader()
    fader.duck()
    resampler = Resampler()
    pcm = resampler.feed(signed(sign).tobytes(), MODEL_RATE) + resampler.flush()
    samples = np.frombuffer(fader.apply(pcm), "<i2").astype(int) * sign
    assert samples.min() > -TOLD_MIN
    chunks = [samples[at : at + CHUNK_BYTES // 2] for at in range(0, len(samples), CHUNK_BYTES // 2)]
    assert all(chunk.max() >= TOLD_MIN for chunk in chunks if len(chunk) == CHUNK_BYTES // 2)


@pytest.mark.parametrize("part_ms", [20, 40, 320])
def test_a_turn_that_will_be_cut_has_all_its_audio_and_no_end(part_ms: int) -> None:
    said = sayings(part_ms)
    for sign in (-1, 1):
        whole, cut = (
            [each for _, body in wire.Frames().feed(b"".join(which[sign].steps)) for each in decode(body)]
            for which in (said.whole, said.open_ended)
        )
        assert sum(len(each.pcm) for each in cut if isinstance(each, ModelAudio)) == UTTERANCE_MS * 48
        assert isinstance(whole[-1], TurnCompleted)
        assert not any(isinstance(each, TurnCompleted | GenerationCompleted) for each in cut)
        late = [each for _, body in wire.Frames().feed(said.late[sign]) for each in decode(body)]
        assert [int(np.sign(np.frombuffer(each.pcm, "<i2")).mean()) for each in late
                if isinstance(each, ModelAudio)] == [sign]  # fmt: skip


def test_callers_speak_before_the_model_yields_but_not_so_long_that_the_bridge_stops_it() -> None:
    loud = [bool(np.abs(np.frombuffer(body, "<i2")).max() > 300) for body in CallerVoice().during(Turn(1, 1_500))]
    assert all(len(body) == FRAME_BYTES - MARK_BYTES for body in CallerVoice().during(Turn(1, 1_500)))
    spoken = [at * FRAME_MS for at, is_loud in enumerate(loud) if is_loud]
    assert spoken[0] == 1_500 - SPOKEN_OVER_MS
    assert spoken[-1] < 1_500 - SPOKEN_OVER_MS + SPEECH_MS
    assert Limits().sustained_ms > SPEECH_MS


# -- the figures and the page -------------------------------------------------------------------------------------


def figures_of(log: Log, measured: int | None = None) -> Figures:
    count = len(log.interruptions) if measured is None else measured
    return Figures.of(
        log,
        count,
        calls=50,
        seconds=120.0,
        lost_up=0,
        dropped=0,
        bridge_share=0.2,
        bridge_waited=0.0,
        load_share=0.2,
        load_late_p99=1.0,
    )


def fine() -> Log:
    cuts = [Interruption(float(n), killed_at=n + 0.004, heard_at=n + 0.01) for n in range(200)]
    return Log(interruptions=cuts, turns=260, ahead_ms={call: 200.0 + call for call in range(50)})


def test_all_bars_are_met_by_a_bridge_that_is_good_enough() -> None:
    figures = figures_of(fine())
    assert figures.interruptions == 200
    assert figures.killed.p50 == pytest.approx(4)
    assert figures.killed.p99 == pytest.approx(4)
    assert (figures.with_stale, figures.stale.p99) == (0, 0)
    assert figures.heard.longest == pytest.approx(10)
    assert (figures.ahead_ms, figures.ahead_ms_p50) == (249, 225)
    assert is_good(bars(figures))


def test_what_had_no_time_to_be_answered_does_not_count() -> None:
    log = fine()
    log.interruptions[-1].killed_at = None
    assert not is_good(bars(figures_of(log)))
    assert is_good(bars(figures_of(log, measured=199)))


def test_each_bar_can_be_missed() -> None:
    def missed(**changes: object) -> list[int]:
        judged = bars(dataclasses.replace(figures_of(fine()), **changes))  # type: ignore[arg-type]
        return [n for n, bar in enumerate(judged) if bar.verdict == "MISSED"]

    late = fine()
    for cut in late.interruptions[:3]:
        cut.killed_at = cut.at + 0.021
        cut.stale_at = cut.at + 0.021
    assert missed() == []
    assert missed(killed=figures_of(late).killed) == [0]
    assert missed(stale=figures_of(late).stale) == [1]
    assert missed(ahead_ms=361.0) == [2]
    assert missed(ahead_ms=math.nan) == [2]
    assert missed(unanswered=1) == [3]
    assert missed(stale_after_kill=1) == [3]
    assert missed(stale_heard=1) == [3]
    assert missed(dropped=1) == missed(lost_up=1) == missed(short_turns=1) == missed(needless_kills=1) == [4]


def test_without_an_interruption_nothing_is_good() -> None:
    assert not is_good(bars(figures_of(Log())))
    assert not figures_of(Log()).is_silent


def test_the_page_of_this_repository_takes_the_part() -> None:
    figures = figures_of(fine())
    part = report.page_part(figures, bars(figures), "Some day, some machine.")
    written = into_page(PAGE.read_text(), part, report.BEGIN, report.END)
    assert "| `killAudio` at the carrier | 4.0 ms | 4.0 ms | 4.0 ms |" in written
    assert "too busy" not in written
    assert into_page(written, part, report.BEGIN, report.END) == written
    busy = dataclasses.replace(figures, load_share=0.95)
    assert "too busy" in report.page_part(busy, bars(busy), "Some day, some machine.")


@pytest.mark.alone
@pytest.mark.integration
@pytest.mark.timeout(140)
def test_the_short_run_is_silent() -> None:
    """The real bridge: five callers, some ten interruptions, a quarter of a minute. It judges no times."""
    command = [sys.executable, "-m", "benchmarks.kill", "--quick"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert " 0 interruptions" not in run.stdout
