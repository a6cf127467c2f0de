"""From an integrator's request to their receiver: the API, the engine and a real server, checked with the reference
library of Standard Webhooks."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from orders_api import Api
from orders_webhooks import HERE, Got, Receiver, Sending, receiving, sending
from standardwebhooks import Webhook

from agiza.runtime.clock import StoppedClock
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import RedisClients

pytestmark = pytest.mark.integration


@dataclasses.dataclass
class Integrator:
    """Somebody with a key, a receiver, and an engine that sends when it is told to."""

    till: httpx.AsyncClient
    receiver: Receiver
    at: Sending

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = await self.till.request(method, f"/v1/webhooks{path}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def made(self, **over: Any) -> tuple[str, str]:
        """An endpoint for the receiver; its id and the secret that was shown."""
        made = await self.ask("POST", "", {"url": f"{self.receiver.url}/in", "branches": ["westlands"], **over})
        return made["webhook_id"], made["secret"]


@pytest.fixture
async def integrator(api: Api, redis: RedisClients, clock: StoppedClock, metrics: Metrics) -> AsyncIterator[Integrator]:
    async with receiving() as receiver, sending(api.desk.pool, redis, clock, metrics) as at:
        parts = dataclasses.replace(api.app.state.orders_api, webhook_hosts=HERE, wake_webhooks=at.engine.wake)
        api.app.state.orders_api = parts
        yield Integrator(await api.till("westlands"), receiver, at)


def is_signed_with(got: Got, secret: str) -> bool:
    """The reference library's word; the test's clock stands still, so the time is not judged."""
    sent_at = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(got.id, sent_at, got.body.decode()) in got.headers["webhook-signature"].split(" ")


async def test_the_secret_that_was_shown_signs_and_both_while_a_rotation_lasts(integrator: Integrator) -> None:
    id, first = await integrator.made()
    event = await integrator.at.shop.ticket()
    await integrator.at.drain()
    (got,) = integrator.receiver.got
    assert (got.id, got.path) == (event, "/in")
    assert is_signed_with(got, first)
    second = (await integrator.ask("POST", f"/{id}/rotate", {"former_hours": 1}))["secret"]
    await integrator.at.shop.record("order-2")
    await integrator.at.drain()
    assert [is_signed_with(integrator.receiver.got[-1], secret) for secret in (first, second)] == [True, True]
    await integrator.at.after(3601)
    await integrator.at.shop.record("order-3")
    await integrator.at.drain()
    assert [is_signed_with(integrator.receiver.got[-1], secret) for secret in (first, second)] == [False, True]


async def test_a_ping_arrives_and_its_outcome_is_where_the_answer_said(integrator: Integrator) -> None:
    id, secret = await integrator.made(types=["agiza.order.placed"])
    for status in (204, 503):
        integrator.receiver.says(status)
        sent = await integrator.ask("POST", f"/{id}/ping")
        await integrator.at.drain()
        got = integrator.receiver.got[-1]
        assert (got.id, got.event["type"]) == (sent["event_id"], "agiza.ping")
        assert is_signed_with(got, secret)
        (attempt,) = (await integrator.till.get(sent["attempts"])).json()["attempts"]
        assert (attempt["event_id"], attempt["status"]) == (sent["event_id"], status)
    listed = await integrator.ask("GET", f"/{id}/deliveries")
    assert {(each["event_id"] == sent["event_id"], each["class"], each["state"]) for each in listed["deliveries"]} == {
        (True, "ping", "expired"),
        (False, "ping", "delivered"),
    }


async def test_what_was_paused_waits_and_a_range_comes_again_under_its_old_ids(integrator: Integrator) -> None:
    id, _ = await integrator.made()
    await integrator.ask("PATCH", f"/{id}", {"state": "paused"})
    events = [await integrator.at.shop.record(f"order-{number}") for number in range(3)]
    assert await integrator.at.drain() == 0
    await integrator.ask("POST", f"/{id}/resume")
    await integrator.at.drain()
    assert sorted(got.id for got in integrator.receiver.got) == sorted(events)
    before = {got.id: got.body for got in integrator.receiver.got}
    counts = await integrator.ask("POST", f"/{id}/replay", {"branch_id": "westlands", "from": 1, "to": 2})
    assert (counts["queued"], counts["waiting"]) == (2, 0)
    await integrator.at.drain()
    again = integrator.receiver.got[3:]
    assert sorted(got.id for got in again) == sorted(events[:2])
    assert all(before[got.id] == got.body for got in again), "byte for byte"


async def test_a_receiver_that_is_gone_is_disabled_until_somebody_resumes_it(integrator: Integrator) -> None:
    id, _ = await integrator.made()
    integrator.receiver.says(410)
    event = await integrator.at.shop.ticket()
    await integrator.at.drain()
    disabled = await integrator.ask("GET", f"/{id}")
    assert disabled["state"] == "disabled"
    assert disabled["state_reason"]
    integrator.receiver.says(204)
    await integrator.ask("POST", f"/{id}/resume")
    await integrator.at.after(5)
    assert [got.id for got in integrator.receiver.got] == [event, event]
    assert await integrator.at.shop.states(id) == {event: "delivered"}


async def test_nothing_goes_to_an_endpoint_that_was_deleted(integrator: Integrator) -> None:
    id, _ = await integrator.made()
    await integrator.at.shop.ticket()
    await integrator.ask("DELETE", f"/{id}")
    await integrator.at.shop.ticket("order-2")
    assert await integrator.at.drain() == 0
    assert integrator.receiver.got == []
