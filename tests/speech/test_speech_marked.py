"""Text carried as sound arrives whole, once, after everything a telephone line does to it."""

import itertools
import random

import numpy as np
import pytest
import soxr
import webrtcvad
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.speech.marked import BEACON, MarkedDecoder, TextTooLong, encode

FRAME_BYTES_16K = 640
GAPS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=12)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=90)


def decoded(pcm: bytes, rate: int, piece_bytes: int = FRAME_BYTES_16K) -> list[str]:
    decoder = MarkedDecoder(rate)
    pieces = [pcm[at : at + piece_bytes] for at in range(0, len(pcm), piece_bytes)]
    return list(itertools.chain.from_iterable(decoder.feed(piece) for piece in pieces))


def resampled(pcm: bytes, have: int, want: int) -> bytes:
    return soxr.resample(np.frombuffer(pcm, "<i2"), have, want).tobytes()


def with_noise(pcm: bytes, dbfs: float, seed: int = 1) -> bytes:
    sound = np.frombuffer(pcm, "<i2").astype(float)
    noise = np.random.default_rng(seed).normal(0, 32768 * 10 ** (dbfs / 20), len(sound))
    return np.clip(sound + noise, -32768, 32767).astype("<i2").tobytes()


@settings(max_examples=60, deadline=None)
@given(text=TEXTS, seed=st.integers(0, 999))
def test_any_text_survives_any_cutting_into_pieces(text: str, seed: int) -> None:
    pcm, sizes = encode(text, 16_000), random.Random(seed)
    decoder, heard = MarkedDecoder(16_000), list[str]()
    while pcm:
        size = sizes.choice((1, 2, 3, 161, 640, 641, 5_000))
        heard += decoder.feed(pcm[:size])
        pcm = pcm[size:]
    assert heard == [text]


@pytest.mark.parametrize(
    ("have", "want"),
    [(24_000, 16_000), (22_050, 16_000), (48_000, 16_000), (16_000, 24_000), (16_000, 8_000), (8_000, 16_000)],
)
def test_resampling_changes_nothing(have: int, want: int) -> None:
    text = "two chicken burgers, one with no onions"
    assert decoded(resampled(encode(text, have), have, want), want) == [text]


def test_resampling_in_pieces_with_a_late_tail_changes_nothing() -> None:
    """A streaming resampler holds back its last samples; the message must not wait for them."""
    pcm, stream = encode("yes", 24_000), soxr.ResampleStream(24_000, 16_000, 1, dtype="int16")
    out = b"".join(
        stream.resample_chunk(np.frombuffer(pcm[at : at + 960], "<i2"), last=False).tobytes()
        for at in range(0, len(pcm), 960)
    )
    assert decoded(out, 16_000) == ["yes"]


@settings(max_examples=60, deadline=None)
@given(
    text=TEXTS,
    offset=st.integers(0, 319),
    gaps=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=12),
)
def test_gaps_of_silence_at_frame_borders_are_closed(text: str, offset: int, gaps: list[tuple[int, int]]) -> None:
    pcm = b"\0\0" * offset + encode(text, 16_000)
    frames = [pcm[at : at + FRAME_BYTES_16K] for at in range(0, len(pcm), FRAME_BYTES_16K)]
    for at, length in gaps:
        frames[min(at, len(frames)) : min(at, len(frames))] = [bytes(FRAME_BYTES_16K)] * length
    assert decoded(b"".join(frames), 16_000) == [text]


def test_a_gap_of_seconds_between_the_copies_delivers_nothing_twice() -> None:
    pcm = encode("yes", 16_000)
    border = 18 * FRAME_BYTES_16K  # the first copy is over, the second one begins
    assert decoded(pcm[:border] + bytes(32_000 * 4) + pcm[border:] + bytes(3_200), 16_000) == ["yes"]


@settings(max_examples=40, deadline=None)
@given(text=TEXTS, lost_samples=st.integers(0, 3_200))
def test_up_to_a_fifth_of_a_second_may_be_lost_at_the_start(text: str, lost_samples: int) -> None:
    assert decoded(encode(text, 16_000)[2 * lost_samples :], 16_000) == [text]


@settings(max_examples=40, deadline=None)
@given(text=TEXTS.filter(lambda text: len(text) > 30), first=st.integers(18, 60))
def test_one_lost_stretch_of_40_ms_is_made_good_by_the_second_copies(text: str, first: int) -> None:
    pcm = encode(text, 16_000)
    assert decoded(pcm[: first * FRAME_BYTES_16K] + pcm[(first + 2) * FRAME_BYTES_16K :], 16_000) == [text]


@pytest.mark.parametrize("dbfs", [-60, -45, -35])
def test_a_noise_floor_is_no_harm(dbfs: float) -> None:
    line = bytes(32_000) + encode("three samosas and a ginger ale", 16_000) + bytes(32_000)
    assert decoded(with_noise(line, dbfs), 16_000) == ["three samosas and a ginger ale"]


def test_level_does_not_matter() -> None:
    sound = np.frombuffer(encode("half volume", 16_000), "<i2")
    assert decoded((sound // 4).astype("<i2").tobytes(), 16_000) == ["half volume"]
    assert decoded((sound * 1.5).astype("<i2").tobytes(), 16_000) == ["half volume"]


def test_messages_in_a_row_arrive_in_order_and_once_even_when_equal() -> None:
    words = ["yes", "yes", BEACON, "no, one chicken burger", "yes"]
    line = b"".join(encode(word, 16_000) + bytes(6_400) for word in words)
    assert decoded(line, 16_000) == words


def test_a_recording_played_twice_is_heard_twice() -> None:
    recording = encode("one coffee", 16_000)
    assert decoded(recording * 2, 16_000) == ["one coffee"] * 2


def test_parts_are_joined_up_to_the_final_one() -> None:
    line = encode("Two burgers. ", 16_000, final=False) + encode("Anything else?", 16_000)
    assert decoded(line, 16_000) == ["Two burgers. Anything else?"]


def test_parts_without_an_end_are_delivered_after_three_seconds() -> None:
    line = encode("Two burgers.", 16_000, final=False)
    assert decoded(line + bytes(32_000 * 2), 16_000) == []
    assert decoded(line + bytes(32_000 * 4), 16_000) == ["Two burgers."]


def test_a_transmission_cut_off_is_dropped_and_the_next_one_is_heard() -> None:
    cut = encode("a very long sentence that the caller never finished because of a cough", 16_000)
    assert decoded(cut[: len(cut) // 2] + encode("sorry", 16_000), 16_000) == ["sorry"]


def test_receiving_is_true_between_the_first_packet_and_the_end() -> None:
    decoder, pcm = MarkedDecoder(16_000), encode("a sentence of more than one packet, surely", 16_000)
    decoder.feed(pcm[: len(pcm) * 3 // 4])
    assert decoder.receiving
    assert decoder.feed(pcm[len(pcm) * 3 // 4 :]) == ["a sentence of more than one packet, surely"]
    assert not decoder.receiving


@pytest.mark.parametrize(
    "text", ["yes", BEACON, "no", "two chicken burgers, one with no onions, a large fries, and a soda"]
)
def test_detectors_take_it_for_speech(text: str) -> None:
    pcm, detector = encode(text, 16_000), webrtcvad.Vad(2)
    frames = [pcm[at : at + FRAME_BYTES_16K] for at in range(0, len(pcm) - FRAME_BYTES_16K + 1, FRAME_BYTES_16K)]
    levels = [np.sqrt(np.mean(np.frombuffer(frame, "<i2").astype(float) ** 2)) for frame in frames]
    assert 20 * sum(detector.is_speech(frame, 16_000) for frame in frames) >= 240
    assert 20 * sum(level > 32768 * 10 ** (-40 / 20) for level in levels) >= 240


def test_long_texts_travel_at_a_hundred_characters_per_second_or_more() -> None:
    text = ("Two chicken burgers, one without onions. " * 13)[:500]
    pcm = encode(text, 16_000)
    assert len(pcm) / 2 / 16_000 <= 5.0
    assert decoded(pcm, 16_000) == [text]


def test_the_longest_text_arrives_and_a_longer_one_is_refused() -> None:
    text = "é" * 1_655
    assert decoded(encode(text, 16_000), 16_000) == [text]
    with pytest.raises(TextTooLong):
        encode(text + "é", 16_000)


def test_noise_and_silence_say_nothing() -> None:
    assert decoded(with_noise(bytes(32_000 * 10), -20), 16_000) == []
    assert decoded(bytes(32_000), 16_000) == []
