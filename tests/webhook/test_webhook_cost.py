"""What a call cost, put together from the bridge's reports and the carrier's words about its legs."""

from __future__ import annotations

from typing import Any

import pytest
from test_webhook_legs import OUT, matter, outbound
from webhook_desk import INTERNAL_TOKEN, Start, Webhook, noon, posted, until

from agiza.contracts.envelope import Stamp, encode
from agiza.contracts.events import CallEnded, CostPart, LegCost, ModelUsage
from services.webhook.store_reports import joined
from services.webhook.tolls import shown_cost

pytestmark = pytest.mark.integration

BEARER = {"authorization": f"Bearer {INTERNAL_TOKEN}"}
CALL = "HD_7c21e04ab9f3"
PRICES = {
    "agiza_price_call_currency": "KES",
    "agiza_price_call_in": "0",
    "agiza_price_call_out": "300",
    "agiza_price_stream": "50",
}


def usd(micro_minor: int) -> CostPart:
    return CostPart(currency="USD", micro_minor=micro_minor, upper_micro_minor=2 * micro_minor)


def kes(micro_minor: int) -> CostPart:
    return CostPart(currency="KES", micro_minor=micro_minor, upper_micro_minor=50_000_000)


def ended(cost: LegCost | None, epoch: int = 0, **given: Any) -> CallEnded:
    return CallEnded(
        branch_id="westlands", call_id=CALL, leg_epoch=epoch, duration_ms=41_000, usage=ModelUsage(total_tokens=12),
        cost=cost, **{"outcome": "dropped", "reason": "bridge_stopped"} | given,
    )  # fmt: skip


async def reported(webhook: Webhook, report: CallEnded, *, times: int = 1) -> None:
    stamp = Stamp(
        f"ended-{report.leg_epoch}", "/agiza/bridge", webhook.process.clock.now(), "00-" + "a" * 32 + "-" + "b" * 16
        + "-01",
    )  # fmt: skip
    for _ in range(times):
        await webhook.redis.xadd("agiza:calls", {"event": encode(report, stamp)})

    async def is_stored() -> bool:
        return await webhook.rows("SELECT 1 FROM calls WHERE pii_legs ? %s", str(report.leg_epoch)) == [(1,)]

    await until(is_stored)


async def shown(webhook: Webhook, call_id: str = CALL) -> dict[str, Any]:
    answer: dict[str, Any] = (await webhook.http.get(f"/v1/calls/{call_id}", headers=BEARER)).json()
    return answer


async def test_two_legs_and_a_dial_by_hand(start_webhook: Start) -> None:
    async with start_webhook(noon(), **PRICES) as webhook:
        first = await webhook.voice("Ringing")
        await webhook.voice("StreamStarted")
        await reported(webhook, ended(LegCost(model=usd(400_000), telephony=kes(34_166_667))), times=2)
        second = await webhook.post(first.redirect, posted("Answered"))
        await webhook.voice("StreamStarted")
        failed = ended(LegCost(model=usd(300_000), telephony=kes(10_000_000)), 1, reason="first_audio_late")
        await reported(webhook, failed)
        dialled = await webhook.post(second.redirect, posted("Answered"))
        assert "Dial" in dialled.verbs
        talked = posted("Answered", dialStatus="completed", dialDurationInSeconds="41")
        assert (await webhook.post(dialled.redirect, talked)).verbs == ["Hangup"]
        await webhook.post(dialled.redirect, talked)
        for _ in range(2):
            await webhook.voice("Completed", durationInSeconds="131")
        record = await shown(webhook)
        metrics = (await webhook.http.get("/metrics")).text
    # model: 0.4 c + 0.3 c; telephony: streams 34.166667 + 10 c, inbound 0 c, Dial 41 s x 5 c = 205 c
    assert record["cost"]["model"] == {
        "currency": "USD", "micro_minor": 700_000, "upper_micro_minor": 1_400_000, "minor": 1, "upper_minor": 1,
    }  # fmt: skip
    telephony = record["cost"]["telephony"]
    assert (telephony["currency"], telephony["micro_minor"], telephony["minor"]) == ("KES", 249_166_667, 249)
    assert telephony["upper_minor"] == 400, "two streams of a minute begun, one Dial of a minute begun"
    assert [(toll["what"], toll["leg"], toll["seconds"]) for toll in record["tolls"]] == [
        ("dial-1", "outbound", 41), ("call", "inbound", 131),
    ]  # fmt: skip
    assert 'call_cost_minor_total{currency="KES",part="telephony"} 205.0' in metrics


async def test_without_prices_the_cost_is_unknown_and_not_zero(webhook: Webhook) -> None:
    await webhook.voice("Ringing")
    await reported(webhook, ended(None, outcome="no_order", reason="agent_goodbye"))
    await webhook.voice("Completed", durationInSeconds="41")
    record = await shown(webhook)
    assert record["cost"] == {"model": None, "telephony": None}
    assert record["tolls"] == [{"what": "call", "leg": "inbound", "seconds": 41}], "the seconds can be priced later"
    assert await webhook.rows("SELECT cost FROM calls") == [(None,)]
    assert "call_cost_minor_total" not in (await webhook.http.get("/metrics")).text


async def test_a_call_that_we_placed_is_charged_when_somebody_picked_up(start_webhook: Start) -> None:
    async with start_webhook(noon(), **PRICES) as webhook:
        await webhook.voice("Ringing", "HD_lost01")
        path = await matter(webhook)
        answer = await webhook.post(path, outbound("Answered"))
        await webhook.post(answer.redirect, outbound("Answered", dialStatus="completed", dialDurationInSeconds="60"))
        await webhook.post(path, outbound("Completed", durationInSeconds="72"))
        record = await shown(webhook, OUT)
        origin = await shown(webhook, "HD_lost01")
    # the person's leg 72 s x 5 c, the customer's 60 s x 5 c
    assert record["cost"]["telephony"]["minor"] == 660
    assert record["cost"]["model"] is None
    assert origin["placed_calls"] == [{"call_id": OUT, "kind": "staff_bridge", "cost": record["cost"]}]


async def test_a_call_that_nobody_picked_up_costs_nothing(start_webhook: Start) -> None:
    async with start_webhook(noon(), **PRICES) as webhook:
        path = await matter(webhook)
        await webhook.post(path, outbound("Completed", hangupCause="NO_ANSWER"))
        record = await shown(webhook, OUT)
    assert record["cost"]["telephony"] == {
        "currency": "KES", "micro_minor": 0, "upper_micro_minor": 0, "minor": 0, "upper_minor": 0,
    }  # fmt: skip


async def test_the_language_at_the_end_is_the_calls(webhook: Webhook) -> None:
    await webhook.voice("Ringing")
    await reported(webhook, ended(None, language="sw"))
    assert (await shown(webhook))["language"] == "sw"
    await reported(webhook, ended(None, epoch=1, reason="late", language=None))
    assert (await shown(webhook))["language"] == "sw", "a bridge of before says nothing about it"


def leg(cost: LegCost | None) -> dict[str, Any]:
    content = ended(cost).model_dump(mode="json")
    return {
        name: content[name] for name in ("transcript", "pii_tool_calls", "latencies_ms", "usage", "duration_ms", "cost")
    }


def test_a_leg_whose_cost_is_not_known_leaves_the_sum_unknown() -> None:
    priced, old = leg(LegCost(model=usd(5))), leg(None)
    del old["cost"]  # as stored before there was any
    assert joined({"0": priced, "1": priced})["cost"]["model"]["micro_minor"] == 10
    assert joined({"0": priced, "1": old})["cost"] is None
    assert joined({"0": priced, "1": leg(LegCost(model=kes(5)))})["cost"] is None, "no rate between currencies"


@pytest.mark.parametrize("streams", [None, {"currency": "USD", "micro_minor": 1, "upper_micro_minor": 1}])
def test_a_stream_that_is_not_known_or_foreign_leaves_telephony_unknown(streams: dict[str, Any] | None) -> None:
    toll = {"what": "call", "leg": "inbound", "seconds": 1, "cost": kes(7).model_dump()}
    cost = {"model": None, "telephony": streams}
    assert shown_cost(cost, [toll], had_agent=True)["telephony"] is None
