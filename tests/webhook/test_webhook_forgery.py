"""Forged, stale, replayed and re-serialised requests: no answer, no call, and never another media token."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

import pytest
from test_webhook_legs import report, token_of
from webhook_desk import PATH_TOKEN, Answer, Start, Webhook, noon, posted, until

from agiza.carrier.signature import sign
from agiza.contracts import streams

pytestmark = pytest.mark.integration

SECRET = "secret-of-the-carrier"
VOICE = f"/carrier/{PATH_TOKEN}/voice"
EVENTS = f"/carrier/{PATH_TOKEN}/events"
STREAM = ["Stream", "Redirect"]
ENFORCED = {"agiza_carrier_signature": "enforce", "agiza_carrier_signing_secrets": SECRET}


@pytest.fixture
async def strict(start_webhook: Start) -> AsyncIterator[Webhook]:
    async with start_webhook(noon(), **ENFORCED) as running:
        yield running


def now_s(webhook: Webhook) -> int:
    return int(webhook.process.clock.now().timestamp())


class Captured:
    """A signed request as somebody on the way could have kept it."""

    def __init__(self, webhook: Webhook, fields: Mapping[str, str], *, age_s: int = 0) -> None:
        self._webhook = webhook
        self.body = urlencode(dict(fields)).encode()
        self.header = sign(self.body, SECRET, now_s(webhook) - age_s)

    async def send(self, path: str = VOICE, *, body: bytes | None = None, header: str | None = None) -> Answer:
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-sautikit-signature": self.header if header is None else header,
        }
        response = await self._webhook.http.post(path, content=self.body if body is None else body, headers=headers)
        return Answer(response.status_code, response.content, 0.0)


async def test_forged_and_stale_requests_start_nothing(strict: Webhook) -> None:
    fields, now = posted("Ringing"), now_s(strict)
    body = urlencode(fields).encode()
    headers = [
        "",
        "t=,v1=",
        f"t={now}",
        f"v1={'0' * 64}",
        f"t={now},v1={'0' * 64}",
        f"t={now},t={now + 1},v1={sign(body, SECRET, now).partition('v1=')[2]}",
        sign(body, "another secret", now),
        sign(body, SECRET, now - 301),
        sign(body, SECRET, now + 310),
        sign(body, SECRET, now).replace(f"t={now}", f"t={now + 1}"),
        sign(body, SECRET, now).upper(),
        *(f"t={now},v1={secrets.token_hex(32)}" for _ in range(200)),
    ]
    captured = Captured(strict, fields)
    assert {(await captured.send(header=header)).status for header in headers} == {401}
    assert await strict.rows("SELECT 1 FROM calls") == []
    assert not await strict.redis.exists(streams.ADMISSION_LEASES)
    assert (await captured.send()).verbs == STREAM


async def test_body_that_says_the_same_in_other_bytes_is_refused(strict: Webhook) -> None:
    captured = Captured(strict, posted("Ringing"))
    pairs = parse_qsl(captured.body.decode())
    others = [
        urlencode(list(reversed(pairs))).encode(),
        captured.body.replace(b"%2B", b"%2b"),
        captured.body.replace(b"%2B", b"+"),
        captured.body + b"&",
        captured.body + b"&x=1",
        captured.body + b"\n",
        json.dumps(dict(pairs)).encode(),
        json.dumps(dict(pairs), separators=(",", ":")).encode(),
    ]
    assert captured.body not in others
    assert {(await captured.send(body=body)).status for body in others} == {401}
    assert await strict.rows("SELECT 1 FROM calls") == []


async def test_replayed_ring_gets_the_same_token_and_never_another(strict: Webhook) -> None:
    ring = Captured(strict, posted("Ringing"))
    first = await ring.send()
    assert first.verbs == STREAM
    for _ in range(5):
        assert (await ring.send()).body == first.body
    started = Captured(strict, posted("StreamStarted"))
    assert (await started.send()).verbs == []
    for captured in (ring, started):
        assert (await captured.send()).verbs == [], "with a socket attached, nothing is handed out any more"
    await Captured(strict, posted("Completed")).send()
    for captured in (ring, started):
        assert (await captured.send()).verbs == []
    assert await strict.event_types(2) == ["started", "hung_up"]
    ((token,),) = await strict.rows("SELECT media_token FROM calls")
    assert token == token_of(first)


async def _live_again(webhook: Webhook) -> Captured:
    """A call that has been on its second leg for a minute; the signed word that its first stream had stopped."""
    await Captured(webhook, posted("Ringing")).send()
    await Captured(webhook, posted("StreamStarted", n="1")).send()
    await report(webhook, "dropped", "bridge_stopped")
    stopped = Captured(webhook, posted("StreamStopped"))
    assert (await stopped.send()).verbs == STREAM
    await Captured(webhook, posted("StreamStarted", n="2")).send()
    assert await webhook.rows("SELECT leg_epoch, stage FROM calls") == [(1, "streaming")]
    await webhook.rows(
        "UPDATE calls SET state = jsonb_set(state, '{call,offered_at}', to_jsonb(%s::text))",
        (webhook.process.clock.now() - timedelta(minutes=1)).isoformat(),
    )
    return stopped


async def test_replayed_loss_of_a_stream_opens_no_second_one(strict: Webhook) -> None:
    stopped = await _live_again(strict)
    respelled = stopped.header.replace(",", " , ") + f",v1={'0' * 64}"
    for header in (stopped.header, respelled):
        for path in (VOICE, EVENTS, VOICE):
            assert (await stopped.send(path, header=header)).verbs == []
    assert await strict.rows("SELECT leg_epoch, stage FROM calls") == [(1, "streaming")]
    # The same event once more, newly signed by the carrier, is news.
    await report(strict, "dropped", "bridge_stopped", epoch=1)
    fresh = Captured(strict, posted("StreamStopped"), age_s=1)
    assert (await fresh.send()).verbs == STREAM
    assert await strict.rows("SELECT leg_epoch FROM calls") == [(2,)]


async def test_replay_at_another_replica_is_known_too(start_webhook: Start) -> None:
    async with (
        start_webhook(noon(), **ENFORCED) as one,
        start_webhook(noon(), is_published=False, **ENFORCED) as other,
    ):
        stopped = await _live_again(one)

        async def is_noted() -> bool:
            keys = [key async for key in one.redis.scan_iter(f"{streams.ADMISSION_PREFIX}seen:*")]
            return len(keys) == 4 and all([0 < await one.redis.ttl(key) <= 600 for key in keys])

        await until(is_noted)
        elsewhere = Captured(other, {})
        elsewhere.body, elsewhere.header = stopped.body, stopped.header
        assert (await elsewhere.send()).verbs == []
        assert await one.rows("SELECT leg_epoch, stage FROM calls") == [(1, "streaming")]


async def test_replay_while_the_database_is_away_moves_nothing(strict: Webhook) -> None:
    await Captured(strict, posted("Ringing")).send()
    started = Captured(strict, posted("StreamStarted"))
    await started.send()
    await strict.database_wire.cut()
    stopped = Captured(strict, posted("StreamStopped"))
    dialled = await stopped.send()
    assert dialled.dialled == ["+254700000001"]
    for _ in range(3):
        assert (await stopped.send()).body == dialled.body, "its answer again, no other person's phone"
        assert (await started.send()).verbs == []


async def test_same_bytes_to_two_urls_of_ours_are_no_replay_for_a_call_that_is_new(strict: Webhook) -> None:
    ring = Captured(strict, posted("Ringing"))
    assert (await ring.send(EVENTS)).verbs == []
    assert (await ring.send(VOICE)).verbs == STREAM


async def test_request_that_got_no_answer_may_be_sent_again(strict: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in the middle of an answer costs the caller nothing when the carrier asks once more."""
    await Captured(strict, posted("Ringing")).send()
    await Captured(strict, posted("StreamStarted")).send()
    stopped = Captured(strict, posted("StreamStopped"))

    async def broken(*_: object) -> object:
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patched:
        patched.setattr("services.webhook.switchboard.read_call", broken)
        assert (await stopped.send()).status == 500
    await report(strict, "dropped", "bridge_stopped")
    assert (await stopped.send()).verbs == STREAM


async def test_equal_requests_without_a_signature_are_judged_by_the_call(webhook: Webhook) -> None:
    first = await webhook.voice("Ringing")
    assert (await webhook.voice("Ringing")).body == first.body
    assert [key async for key in webhook.redis.scan_iter(f"{streams.ADMISSION_PREFIX}seen:*")] == []


async def test_one_address_cannot_take_all_places(start_webhook: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.webhook.routes.BODY_S", 1.0)
    async with start_webhook(noon(), agiza_in_flight_per_source=3) as webhook:
        slow = [await _begin(webhook) for _ in range(3)]

        async def is_full() -> bool:
            return (await webhook.voice("Ringing")).status == 429

        await until(is_full)
        answers = [await reader.readline() for reader, _ in slow]
        assert answers == [b"HTTP/1.1 408 Request Timeout\r\n"] * 3, "who does not send is let go"
        for _, writer in slow:
            writer.close()

        async def is_open() -> bool:
            return (await webhook.voice("Ringing")).status == 200

        await until(is_open)


async def _begin(webhook: Webhook) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request whose body never comes."""
    base = webhook.http.base_url
    reader, writer = await asyncio.open_connection(base.host, base.port)
    writer.write(f"POST {VOICE} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n".encode())
    await writer.drain()
    return reader, writer
