"""Automatic activity detection on synthetic audio: starts and ends in the audio's own time."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.live_api.listening import Listener
from simulators.live_api.protocol import AudioInput
from simulators.live_api.setup import ActivityDetection
from simulators.live_api.vad import SpeechDetector, SpeechEnd, SpeechStart
from simulators.speech.marked import BEACON, encode
from tests.live_api.raw_client import silence, speech

DEFAULT = ActivityDetection()


def noise(seconds: float, level_db: float) -> bytes:
    samples = np.random.default_rng(7).normal(0, 32768 * 10 ** (level_db / 20), round(seconds * 16_000))
    return np.clip(samples, -32768, 32767).astype("<i2").tobytes()


def mixed(*sounds: bytes) -> bytes:
    length = max(map(len, sounds))
    total = sum(np.frombuffer(sound.ljust(length, b"\0"), "<i2").astype(np.int32) for sound in sounds)
    return np.clip(total, -32768, 32767).astype("<i2").tobytes()


@pytest.mark.parametrize("piece", [2, 320, 641, 1_280, 64_000])
def test_start_and_end_lie_where_the_speech_lies_whatever_the_pieces(piece: int) -> None:
    detector = SpeechDetector(DEFAULT)
    pcm = silence(1) + speech(0.8) + silence(1) + speech(0.4) + silence(1)
    events = [event for at in range(0, len(pcm), piece) for event in detector.feed(pcm[at : at + piece])]
    assert events == [SpeechStart(1_000), SpeechEnd(1_800, 800), SpeechStart(2_800), SpeechEnd(3_200, 400)]


def test_silence_duration_joins_what_is_closer() -> None:
    pcm = speech(0.4) + silence(0.6) + speech(0.4) + silence(2)
    assert len(SpeechDetector(ActivityDetection(silence_duration_ms=300)).feed(pcm)) == 4
    assert SpeechDetector(ActivityDetection(silence_duration_ms=900)).feed(pcm) == [
        SpeechStart(0),
        SpeechEnd(1_400, 1_400),
    ]


def test_prefix_padding_ignores_what_is_shorter() -> None:
    pcm = silence(0.5) + speech(0.16) + silence(1)
    assert SpeechDetector(ActivityDetection(prefix_padding_ms=240)).feed(pcm) == []
    assert len(SpeechDetector(ActivityDetection(prefix_padding_ms=100)).feed(pcm)) == 2


def test_a_start_is_committed_before_the_speech_is_over() -> None:
    detector = SpeechDetector(DEFAULT)
    assert detector.feed(speech(0.08)) == []
    assert detector.feed(speech(0.04)) == [SpeechStart(0)]
    assert detector.speaking


def test_low_sensitivity_needs_more_level() -> None:
    quiet = (np.frombuffer(speech(0.5), "<i2") // 16).astype("<i2").tobytes() + silence(1)  # about -39 dBFS
    low = ActivityDetection(start_sensitivity="LOW")
    assert len(SpeechDetector(DEFAULT).feed(quiet)) == 2
    assert SpeechDetector(low).feed(quiet) == []


def test_steady_line_noise_becomes_the_floor_and_speech_stands_above_it() -> None:
    detector = SpeechDetector(DEFAULT)
    detector.feed(noise(6, -38))
    assert not detector.speaking
    assert detector.feed(noise(4, -38)) == []
    events = detector.feed(mixed(noise(2, -38), silence(0.5) + speech(0.8)))
    assert [type(event) for event in events] == [SpeechStart, SpeechEnd]


def test_flush_ends_open_speech_and_cut_waits_for_silence() -> None:
    detector = SpeechDetector(DEFAULT)
    detector.feed(speech(0.5))
    assert detector.flush() == [SpeechEnd(500, 500)]
    assert detector.flush() == []
    detector.feed(speech(0.5))
    assert [type(event) for event in detector.cut()] == [SpeechEnd]
    assert detector.feed(speech(1.0)) == []
    assert detector.feed(silence(0.3) + speech(0.3)) == [SpeechStart(2_300)]


def test_the_listener_ends_speech_with_the_text_that_it_carried() -> None:
    heard = Listener(DEFAULT).hear(silence(0.2) + encode("a soda", 16_000) + silence(1))
    assert [type(event) for event in heard] == [SpeechStart, SpeechEnd, str]
    assert heard[-1] == "a soda"


def test_a_beacon_is_no_speech_that_ended() -> None:
    heard = Listener(DEFAULT).hear(encode(BEACON, 16_000) + silence(1))
    assert [event for event in heard if not isinstance(event, SpeechStart)] == [BEACON]


def test_half_a_sample_waits_for_its_other_half() -> None:
    listener = Listener(DEFAULT)
    pieces = [listener.resample(AudioInput(piece, 16_000)) for piece in (b"\1", b"\2\3", b"\4")]
    assert b"".join(pieces) == b"\1\2\3\4"


def test_another_rate_is_resampled_without_losing_time() -> None:
    listener = Listener(DEFAULT)
    pcm = speech(1.0, 8_000)
    out = b"".join(listener.resample(AudioInput(pcm[at : at + 320], 8_000)) for at in range(0, len(pcm), 320))
    assert len(out) == pytest.approx(32_000, abs=2_400)  # the filter holds back about 70 ms
