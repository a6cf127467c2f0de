"""Resampling, pacing, voice detection, uplink: the audio of both directions without a socket."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from agiza.runtime.metrics import Metrics
from services.bridge.legs.audio import Evened, Resampler, peaks_at
from services.bridge.legs.carrier_leg import PUSH_OUT
from services.bridge.legs.pacer import AFTER_KILL_MS, LEAD_MS, PADDING_MS, Pacer
from services.bridge.legs.uplink import Uplink
from services.bridge.legs.voice import CallerVoice
from simulators.carrier.playback import Playback
from simulators.speech.marked import encode

MS = 32


def sweep(rate: int, seconds: float = 1.0) -> np.ndarray:
    at = np.arange(int(rate * seconds)) / rate
    return (np.sin(2 * np.pi * (200 * at + 3_000 * at**2)) * 12_000).astype("<i2")


# -- resampling ----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9_000), min_size=1, max_size=12), st.sampled_from([24_000, 8_000, 48_000]))
def test_any_cutting_gives_what_one_piece_gives(cuts: list[int], rate: int) -> None:
    pcm = sweep(rate).tobytes()
    resampler, out, at, turn = Resampler(), b"", 0, 0
    while at < len(pcm):
        size = cuts[turn % len(cuts)]  # odd sizes too: half a sample waits
        out += resampler.feed(pcm[at : at + size], rate)
        at, turn = at + size, turn + 1
    out += resampler.flush()
    whole = soxr.resample(sweep(rate), rate, 16_000, quality="HQ").astype(np.float64)
    got = np.frombuffer(out, "<i2").astype(np.float64)
    assert len(got) == len(whole) == 16_000
    noise = np.square(got - whole).mean()
    assert 10 * math.log10(np.square(whole).mean() / max(noise, 1e-9)) >= 40


def test_audio_of_the_carriers_rate_passes_as_it_is() -> None:
    assert Resampler().feed(b"\1\0\2\0", 16_000) == b"\1\0\2\0"


def test_a_new_rate_ends_the_old_one() -> None:
    resampler = Resampler()
    out = resampler.feed(sweep(24_000).tobytes(), 24_000) + resampler.feed(sweep(8_000).tobytes(), 8_000)
    assert len(out + resampler.flush()) == 2 * 16_000 * 2


def test_reset_forgets_what_is_held_back() -> None:
    resampler = Resampler()
    resampler.feed(sweep(24_000).tobytes(), 24_000)
    resampler.reset()
    assert resampler.flush() == b""


def test_half_samples_are_carried() -> None:
    even = Evened()
    assert [even.feed(piece) for piece in (b"abc", b"", b"d", b"e", b"fgh")] == [b"ab", b"", b"cd", b"", b"efgh"]


# -- pacing --------------------------------------------------------------------------------------------------------


class Play:
    """A pacer with a clock of its own, and what was sent when."""

    def __init__(self) -> None:
        self.pacer = Pacer()
        self.now = 5_000.0
        self.sent: list[tuple[float, bytes]] = []

    def run(self, ms: float) -> None:
        until = self.now + ms
        for _ in range(10_000):
            while chunk := self.pacer.take(self.now):
                self.sent.append((self.now, chunk))
                assert self.pacer.ahead_ms(self.now) <= LEAD_MS + 0.5
            at = self.pacer.next_at(self.now)
            if at is None or at > until:
                break
            self.now = max(self.now + 0.01, at)
        else:
            pytest.fail("the pacer spins")
        self.now = until

    @property
    def audio(self) -> bytes:
        return b"".join(chunk for _, chunk in self.sent)


def test_a_burst_is_sent_in_real_time_after_a_first_lump() -> None:
    play = Play()
    pcm = bytes([1, 1]) * (16 * 3_000)
    play.pacer.push(pcm, play.now)
    play.run(0)
    assert len(play.audio) == LEAD_MS * MS
    play.run(1_000)
    assert (LEAD_MS + 960) * MS <= len(play.audio) <= (LEAD_MS + 1_000) * MS
    play.pacer.end_utterance()
    play.run(4_000)
    assert play.audio == pcm + bytes(PADDING_MS * MS), "all of it, in order, and the zeros that push it out"
    assert play.pacer.next_at(play.now) is None


def test_crumbs_wait_for_a_lump_but_not_for_ever() -> None:
    play = Play()
    play.pacer.push(bytes([1, 1]), play.now)
    play.run(59)
    assert not play.sent
    play.run(1)
    assert play.audio == bytes([1, 1])


def test_a_short_utterance_goes_out_at_once_with_its_zeros() -> None:
    play = Play()
    play.pacer.push(bytes([1, 1]) * 160, play.now)
    play.pacer.end_utterance()
    play.run(0)
    assert play.audio == bytes([1, 1]) * 160 + bytes(PADDING_MS * MS)


def test_new_audio_takes_the_place_of_zeros_that_are_not_sent() -> None:
    play = Play()
    play.pacer.push(bytes([1, 1]) * (16 * 200), play.now)
    play.pacer.end_utterance()
    play.run(0)
    play.pacer.push(bytes([2, 2]) * 16, play.now)
    play.run(400)
    assert play.audio == bytes([1, 1]) * 3_200 + bytes([2, 2]) * 16 + bytes(PADDING_MS * MS)


def test_a_model_that_pauses_leaves_nothing_stuck_at_the_carrier() -> None:
    play = Play()
    play.pacer.push(bytes([1, 1]) * (16 * 400), play.now)
    play.run(1_000)
    assert play.audio == bytes([1, 1]) * 6_400 + bytes(PADDING_MS * MS)


def test_a_flush_drops_everything_and_holds_on_for_a_moment() -> None:
    play = Play()
    play.pacer.push(bytes([1, 1]) * (16 * 3_000), play.now)
    play.run(500)
    before = len(play.audio)
    assert play.pacer.flush(play.now) == 2_500
    play.pacer.push(bytes([2, 2]) * (16 * 500), play.now)
    play.run(AFTER_KILL_MS - 1)
    assert len(play.audio) == before
    play.run(1)
    assert play.audio[before:] == bytes([2, 2]) * (16 * LEAD_MS)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 400), st.booleans()), max_size=30))
def test_whatever_comes_when_it_is_played_once_in_order_and_never_far_ahead(
    steps: list[tuple[int, int, bool]],
) -> None:
    play = Play()
    pushed = b""
    for number, (ms, pause, ends) in enumerate(steps, start=1):
        pcm = bytes([number, number]) * (16 * ms)
        pushed += pcm
        play.pacer.push(pcm, play.now)
        if ends:
            play.pacer.end_utterance()
        play.run(pause)
    play.pacer.end_utterance()
    play.run(60_000)
    assert play.audio.replace(b"\0", b"") == pushed


def test_nothing_of_a_killed_sentence_waits_in_the_carriers_prebuffer_for_the_next_one() -> None:
    def left_ms(*before_kill: bytes) -> float:
        carrier = Playback(16_000)
        carrier.receive(bytes([1, 1]) * (16 * 200))
        carrier.receive(bytes([1, 1]) * (16 * 40))  # less than a lump: it waits for more
        for message in before_kill:
            carrier.receive(message)
        carrier.kill()
        carrier.tick()
        return carrier.ahead_ms

    assert left_ms() == 40
    assert left_ms(PUSH_OUT) == 0


# -- the caller ----------------------------------------------------------------------------------------------------


def test_the_detector_hears_marked_speech_and_not_silence_or_hiss() -> None:
    speech = encode("two chicken burgers please", 16_000)
    assert CallerVoice().feed(speech) >= 240
    assert CallerVoice().feed(bytes(MS * 2_000)) == 0
    hiss = (np.random.default_rng(7).standard_normal(32_000) * 40).astype("<i2").tobytes()
    assert CallerVoice().feed(hiss) == 0


def test_the_detector_does_not_mind_how_the_audio_is_cut() -> None:
    speech = bytes(640 * 10) + encode("yes", 16_000) + bytes(640 * 10)
    in_pieces = CallerVoice()
    assert sum(in_pieces.feed(speech[at : at + 222]) for at in range(0, len(speech), 222)) == CallerVoice().feed(
        speech[: len(speech) // 640 * 640]
    )


async def test_the_uplink_sends_40_ms_and_more_when_it_is_behind() -> None:
    uplink, told = Uplink(Metrics()), []
    uplink.push(bytes(40 * MS))  # nobody is there yet
    uplink.listener = lambda: told.append(uplink.take())
    uplink.push(bytes(1 * MS))
    uplink.push(bytes(20 * MS))
    assert uplink.take() == b""
    uplink.push(bytes(20 * MS))
    assert [len(chunk) // MS for chunk in told] == [41, 40]
    uplink.listener = None
    uplink.push(bytes(500 * MS))
    assert [len(uplink.take()) // MS for _ in range(3)] == [200, 200, 100]


async def test_a_stalled_uplink_drops_the_oldest_and_counts() -> None:
    metrics = Metrics()
    uplink = Uplink(metrics)
    uplink.push(bytes([1, 1]) * (16 * 1_500))
    uplink.push(bytes([2, 2]) * (16 * 1_500))
    kept = b"".join(iter(uplink.take, b""))
    assert kept == bytes([1, 1]) * (16 * 500) + bytes([2, 2]) * (16 * 1_500)
    assert metrics.value("voice_frames_dropped_total", direction="up") == 1


@pytest.mark.parametrize("level", [200, -200])
@pytest.mark.parametrize("at", [0, 7, 16, 319])
def test_a_peak_is_found_wherever_it_stands(at: int, level: int) -> None:
    samples = np.zeros(320, "<i2")
    samples[at] = level
    assert peaks_at(samples.tobytes(), 200)
    assert not peaks_at(samples.tobytes(), 201)


def test_no_sample_has_no_peak() -> None:
    assert not peaks_at(b"", 1)
    assert not peaks_at(b"\x7f", 1), "half a sample"
    assert peaks_at(b"\xff\x7f\xff", 32_767)
