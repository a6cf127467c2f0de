"""The carrier's ear of ``make bench-kill``, on a line whose clock is moved by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.kill.ear import Ear, Log
from benchmarks.kill.turns import Turn


class Line:
    """One call whose clock is moved by hand, in milliseconds. The bridge sends what the test says."""

    def __init__(self, whole_ms: float = 1_000) -> None:
        self.log = Log()
        self.ear = Ear(4, self.log, whole_ms)
        self.ms = 0

    @property
    def now(self) -> float:
        return self.ms / 1000

    def pass_ms(self, ms: int) -> None:
        for _ in range(ms):
            self.ms += 1
            if self.ms % 20 == 0:
                self.ear.tick(self.now)

    def send(self, sign: int, ms: int = 40, strength: int = 1_000) -> None:
        self.ear.take(np.full(ms * 16, sign * strength, "<i2").tobytes(), self.now)

    def push_out(self) -> None:
        self.ear.take(bytes(80 * 32), self.now)

    def speak(self, turn: Turn, ms: int) -> None:
        """A turn for so long: 200 ms ahead, as the bridge sends it."""
        self.ear.begin(turn, self.now)
        self.send(turn.sign, 200)
        for _ in range(ms // 40):
            self.pass_ms(40)
            self.send(turn.sign)

    def interrupt(self) -> None:
        self.ear.interrupt(self.now)


CUT = Turn(1, 400)
NEXT = Turn(-1, None)


def test_a_line_that_is_silenced_at_once() -> None:
    line = Line()
    line.speak(CUT, 400)
    line.pass_ms(10)
    line.interrupt()
    line.pass_ms(3)
    line.push_out()
    line.ear.kill(line.now)
    line.pass_ms(1_100)
    line.speak(NEXT, 800)
    line.push_out()
    line.ear.begin(CUT, line.now)
    cut = line.log.interruptions[0]
    assert cut.killed_at == pytest.approx(0.413)
    assert cut.stale_at is None
    assert cut.heard_at == pytest.approx(0.420)  # the 20 ms that were being played
    log = line.log
    assert (log.stale_after_kill, log.stale_heard, log.needless_kills) == (0, 0, 0)
    assert (log.turns, log.short_turns) == (2, 0)


def test_audio_before_the_kill_is_stale_and_zeros_are_not() -> None:
    line = Line()
    line.speak(CUT, 400)
    line.interrupt()
    line.pass_ms(7)
    line.send(CUT.sign)
    line.pass_ms(5)
    line.push_out()
    line.ear.kill(line.now)
    assert line.log.interruptions[0].stale_at == pytest.approx(0.407)
    assert line.log.stale_after_kill == 0


@pytest.mark.parametrize("strength", [1_000, 50, 1])
def test_any_sound_behind_the_kill_is_stale_before_the_next_turn(strength: int) -> None:
    line = Line()
    line.speak(CUT, 400)
    line.interrupt()
    line.ear.kill(line.now)
    line.pass_ms(60)
    line.send(CUT.sign, 80, strength)
    line.pass_ms(60)
    assert line.log.stale_after_kill == 1
    assert line.log.stale_heard == 3  # 40, 60 and 80 of them; the last 20 ms are still to come
    assert line.log.interruptions[0].stale_at == pytest.approx(0.460)


def test_after_the_next_turn_has_begun_the_sign_tells() -> None:
    line = Line()
    line.speak(CUT, 400)
    line.interrupt()
    line.ear.kill(line.now)
    line.pass_ms(1_000)
    line.speak(NEXT, 80)
    assert line.log.interruptions[0].stale_at is None
    line.send(CUT.sign)
    assert line.log.interruptions[0].stale_at == pytest.approx(1.480)
    assert line.log.stale_after_kill == 1


def test_the_turn_after_the_next_has_the_same_sign_and_is_not_stale() -> None:
    line = Line()
    line.speak(CUT, 400)
    line.interrupt()
    line.ear.kill(line.now)
    line.pass_ms(1_000)
    line.speak(NEXT, 800)
    line.pass_ms(400)
    line.speak(CUT, 400)
    assert line.log.interruptions[0].stale_at is None
    line.interrupt()
    line.ear.kill(line.now)
    assert (line.log.stale_after_kill, line.log.stale_heard, line.log.needless_kills) == (0, 0, 0)


def test_what_the_kill_leaves_in_the_prebuffer_is_heard_and_noticed() -> None:
    line = Line()
    line.speak(CUT, 440)  # 640 ms in lumps of 80 from 200 on: the last 40 are less than a lump
    line.interrupt()
    line.ear.kill(line.now)  # no zeros have pushed it out
    line.pass_ms(1_000)
    line.speak(NEXT, 80)
    line.pass_ms(200)
    assert line.log.stale_after_kill == 0
    assert line.log.stale_heard == 2
    assert line.log.interruptions[0].heard_at == pytest.approx(1.500)


def test_an_interruption_without_a_kill_and_kills_without_an_interruption() -> None:
    line = Line()
    line.ear.kill(line.now)
    line.speak(CUT, 400)
    line.interrupt()
    line.pass_ms(1_000)
    line.speak(CUT, 400)
    line.interrupt()
    line.ear.kill(line.now)
    line.ear.kill(line.now)
    assert [cut.killed_at is None for cut in line.log.interruptions] == [True, False]
    assert line.log.needless_kills == 2


def test_a_turn_that_was_not_there_is_no_silence() -> None:
    line = Line()
    line.ear.begin(CUT, line.now)
    line.send(CUT.sign, 200)
    line.pass_ms(400)
    line.interrupt()
    line.ear.begin(NEXT, line.now)
    line.send(NEXT.sign, 980)
    line.ear.begin(CUT, line.now)
    assert (line.log.turns, line.log.short_turns) == (2, 2)


def test_unplayed_audio_is_the_most_that_lay_there() -> None:
    line = Line()
    line.ear.begin(NEXT, line.now)
    line.send(NEXT.sign, 200)
    assert line.log.ahead_ms == {4: 200}
    line.pass_ms(100)
    line.send(NEXT.sign, 40)
    assert line.log.ahead_ms == {4: 200}
    line.send(NEXT.sign, 150)
    assert line.log.ahead_ms == {4: 290}


def test_zeros_count_unless_they_are_cleared() -> None:
    line = Line()
    line.speak(CUT, 400)
    most = line.log.ahead_ms[4]
    line.push_out()
    line.ear.kill(line.now)
    line.pass_ms(20)
    assert line.log.ahead_ms == {4: most}
    line.speak(NEXT, 80)
    line.push_out()
    line.pass_ms(20)
    assert line.log.ahead_ms[4] >= most + 40


def test_what_comes_between_a_kill_and_the_next_tick_is_cleared_too() -> None:
    line = Line()
    line.ear.begin(NEXT, line.now)
    line.send(NEXT.sign, 200)
    line.ear.kill(line.now)
    line.send(NEXT.sign, 300)
    assert line.log.ahead_ms == {4: 200}
    line.pass_ms(20)
    line.send(NEXT.sign, 220)
    assert line.log.ahead_ms == {4: 220}
