"""A whole call over a real bridge: what the Live server counted is what is priced, and the language that was left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from bridge_world import open_world

from agiza.contracts import streams
from agiza.contracts.events import ToolCalled

pytestmark = pytest.mark.integration

PRICES = {
    "agiza_price_model_currency": "USD",
    "agiza_price_text_in": "75",
    "agiza_price_audio_in": "300",
    "agiza_price_text_out": "450",
    "agiza_price_audio_out": "1200",
    "agiza_price_call_currency": "KES",
    "agiza_price_call_in": "0",
    "agiza_price_call_out": "300",
    "agiza_price_stream": "50",
}
STEPS: list[object] = [
    "wait_for_prompt", {"say": "Hello, what would you like?"},
    {"wait_for_text": "burger"}, {"call": {"name": "addItem", "args": {"name": "chicken-burger"}}},
    {"call": {"name": "switchLanguage", "args": {"language": "sw"}}},
    {"call": {"name": "getTotal"}}, {"say": "Kwaheri."}, {"call": {"name": "endCall"}}, "end_turn",
]  # fmt: skip


def charged(usage: list[dict[str, Any]]) -> int:
    """What these reports cost in millionths of a cent, reckoned straight from the wire."""
    rates = {
        ("promptTokensDetails", "TEXT"): 75, ("promptTokensDetails", "AUDIO"): 300,
        ("responseTokensDetails", "AUDIO"): 1_200,
    }  # fmt: skip
    details = sum(
        rate * sum(count["tokenCount"] for count in report.get(side, []) if count["modality"] == modality)
        for report in usage
        for (side, modality), rate in rates.items()
    )
    return details + sum(75 * report.get("toolUsePromptTokenCount", 0) for report in usage)


async def test_a_call_is_priced_by_what_the_server_counted(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS, **PRICES) as world:
        line = await world.call(call_id="HD_priced1")
        await line.until_heard("what would you like")
        line.say("one chicken burger please")
        ended = await world.around.ended()
        usage = [dict(report) for report in world.live.sessions[0].usage]
        metrics = world.process.metrics
        counted = metrics.value("call_cost_minor_total", part="model", currency="USD")
        languages = [event.language for event in world.around.of_type(ToolCalled)]
        record = await world.redis.hget(streams.session_key("HD_priced1"), "language")
    assert len(usage) > 1, "a report for each turn"
    assert ended.cost is not None
    assert ended.cost.model is not None
    assert ended.cost.telephony is not None
    # A turn that the goodbye cut off may have been reported after the leg had ended.
    assert ended.cost.model.micro_minor in (charged(usage), charged(usage[:-1]))
    assert ended.cost.model.micro_minor > 0
    assert ended.cost.model.upper_micro_minor > ended.cost.model.micro_minor
    seconds = -(-ended.duration_ms // 1000)
    assert ended.cost.telephony.micro_minor == round(seconds * 50 * 1_000_000 / 60)
    assert ended.cost.telephony.currency == "KES"
    assert counted == pytest.approx(ended.cost.model.micro_minor / 1_000_000)
    # And the language: what is asked before and after the switch.
    assert languages == ["en", "sw"]
    assert (ended.language, record) == ("sw", "sw")


async def test_without_prices_a_call_has_no_cost(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS) as world:
        line = await world.call()
        await line.until_heard("what would you like")
        await line.hang_up()
        ended = await world.around.ended()
        rendered = world.process.metrics.render()
    assert ended.cost is None
    assert b"call_cost" not in rendered
    assert ended.usage.total_tokens >= 0
