"""Tokens of a call: what the server may send, in both dialects, and what is made of it; then the money."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.contracts.events import CostPart, LegCost
from agiza.domain.cost import CarrierPrices, ModelPrices
from agiza.runtime.metrics import Metrics
from services.bridge.costs import UNKNOWN, Prices, cost_of, note_cost
from services.bridge.legs.live_codec import decode
from services.bridge.session import actions as a
from services.bridge.session.inputs import UsageReported
from services.bridge.session.usage import UsageMeter

MODEL = ModelPrices("USD", Fraction(75), Fraction(300), Fraction(450), Fraction(1_200))
CARRIER = CarrierPrices("KES", Fraction(0), Fraction(300), Fraction(50))


def counted(*reports: dict[str, object]) -> UsageReported:
    """The sum of these ``usageMetadata``, as they come over the wire."""
    meter = UsageMeter()
    for report in reports:
        (usage,) = decode(json.dumps({"usageMetadata": report}))
        assert isinstance(usage, UsageReported)
        meter.add(usage)
    return meter.sum()


def details(**counts: int) -> list[dict[str, object]]:
    return [{"modality": name.upper(), "tokenCount": count} for name, count in counts.items()]


def test_the_developer_api() -> None:
    usage = counted(
        {"promptTokenCount": 3_250, "responseTokenCount": 125, "totalTokenCount": 3_375,
         "promptTokensDetails": details(text=3_000, audio=250), "responseTokensDetails": details(audio=125)},
        {"promptTokenCount": 3_625, "responseTokenCount": 200, "totalTokenCount": 3_825,
         "promptTokensDetails": details(text=3_000, audio=625), "responseTokensDetails": details(audio=200)},
    )  # fmt: skip
    assert usage == UsageReported(
        6_875, 325, 7_200, {"prompt_text": 6_000, "prompt_audio": 875, "response_audio": 325}
    )  # fmt: skip


def test_vertex_calls_the_output_candidates() -> None:
    usage = counted(
        {"promptTokenCount": 10, "candidatesTokenCount": "7", "totalTokenCount": 17, "trafficType": "ON_DEMAND",
         "promptTokensDetails": details(text=10), "candidatesTokensDetails": details(audio=5, text=2)}
    )  # fmt: skip
    assert usage == UsageReported(10, 7, 17, {"prompt_text": 10, "response_audio": 5, "response_text": 2})


def test_thoughts_and_tool_use_count_although_the_total_leaves_them_out() -> None:
    usage = counted(
        {"promptTokenCount": 10, "responseTokenCount": 5, "thoughtsTokenCount": 30, "toolUsePromptTokenCount": 8,
         "totalTokenCount": 15, "promptTokensDetails": details(text=10), "responseTokensDetails": details(audio=5)}
    )  # fmt: skip
    assert usage.by_modality == {"prompt_text": 10, "response_audio": 5, "thoughts": 30, "tool_use": 8}
    assert usage.total_tokens == 53


def test_cached_tokens_are_in_the_prompt_already() -> None:
    usage = counted(
        {"promptTokenCount": 100, "cachedContentTokenCount": 60, "promptTokensDetails": details(text=100)},
        {"promptTokenCount": None, "promptTokensDetails": None, "totalTokenCount": None},
    )
    assert usage == UsageReported(100, 0, 100, {"prompt_text": 100})


def test_details_that_come_to_less_are_completed_and_those_that_come_to_more_are_believed() -> None:
    usage = counted(
        {"promptTokenCount": 100, "promptTokensDetails": details(text=60, audio=5)},
        {"promptTokenCount": 100, "promptTokensDetails": details(text=90, audio=30)},
    )
    assert usage.by_modality == {"prompt_text": 150, "prompt_audio": 35, "prompt_unknown": 35}
    assert usage.prompt_tokens == 220


def test_usage_without_details_and_with_nothing_but_a_total() -> None:
    assert counted({"promptTokenCount": 40, "responseTokenCount": 6}).by_modality == {
        "prompt_unknown": 40, "response_unknown": 6,
    }  # fmt: skip
    assert counted({"totalTokenCount": 46}) == UsageReported(46, 0, 46, {"prompt_unknown": 46})
    assert counted({}) == UsageReported()
    assert counted({"promptTokenCount": -5, "totalTokenCount": -1}) == UsageReported()


def test_sessions_of_one_call_are_added_and_the_largest_prompt_is_kept() -> None:
    meter = UsageMeter()
    for prompt in (3_000, 7_900, 3_100):  # the third: a new model session, seeded anew
        meter.add(UsageReported(prompt, 10, prompt + 10, {"prompt_text": prompt, "response_audio": 10}))
    assert meter.sum().prompt_tokens == 14_000
    assert meter.prompt_tokens_max == 7_900


@given(
    st.lists(
        st.builds(
            UsageReported,
            st.integers(-5, 10**6), st.integers(-5, 10**6), st.integers(-5, 10**7),
            st.dictionaries(
                st.sampled_from(["prompt_text", "prompt_audio", "response_audio", "thoughts", "tool_use"]),
                st.integers(-5, 10**6),
            ),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_whatever_is_reported_the_details_add_up(reports: list[UsageReported]) -> None:
    meter = UsageMeter()
    for report in reports:
        meter.add(report)
    usage = meter.sum()
    assert sum(usage.by_modality.values()) == usage.total_tokens
    for direction, count in (("prompt", usage.prompt_tokens), ("response", usage.response_tokens)):
        assert sum(n for name, n in usage.by_modality.items() if name.startswith(direction)) == count
        assert count >= sum(max(getattr(report, f"{direction}_tokens"), 0) for report in reports)
    assert min(usage.by_modality.values(), default=1) > 0


REPORT = a.CallReport(
    "placed",
    "agent_goodbye",
    87_400,
    transcript=(a.Turn("caller", "x" * 120, 0), a.Turn("agent", "y" * 79, 900)),
    usage=UsageReported(6_875, 325, 7_200, {"prompt_text": 6_000, "prompt_audio": 875, "response_audio": 325}),
    prompt_tokens_max=3_625,
)


def test_the_cost_of_a_leg_by_hand() -> None:
    cost = cost_of(REPORT, Prices(MODEL, CARRIER))
    # listening: 87.4 s x 25 x 300 = 655,500; transcripts: 100 tokens x 450 = 45,000
    assert cost == LegCost(
        model=CostPart(currency="USD", micro_minor=1_102_500, upper_micro_minor=1_102_500 + 655_500 + 45_000),
        telephony=CostPart(currency="KES", micro_minor=73_333_333, upper_micro_minor=100_000_000),
    )


@pytest.mark.parametrize(
    ("prices", "model", "telephony"),
    [(UNKNOWN, False, False), (Prices(MODEL), True, False), (Prices(carrier=CARRIER), False, True)],
)
def test_a_price_that_is_not_known_gives_no_cost(prices: Prices, model: bool, telephony: bool) -> None:
    cost = cost_of(REPORT, prices)
    assert (cost is not None and cost.model is not None) is model
    assert (cost is not None and cost.telephony is not None) is telephony
    assert (cost is None) is (not model and not telephony)
    metrics = Metrics()
    note_cost(REPORT, cost, metrics)
    assert (b'part="model"' in metrics.render()) is model
    assert (b'part="telephony"' in metrics.render()) is telephony


def test_tokens_and_money_are_counted_and_strange_names_are_no_labels() -> None:
    metrics = Metrics()
    strange = UsageReported(1, 0, 1, {"prompt_audio": 875, "prompt_ignore all rules": 1, "thoughts": 4, "odd": 2})
    report = a.CallReport("placed", "bye", 87_400, usage=strange, prompt_tokens_max=900)
    note_cost(report, cost_of(REPORT, Prices(MODEL, CARRIER)), metrics)
    assert metrics.value("model_tokens_total", direction="prompt", modality="audio") == 875
    assert metrics.value("model_tokens_total", direction="prompt", modality="other") == 1
    assert metrics.value("model_tokens_total", direction="thoughts", modality="text") == 4
    assert metrics.value("model_tokens_total", direction="other", modality="other") == 2
    assert metrics.value("call_cost_minor_total", part="model", currency="USD") == pytest.approx(1.1025)
    assert metrics.value("call_cost_upper_minor_total", part="telephony", currency="KES") == pytest.approx(100)
    assert metrics.observations("model_prompt_tokens") == 1
    assert b"ignore" not in metrics.render()
