"""Beginning and end of utterances, over made-up voiced and silent frames."""

import itertools

import pytest

from simulators.speech.endpoint import (
    Began,
    Continued,
    Ended,
    Endpointer,
    Segment,
    SileroDetector,
    Timing,
    WebrtcDetector,
)
from simulators.speech.voices import EspeakVoice

FRAME_SAMPLES = 320  # 20 ms
TIMING = Timing(voice_ms=100, silence_ms=600, lead_ms=200, longest_ms=3_000)


def frame(number: int) -> bytes:
    return number.to_bytes(2, "little") * FRAME_SAMPLES


def run(pattern: str, endpointer: Endpointer | None = None) -> list[Segment]:
    """ "v" is a voiced frame, "." a silent one, a number after it how many."""
    endpointer = endpointer or Endpointer(FRAME_SAMPLES, TIMING)
    voiced = [part[0] == "v" for part in pattern.split() for _ in range(int(part[1:]))]
    return list(itertools.chain.from_iterable(endpointer.push(frame(at), said) for at, said in enumerate(voiced)))


def ends(segments: list[Segment]) -> list[tuple[int, int]]:
    return [(segment.start_ms, segment.end_ms) for segment in segments if isinstance(segment, Ended)]


def test_speech_between_silences_is_one_utterance_with_its_times() -> None:
    segments = run(".20 v40 .30")
    assert isinstance(segments[0], Began)
    assert segments[0].start_ms == 400
    assert ends(segments) == [(400, 1_200)]


def test_short_noises_begin_nothing() -> None:
    assert run(".20 v4 .10 v4 .30") == []


def test_a_pause_inside_a_sentence_does_not_end_it() -> None:
    assert ends(run("v20 .29 v20 .30")) == [(0, 1_380)]


def test_two_utterances_with_a_long_pause_between_them() -> None:
    assert ends(run("v20 .30 v20 .30")) == [(0, 400), (1_000, 1_400)]


def test_nothing_of_the_sound_is_lost_from_shortly_before_its_beginning() -> None:
    segments = run(".20 v40 .30")
    sound = b"".join(segment.pcm for segment in segments if isinstance(segment, Began | Continued))
    # 200 ms of lead and the 100 ms that proved it to be speech
    assert sound == b"".join(frame(at) for at in range(10, 90))


def test_an_endless_voice_is_cut_at_the_longest() -> None:
    assert ends(run("v400"))[:2] == [(0, 3_000), (3_000, 6_000)]


@pytest.mark.audio
@pytest.mark.parametrize("kind", [SileroDetector, WebrtcDetector])
def test_detectors_find_a_voice_and_not_the_silence_around_it(
    kind: type[SileroDetector] | type[WebrtcDetector],
) -> None:
    detector = kind()
    size = 2 * detector.frame_samples
    sound = bytes(32_000) + EspeakVoice(16_000).synthesize("two chicken burgers please") + bytes(32_000)
    said = [detector.is_voiced(sound[at : at + size]) for at in range(0, len(sound) - size + 1, size)]
    edge = 32_000 // size - 1
    assert not any(said[:edge])
    assert not any(said[-edge // 2 :])
    assert sum(said[edge:-edge]) > 0.7 * len(said[edge:-edge])
