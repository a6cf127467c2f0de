"""The playout model: what is heard of what was sent, in which order and when."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from simulators.carrier.playback import MARKS_MAX, Playback, PlaybackOptions

FRAME = 640
MS = 32


def sound(ms: int, first: int = 1) -> bytes:
    """Samples that name their own place, so that order and origin can be checked."""
    return b"".join((first + n).to_bytes(2, "little") for n in range(ms * 16))


def heard(playback: Playback, ticks: int) -> bytes:
    frames = [playback.tick() for _ in range(ticks)]
    return b"".join(frame.pcm[: frame.heard_bytes] for frame in frames)


def test_nothing_is_heard_before_the_prebuffer_is_full() -> None:
    playback = Playback()
    playback.receive(sound(159))
    assert heard(playback, 10) == b""
    assert playback.held_ms == 159
    playback.receive(sound(1, 160 * 16))
    assert playback.held_ms == 0
    assert len(heard(playback, 20)) == 160 * MS


def test_later_sound_moves_in_lumps_and_its_tail_stays_stuck_without_padding() -> None:
    playback = Playback()
    playback.receive(sound(160))
    assert len(heard(playback, 20)) == 160 * MS
    playback.receive(sound(60))
    assert heard(playback, 20) == b""
    playback.receive(sound(20))
    assert len(heard(playback, 20)) == 80 * MS


def test_a_burst_is_taken_whole_and_drains_in_real_time() -> None:
    playback = Playback()
    playback.receive(sound(2_000))
    assert playback.queued_ms == 2_000
    assert len(heard(playback, 50)) == 1_000 * MS
    assert playback.ahead_ms == 1_000


def test_a_frame_is_always_whole_and_an_underrun_is_silence() -> None:
    playback = Playback()
    playback.receive(sound(170))
    frames = [playback.tick() for _ in range(10)]
    assert {len(frame.pcm) for frame in frames} == {FRAME}
    assert frames[8].heard_bytes == 10 * MS
    assert frames[8].pcm[10 * MS :] == bytes(10 * MS)
    assert frames[9].pcm == bytes(FRAME)


def test_kill_takes_effect_at_the_next_tick_and_takes_later_sound_with_it() -> None:
    playback = Playback()
    playback.receive(sound(400))
    playback.tick()
    playback.kill()
    playback.receive(sound(200, 9_000))
    frame = playback.tick()
    assert frame.heard_bytes == 0
    assert frame.dropped_bytes == (400 - 20 + 200) * MS
    assert heard(playback, 40) == b""


def test_kill_leaves_the_prebuffer_alone() -> None:
    playback = Playback()
    playback.receive(sound(160))
    playback.receive(sound(60, 9_000))
    playback.kill()
    playback.tick()
    assert playback.held_ms == 60
    playback.receive(sound(20, 9_960))
    assert heard(playback, 10)[:4] == (9_000).to_bytes(2, "little") + (9_001).to_bytes(2, "little")


def test_a_carrier_that_ignores_kill_plays_on() -> None:
    playback = Playback(options=PlaybackOptions(honours_kill=False))
    playback.receive(sound(400))
    playback.kill()
    assert len(heard(playback, 30)) == 400 * MS


def test_a_mark_comes_back_when_the_sound_before_it_was_played() -> None:
    playback = Playback()
    playback.receive(sound(200))
    playback.mark("m1")
    told = [playback.tick().marks for _ in range(12)]
    assert told[:9] == [()] * 9
    assert told[9] == (("m1", "playout"),)


def test_a_mark_behind_a_stuck_tail_waits() -> None:
    playback = Playback()
    playback.receive(sound(160))
    playback.receive(sound(40))
    playback.mark("tail")
    assert all(not playback.tick().marks for _ in range(20))
    playback.receive(bytes(80 * MS))
    assert ("tail", "playout") in [mark for _ in range(8) for mark in playback.tick().marks]


def test_killed_marks_come_back_as_cleared_and_forgotten_ones_not_at_all() -> None:
    playback = Playback()
    playback.receive(sound(400))
    playback.mark("a")
    playback.kill()
    assert playback.tick().marks == (("a", "cleared"),)
    playback.mark("b")
    playback.clear_marks()
    assert playback.tick().marks == ()


def test_marks_are_bounded_and_may_be_silent() -> None:
    playback = Playback()
    playback.receive(sound(160))
    for n in range(MARKS_MAX + 3):
        playback.mark(str(n))
    assert playback.marks_refused == 3
    mute = Playback(options=PlaybackOptions(answers_marks=False))
    mute.mark("a")
    assert mute.tick().marks == ()


Step = tuple[str, int]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 3_000)),
        st.tuples(st.just("tick"), st.integers(1, 12)),
        st.tuples(st.just("kill"), st.just(0)),
    ),
    max_size=40,
)


# A stream in which every sample names its place: 40 messages of 3,000 bytes hold fewer than 65,536 samples.
STREAM = b"".join(n.to_bytes(2, "little") for n in range(1, 60_002))


def run(script: list[Step]) -> tuple[bytes, bytes, Playback]:
    playback, sent, ear = Playback(), 0, b""
    for what, amount in script:
        if what == "send":
            playback.receive(STREAM[sent : sent + amount])
            sent += amount
        elif what == "tick":
            ear += heard(playback, amount)
        else:
            playback.kill()
    return STREAM[:sent], ear, playback


@given(steps)
def test_without_kill_the_ear_gets_a_prefix_and_little_is_held_back(script: list[Step]) -> None:
    sent, ear, playback = run([step for step in script if step[0] != "kill"])
    ear += heard(playback, len(sent) // FRAME + 1)
    assert sent.startswith(ear)
    held = len(sent) // 2 * 2 - len(ear)
    assert held < (80 * MS if len(sent) >= 160 * MS else 160 * MS)
    playback.receive(bytes(160 * MS))
    assert (ear + heard(playback, 20)).startswith(sent[: len(sent) // 2 * 2])


@given(steps)
def test_nothing_is_heard_that_was_not_sent_and_never_out_of_order(script: list[Step]) -> None:
    sent, ear, playback = run(script)
    ear += heard(playback, len(sent) // FRAME + 1)
    places = [int.from_bytes(ear[at : at + 2], "little") for at in range(0, len(ear), 2)]
    assert all(1 <= place <= len(sent) // 2 for place in places)
    assert all(before < after for before, after in itertools.pairwise(places))


@given(steps)
def test_after_a_kill_only_the_prebuffer_survives(script: list[Step]) -> None:
    _, _, playback = run(script)
    queued, held = playback.queued_ms, playback.held_ms
    playback.kill()
    frame = playback.tick()
    assert frame.heard_bytes == 0
    assert frame.dropped_bytes == queued * MS
    assert (playback.queued_ms, playback.held_ms) == (0, held)
    assert heard(playback, 5) == b""
