"""The contracts are served to everybody, and what the feed really sends is what they say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from orders_api import Api

from agiza.contracts import asyncapi
from agiza.contracts.journeys import public_events
from agiza.contracts.schemas import name_of, schemas
from agiza.runtime.outbox import OutboxRelay
from agiza.runtime.redis_clients import RedisClients
from services.orders.public_api.contracts import event_schemas
from services.orders.webhooks.messages import ping_body

pytestmark = pytest.mark.integration

WORDS: list[dict[str, Any]] = [
    {"state": "accepted", "eta_minutes": 20},
    {"state": "preparing", "eta_minutes": 15},
    {"state": "ready"},
    {"state": "completed"},
]


async def test_the_feeds_document_needs_no_key(api: Api) -> None:
    answer = await (await api.client(None)).get("/v1/asyncapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == asyncapi.document()
    assert "agiza.handoff" not in answer.text, "what stays within the network is nobody's business"


async def test_each_schema_of_the_feed_is_served_by_its_name(api: Api) -> None:
    client = await api.client(None)
    listed = (await client.get("/v1/schemas")).json()["schemas"]
    assert {one["name"] for one in listed} >= {name_of(event.type, event.version) for event in public_events()}
    for one in listed:
        for name in (one["name"], f"{one['name']}.json"):
            answer = await client.get(f"/v1/schemas/{name}")
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/schema+json"
            assert answer.json()["$id"] == one["id"]


@pytest.mark.parametrize(
    ("name", "status"),
    [("agiza.order.placed.v99", 404), ("agiza.tool.called.v1", 404), ("x" * 141, 422), ("Agiza", 422), ("..%2Fx", 404)],
)
async def test_what_is_no_schema_of_the_feed_is_refused(api: Api, name: str, status: int) -> None:
    answer = await (await api.client(None)).get(f"/v1/schemas/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_what_a_till_pulls_keeps_its_schema(api: Api, redis: RedisClients) -> None:
    """The whole life of an order and one that was rejected, through the real outbox."""
    till = await api.till("westlands")
    first, second = await api.placed("HD_schemas1"), await api.placed("HD_schemas2")
    for word in WORDS:
        await said(till, first, word)
    await said(till, second, {"state": "rejected", "reason": "busy", "note": "The fryer is out."})
    relay = OutboxRelay(api.desk.pool, redis.commands, clock=api.desk.clock, metrics=api.desk.metrics)
    while await relay.relay_once():
        pass
    events = (await till.get("/v1/branches/westlands/events")).json()["events"]
    assert [event["type"].rpartition(".")[2] for event in events] == [
        "placed", "placed", "received", "accepted", "preparing", "ready", "completed", "received", "rejected",
    ]  # fmt: skip
    for event in events:
        Draft202012Validator(schemas()[name_of(event["type"], event["dataversion"])]).validate(event)


async def said(till: httpx.AsyncClient, order_id: str, word: dict[str, Any]) -> None:
    answer = await till.post(f"/v1/orders/{order_id}/state", json=word)
    assert answer.status_code == 200, answer.text


def test_a_ping_that_is_sent_keeps_its_schema() -> None:
    """As the engine makes it."""
    body = ping_body("f91b810f-5bc6-5ebe-bb71-ab95c56d51a9", "whe_2b7k5q3m6n4p7r2s", datetime(2026, 11, 22, tzinfo=UTC))
    Draft202012Validator(event_schemas()["agiza.ping.v1"]).validate(json.loads(body))
