"""Who is let in: path, signature, size, shape; and what the internal routes show."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlencode

import pytest
from webhook_desk import CALLER, INTERNAL_TOKEN, PATH_TOKEN, Logged, Start, Webhook, noon, posted, until

from agiza.carrier.signature import sign
from agiza.contracts.envelope import Stamp, encode
from agiza.contracts.events import CallEnded, ModelUsage, ToolTiming, TranscriptTurn
from agiza.runtime.settings import SettingsError, read_settings
from services.webhook.settings import WebhookSettings

BEARER = {"authorization": f"Bearer {INTERNAL_TOKEN}"}


@pytest.mark.parametrize("path", ["voice", "events", "next/x", "status/x", "after-dial/x", "other"])
async def test_wrong_path_token_finds_nothing(webhook: Webhook, path: str) -> None:
    wrong = await webhook.post(f"/carrier/{PATH_TOKEN[:-1]}x/{path}", posted("Ringing"))
    nowhere = await webhook.http.post("/nowhere")
    assert (wrong.status, wrong.body) == (404, nowhere.content)


async def test_signed_url_is_good_for_its_call_and_stage_only(webhook: Webhook) -> None:
    first = await webhook.voice("Ringing")
    for url in (
        first.redirect[:-1] + ("A" if first.redirect[-1] != "A" else "B"),
        first.redirect.replace("HD_7c21e04ab9f3", "HD_7c21e04ab9f4"),
        first.redirect.replace("/next/", "/status/"),
        first.redirect.replace("/next/", "/after-dial/"),
    ):
        assert (await webhook.post(url, posted("StreamStopped"))).status == 404
    # The URL says which call is meant, whatever the body claims.
    await webhook.post(first.redirect, posted("Completed", "HD_another1"))
    assert await webhook.rows("SELECT call_id, stage FROM calls") == [("HD_7c21e04ab9f3", "ended")]


async def test_request_without_a_session_is_refused(webhook: Webhook) -> None:
    for session in ("", "x", "../../etc/passwd", "a" * 65):
        assert (await webhook.voice("Ringing", session)).status == 400
    assert (await webhook.post(f"/carrier/{PATH_TOKEN}/events", {"kind": "number.claimed"})).status == 200
    assert await webhook.rows("SELECT 1 FROM calls") == []


async def test_unreadable_and_large_bodies_are_refused(webhook: Webhook) -> None:
    url = f"/carrier/{PATH_TOKEN}/voice"
    assert (await webhook.http.post(url, content=b"{", headers={"content-type": "application/json"})).status_code == 400
    assert (await webhook.http.post(url, content=b"a=" + b"x" * 70_000)).status_code == 413


async def test_signature_is_asked_for_when_enforced(start_webhook: Start) -> None:
    settings = {"agiza_carrier_signature": "enforce", "agiza_carrier_signing_secrets": "newer, carrier-secret"}
    async with start_webhook(noon(), **settings) as webhook:
        fields = posted("Ringing")
        body = urlencode(fields).encode()
        now = int(webhook.process.clock.now().timestamp())
        url = f"/carrier/{PATH_TOKEN}/voice"
        refused = (
            None,
            "t=1,v1=00",
            sign(body, "wrong", now),
            sign(body, "carrier-secret", now - 400),
            sign(body + b" ", "newer", now),
        )
        for value in refused:
            header = {"X-Sautikit-Signature": value} if value else {}
            assert (await webhook.post(url, fields, headers=header)).status == 401
        assert await webhook.rows("SELECT 1 FROM calls") == []
        good = await webhook.post(url, fields, headers={"X-Sautikit-Signature": sign(body, "carrier-secret", now)})
        assert good.verbs == ["Stream", "Redirect"]


async def test_signature_is_only_noted_when_warning(start_webhook: Start, logged: Logged) -> None:
    async with start_webhook(noon(), agiza_carrier_signing_secrets="carrier-secret") as webhook:
        assert (await webhook.voice("Ringing")).verbs == ["Stream", "Redirect"]
    (line,) = logged.events("signature_not_good")
    assert (line["verdict"], line["policy"]) == ("missing", "warn")


async def test_json_form_behind_the_switch(start_webhook: Start) -> None:
    async with start_webhook(noon(), agiza_carrier_format="json") as webhook:
        response = await webhook.http.post(
            f"/carrier/{PATH_TOKEN}/voice", content=urlencode(posted("Ringing")), headers={"content-type": "x"}
        )
        assert response.headers["content-type"] == "application/json"
        assert [next(iter(action)) for action in response.json()["actions"]] == ["stream", "redirect"]


async def test_events_answer_without_starting_anything(webhook: Webhook) -> None:
    assert (await webhook.post(f"/carrier/{PATH_TOKEN}/events", posted("Ringing"))).verbs == []
    enveloped = {"kind": "call.completed", "data": {"call_id": "6f9d0b0e-uuid", "to": "+254709000002"}}
    response = await webhook.http.post(f"/carrier/{PATH_TOKEN}/events", json=enveloped)
    assert response.status_code == 200
    assert await webhook.rows("SELECT 1 FROM calls") == []


async def test_nothing_personal_or_secret_is_logged(start_webhook: Start, logged: Logged) -> None:
    async with start_webhook(noon()) as webhook:
        first = await webhook.voice("Ringing")
        await webhook.post(first.redirect, posted("StreamStopped"))
        await webhook.post(f"/carrier/wrong/{PATH_TOKEN}", posted("Ringing"))
        await webhook.voice("Ringing", "bad id")
        metrics = (await webhook.http.get("/metrics")).text
    token = first.xml[0].attrib["url"].rpartition("/")[2]
    for secret in (CALLER, CALLER[1:], PATH_TOKEN, token, "+254700000001"):
        assert secret not in logged.text
        assert secret not in metrics
    assert "HD_7c21e04ab9f3" not in metrics
    assert 'webhook_answers_total{answer="stream"} 2.0' in metrics


async def test_report_of_the_bridge_is_kept_and_shown(webhook: Webhook) -> None:
    await webhook.voice("Ringing")
    ended = CallEnded(
        branch_id="westlands",
        call_id="HD_7c21e04ab9f3",
        leg_epoch=0,
        outcome="placed",
        reason="goodbye",
        duration_ms=41_000,
        transcript=(TranscriptTurn(who="caller", pii_text="two chicken burgers", at_ms=1200),),
        pii_tool_calls=(ToolTiming(id="f1", name="addItem", args={"name": "chicken-burger"}, status="ok", ms=4),),
        latencies_ms={"turn": (700, 800)},
        usage=ModelUsage(total_tokens=12),
    )
    stamp = Stamp("e1", "/agiza/bridge", webhook.process.clock.now(), "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    for _ in range(2):
        await webhook.redis.xadd("agiza:calls", {"event": encode(ended, stamp)})

    async def is_stored() -> bool:
        return await webhook.rows("SELECT outcome FROM calls") == [("placed",)]

    await until(is_stored)
    shown = (await webhook.http.get("/v1/calls/HD_7c21e04ab9f3", headers=BEARER)).json()
    assert (shown["outcome"], shown["end_reason"], shown["duration_ms"]) == ("placed", "goodbye", 41_000)
    assert shown["transcript"] == [{"who": "caller", "pii_text": "two chicken burgers", "at_ms": 1200}]
    assert shown["tool_calls"][0]["name"] == "addItem"
    assert shown["latencies_ms"] == {"turn": [700, 800]}
    assert "media_token" not in shown
    listed = (await webhook.http.get("/v1/calls?limit=5", headers=BEARER)).json()["calls"]
    assert [call["call_id"] for call in listed] == ["HD_7c21e04ab9f3"]
    assert "transcript" not in listed[0]
    assert (await webhook.voice("StreamStopped")).verbs == ["Hangup"]


async def test_internal_routes_need_the_token(webhook: Webhook) -> None:
    for path in ("/v1/calls", "/v1/calls/HD_7c21e04ab9f3"):
        assert (await webhook.http.get(path)).status_code == 401
    assert (await webhook.http.get("/v1/calls/HD_7c21e04ab9f3", headers=BEARER)).status_code == 404
    assert (await webhook.http.get("/v1/calls/x", headers=BEARER)).status_code == 422
    assert (await webhook.http.get("/v1/calls?limit=1000", headers=BEARER)).status_code == 422


async def test_calls_without_report_get_an_outcome(start_webhook: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.webhook.announcer.SWEEP_S", 0.2)
    async with start_webhook(noon()) as webhook:
        await webhook.voice("Ringing", "HD_recent")
        await webhook.voice("Completed", "HD_recent")
        await webhook.voice("Ringing")
        await webhook.voice("Completed")
        await webhook.rows(
            "UPDATE calls SET ended_at = ended_at - interval '1 minute' WHERE call_id = 'HD_7c21e04ab9f3'"
        )

        async def is_closed() -> bool:
            rows = await webhook.rows("SELECT outcome, end_reason FROM calls ORDER BY call_id")
            return rows == [("dropped", "no_report"), (None, None)]

        await until(is_closed)


async def test_answers_come_quickly(webhook: Webhook, capsys: pytest.CaptureFixture[str]) -> None:
    """Says the figure; the promise itself is kept by a benchmark on a quiet machine."""
    await webhook.voice("Ringing", "HD_warm")
    took = []
    for n in range(60):
        began = time.perf_counter()
        assert (await webhook.voice("Ringing", f"HD_speed{n:04d}")).verbs[0] == "Stream"
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.005)
    took.sort()
    with capsys.disabled():
        print(f"\nvoice answer: p50 {took[30]:.1f} ms, p95 {took[56]:.1f} ms")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"agiza_media_url": "ws://bridge.example.co.ke"}, "wss"),
        ({"agiza_media_url": "https://bridge.example.co.ke"}, "wss"),
        ({"agiza_media_url": "ws://127.attacker.example"}, "wss"),
        ({"agiza_public_url": "wss://orders.example.co.ke"}, "https"),
        ({"agiza_carrier_signature": "enforce"}, "SIGNING_SECRETS"),
        ({"agiza_path_token": "short"}, "AGIZA_PATH_TOKEN"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(settings: dict[str, str], problem: str) -> None:
    good = {
        "database_url": "postgresql://a:b@c/d",
        "redis_url": "redis://c",
        "agiza_internal_token": INTERNAL_TOKEN,
        "agiza_public_url": "https://orders.example.co.ke",
        "agiza_media_url": "ws://127.0.0.1:8081",
        "agiza_token_secret": "s" * 32,
        "agiza_path_token": PATH_TOKEN,
        "agiza_branches_dir": "branches",
    }
    assert read_settings(WebhookSettings, **good)
    with pytest.raises(SettingsError, match=problem):
        read_settings(WebhookSettings, **(good | settings))
