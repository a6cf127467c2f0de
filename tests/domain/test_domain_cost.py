"""What calls cost: examples worked out by hand, and what holds for all amounts."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.domain.cost import CarrierPrices, Cost, ModelPrices, added

MODEL = ModelPrices("USD", Fraction(75), Fraction(300), Fraction(450), Fraction(1_200))
"""Cents per million tokens."""
CARRIER = CarrierPrices("KES", Fraction(0), Fraction(300), Fraction(50))
COUNTS = st.integers(0, 10**9)
TOKENS = st.dictionaries(
    st.sampled_from(["prompt_text", "prompt_audio", "prompt_unknown", "response_audio", "response_text", "thoughts",
                     "tool_use", "tool_use_audio", "response_unknown"]),
    COUNTS,
)  # fmt: skip
PRICES = st.fractions(0, 10_000, max_denominator=1_000)
MODELS = st.builds(ModelPrices, st.just("USD"), PRICES, PRICES, PRICES, PRICES)
MILLISECONDS = st.integers(0, 86_400_000)
CARRIERS = st.builds(
    CarrierPrices, st.just("KES"), PRICES, PRICES, PRICES, st.integers(1, 60), st.integers(1, 60)
)  # fmt: skip
LEGS = st.sampled_from(["inbound", "outbound", "stream"])


def test_two_turns_by_hand() -> None:
    # 6,000 x 0.000075 c + 875 x 0.0003 c + 325 x 0.0012 c = 0.45 c + 0.2625 c + 0.39 c
    cost = MODEL.cost(
        {"prompt_text": 6_000, "prompt_audio": 875, "response_audio": 325}, listened_ms=30_000, transcript_chars=199
    )
    assert (cost.currency, cost.micro_minor, cost.minor) == ("USD", 1_102_500, 1)
    # and at most 30 s x 25 tokens x 0.0003 c = 0.225 c of listening, 100 tokens x 0.00045 c = 0.045 c of transcripts
    assert cost.upper_micro_minor == 1_102_500 + 225_000 + 45_000


@pytest.mark.parametrize(
    ("name", "one_token"),
    [("prompt_text", 75), ("prompt_audio", 300), ("prompt_unknown", 75), ("prompt_modality_unspecified", 75),
     ("response_audio", 1_200), ("response_text", 450), ("response_unknown", 450), ("thoughts", 450),
     ("tool_use", 75), ("tool_use_text", 75), ("tool_use_audio", 300)],
)  # fmt: skip
def test_each_token_has_its_rate(name: str, one_token: int) -> None:
    assert MODEL.cost({name: 1}, listened_ms=0, transcript_chars=0).micro_minor == one_token


def test_parts_of_a_millionth_are_rounded_once_half_up() -> None:
    prices = ModelPrices("USD", Fraction(1, 2), Fraction(0), Fraction(0), Fraction(0))
    assert prices.cost({"prompt_text": 1}, listened_ms=0, transcript_chars=0).micro_minor == 1
    # two halves are one, not two
    assert prices.cost({"prompt_text": 1, "tool_use": 1}, listened_ms=0, transcript_chars=0).micro_minor == 1


@pytest.mark.parametrize(
    ("leg", "ms", "micro_minor", "upper_micro_minor"),
    [
        ("stream", 87_400, 73_333_333, 100_000_000),  # 88 s begun x 50 c / 60; two minutes begun
        ("outbound", 41_000, 205_000_000, 300_000_000),  # 41 s x 5 c; one minute begun
        ("outbound", 60_000, 300_000_000, 300_000_000),
        ("outbound", 60_001, 305_000_000, 600_000_000),
        ("outbound", 0, 0, 0),
        ("inbound", 87_400, 0, 0),
    ],
)
def test_telephony_by_hand(leg: str, ms: int, micro_minor: int, upper_micro_minor: int) -> None:
    assert CARRIER.cost(leg, ms) == Cost("KES", micro_minor, upper_micro_minor)  # type: ignore[arg-type]


def test_a_carrier_that_counts_begun_minutes() -> None:
    by_minute = CarrierPrices("KES", Fraction(0), Fraction(300), Fraction(50), call_increment_s=60)
    assert by_minute.cost("outbound", 41_000).minor == 300
    assert by_minute.cost("stream", 6_000).minor == 5, "the stream has its own increment"


def test_minor_units_are_rounded_when_they_are_shown() -> None:
    half = Cost("KES", 500_000, 1_499_999)
    assert (half.minor, half.upper_minor) == (1, 1)
    assert (half + half).minor == 1, "the sum of the exact amounts, not of the rounded ones"


def test_two_currencies_are_not_added() -> None:
    with pytest.raises(ValueError, match="KES and USD"):
        _ = Cost("KES", 1, 1) + Cost("USD", 1, 1)


def test_unknown_is_not_zero() -> None:
    assert added(None, None) is None
    assert added(None, Cost("KES", 1, 2)) == added(Cost("KES", 1, 2), None) == Cost("KES", 1, 2)


@given(MODELS, TOKENS, TOKENS, MILLISECONDS, st.integers(0, 10**6))
def test_model_cost_is_the_sum_of_its_parts(
    prices: ModelPrices, one: dict[str, int], other: dict[str, int], ms: int, chars: int
) -> None:
    def cost(tokens: dict[str, int]) -> Cost:
        return prices.cost(tokens, listened_ms=ms, transcript_chars=chars)

    both = cost({name: one.get(name, 0) + other.get(name, 0) for name in one.keys() | other.keys()})
    apart = cost(one).micro_minor + cost(other).micro_minor
    assert abs(both.micro_minor - apart) <= 1, "one rounding each"
    assert both.micro_minor >= max(cost(one).micro_minor, cost(other).micro_minor), "more tokens never cost less"
    assert both.upper_micro_minor >= both.micro_minor


@given(CARRIERS, LEGS, MILLISECONDS, MILLISECONDS)
def test_telephony_never_gets_cheaper_with_time(prices: CarrierPrices, leg: str, one: int, more: int) -> None:
    short = prices.cost(leg, one)  # type: ignore[arg-type]
    long = prices.cost(leg, one + more)  # type: ignore[arg-type]
    assert long.micro_minor >= short.micro_minor
    assert long.upper_micro_minor >= short.upper_micro_minor


@given(CARRIERS, LEGS, MILLISECONDS, st.sampled_from([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60]))
def test_begun_minutes_are_the_upper_bound(prices: CarrierPrices, leg: str, ms: int, increment_s: int) -> None:
    by = CarrierPrices("KES", prices.inbound, prices.outbound, prices.stream, increment_s, increment_s)
    cost = by.cost(leg, ms)  # type: ignore[arg-type]
    assert cost.upper_micro_minor >= cost.micro_minor
