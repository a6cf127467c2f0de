"""The small pure parts: callbacks, pace, framing, turn ear, decisions, WAV reading."""

from __future__ import annotations

import hashlib
import hmac
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.carrier.callbacks import CallFacts, callback_fields, encode_body, sign, signature_headers
from simulators.carrier.caller import CallerError, Moment, WavCaller, read_wav
from simulators.carrier.dialling import after_dial, may_dial
from simulators.carrier.framing import FrameShaper
from simulators.carrier.hearing import TurnEar
from simulators.carrier.leg import End, NextVerb
from simulators.carrier.line import Pace
from simulators.carrier.settings import MediaOptions
from simulators.carrier.sounds import FRAME_BYTES, LINE_RATE, SILENCE, level_dbfs, to_rate, tone
from simulators.carrier.verbs import Dial

FACTS = CallFacts("HD_7c21e04ab9f3", "+254711000001", "+254709000002")


def test_the_first_form_body_is_the_documented_one() -> None:
    body, kind = encode_body(callback_fields(FACTS, "Ringing"), "form")
    assert kind == "application/x-www-form-urlencoded"
    assert body == (
        b"sessionId=HD_7c21e04ab9f3&callerNumber=%2B254711000001&destinationNumber=%2B254709000002"
        b"&direction=inbound&isActive=1&callSessionState=Ringing"
    )


def test_the_last_body_is_inactive_and_counts_seconds() -> None:
    fields = callback_fields(FACTS, "Completed", {"durationInSeconds": "87"})
    assert fields["isActive"] == "0"
    assert encode_body(fields, "json") == (
        b'{"sessionId":"HD_7c21e04ab9f3","callerNumber":"+254711000001","destinationNumber":"+254709000002",'
        b'"direction":"inbound","isActive":"0","callSessionState":"Completed","durationInSeconds":"87"}',
        "application/json",
    )


def test_the_signature_covers_the_body_then_the_time() -> None:
    expected = hmac.new(b"s3", b"a=1.1700000000", hashlib.sha256).hexdigest()
    assert sign("s3", b"a=1", 1_700_000_000) == f"t=1700000000,v1={expected}"


def test_the_signature_switches() -> None:
    def header(kind: str) -> str | None:
        return signature_headers(kind, "s3", b"a=1", 1_700_000_000).get("X-Sautikit-Signature")  # type: ignore[arg-type]

    good = sign("s3", b"a=1", 1_700_000_000)
    assert header("signed") == good
    assert header("unsigned") is None
    assert header("bad") != good
    assert header("bad")[:-1] == good[:-1]  # type: ignore[index]
    assert header("stale") == sign("s3", b"a=1", 1_700_000_000 - 3_600)
    assert header("body_only") == hmac.new(b"s3", b"a=1", hashlib.sha256).hexdigest()
    assert signature_headers("signed", None, b"a=1", 1) == {}


def test_pace_never_drifts_and_catches_up_at_once() -> None:
    pace = Pace(100.0)
    assert pace.due(100.019) == 0
    assert pace.due(100.020) == 1
    assert pace.due(100.095) == 3
    assert pace.due(100.100) == 1
    assert pace.next_s() == pytest.approx(100.120)


@given(st.lists(st.floats(0, 0.5), max_size=60))
def test_pace_counts_every_frame_once(waits: list[float]) -> None:
    pace, now, frames = Pace(0.0), 0.0, 0
    for wait in waits:
        now += wait
        frames += pace.due(now)
    assert frames == int(now / 0.020 + 1e-9)


def test_pace_gives_up_on_time_lost_in_a_long_stop() -> None:
    pace = Pace(0.0)
    assert pace.due(60.0) == 0
    assert pace.due(60.021) == 1


FRAMES = [bytes([n + 1]) * FRAME_BYTES for n in range(12)]


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        (MediaOptions(), [640] * 12),
        (MediaOptions(coalesce_frames=3), [1920] * 4),
        (MediaOptions(short_first_frame=True), [320] + [640] * 11),
        (MediaOptions(odd_pair=True), [321, 319] * 12),
        (MediaOptions(empty_frame_every=4), [640, 640, 640, 640, 0] * 3),
        (MediaOptions(stall_at_frame=3, stall_frames=4), [640, 640, 640 * 5, *[640] * 5]),
    ],
)
def test_every_shape_carries_the_same_sound(options: MediaOptions, sizes: list[int]) -> None:
    shaper = FrameShaper(options)
    messages = [message for frame in FRAMES for message in shaper.feed(frame)]
    assert [len(message) for message in messages] == sizes
    carried = b"".join(messages)
    whole = b"".join(FRAMES)
    assert carried == (whole[:320] + whole[640:] if options.short_first_frame else whole)


def test_sound_may_begin_like_json() -> None:
    (message,) = FrameShaper(MediaOptions(brace_first_byte=True)).feed(FRAMES[0])
    assert message == b"{" + FRAMES[0][1:]


def test_a_turn_ends_after_its_pause_and_not_in_a_short_one() -> None:
    ear = TurnEar()
    for is_sound in [True] * 20 + [False] * 34:
        ear.feed(is_sound)
        assert not ear.has_finished(700)
    ear.feed(False)
    assert ear.has_finished(700)
    ear.reset()
    assert not ear.has_finished(700)


def test_a_click_is_not_a_turn() -> None:
    ear = TurnEar()
    for is_sound in [True] * 3 + [False] * 100:
        ear.feed(is_sound)
    assert not ear.has_finished(700)


def test_an_answered_dial_is_the_end_unless_verbs_always_run() -> None:
    assert after_dial("answered", "on_failure") == End("staff")
    assert after_dial("answered", "always") == NextVerb()
    assert after_dial("busy", "on_failure") == NextVerb()


def test_a_dial_may_only_show_our_number_and_not_ring_the_caller() -> None:
    ours = frozenset({"+254709000002"})
    assert may_dial(Dial(caller_id="+254709000002"), "+254711000009", "+254711000001", ours) is None
    assert may_dial(Dial(), "+254711000009", "+254711000001", ours) is None
    assert "callerId" in str(may_dial(Dial(caller_id="+254711000001"), "+254711000009", "+254711000001", ours))
    assert "own number" in str(may_dial(Dial(), "+254711000001", "+254711000001", ours))


def write_wav(path: Path, pcm: bytes, rate: int, width: int = 2, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(pcm)
    return path


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (22_050, 1), (44_100, 2), (16_000, 1)])
def test_a_recording_of_any_rate_becomes_line_sound(tmp_path: Path, rate: int, channels: int) -> None:
    mono = tone(440, 500, rate)
    pcm = b"".join(mono[at : at + 2] * channels for at in range(0, len(mono), 2))
    sound = read_wav(write_wav(tmp_path / "a.wav", pcm, rate, channels=channels))
    assert abs(len(sound) - LINE_RATE) <= 64
    assert level_dbfs(sound) == pytest.approx(-20, abs=0.5)


@pytest.mark.parametrize("width", [1, 3, 4])
def test_a_recording_of_any_width_becomes_line_sound(tmp_path: Path, width: int) -> None:
    samples = [int.from_bytes(tone(440, 300)[at : at + 2], "little", signed=True) for at in range(0, 9600, 2)]
    if width == 1:
        pcm = bytes((sample >> 8) + 128 for sample in samples)
    else:
        pcm = b"".join((sample << 8 * (width - 2)).to_bytes(width, "little", signed=True) for sample in samples)
    assert level_dbfs(read_wav(write_wav(tmp_path / "a.wav", pcm, LINE_RATE, width))) == pytest.approx(-20, abs=0.5)


def test_a_bad_recording_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "empty.wav").write_bytes(b"")
    write_wav(tmp_path / "silent.wav", b"", 16_000)
    for name, what in [("none.wav", "cannot read"), ("text.wav", "not a PCM WAV"), ("empty.wav", "cut short")]:
        with pytest.raises(CallerError, match=what):
            read_wav(tmp_path / name)
    with pytest.raises(CallerError, match="no sound"):
        read_wav(tmp_path / "silent.wav")


async def test_a_recorded_caller_speaks_when_connected_and_leaves_after_it(tmp_path: Path) -> None:
    caller = WavCaller(write_wav(tmp_path / "a.wav", tone(440, 100), LINE_RATE), stay_ms=60)
    await caller.prepare()
    assert caller.tick(Moment(SILENCE, "nobody", 0)) == SILENCE
    said = [caller.tick(Moment(SILENCE, "agent", 20 * n)) for n in range(9)]
    assert all(frame is not None and level_dbfs(frame) > -30 for frame in said[:5])
    assert said[5:] == [SILENCE, SILENCE, SILENCE, None]


def test_a_sound_keeps_its_length_at_another_rate() -> None:
    assert abs(len(to_rate(tone(440, 1_000, 22_050), 22_050, LINE_RATE)) - 32_000) <= 64
