"""What a bridge is told of an order whose caller may still be on the line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from orders_api import Api

from agiza.contracts import streams
from agiza.contracts.envelope import decode
from agiza.contracts.events import CallerOrderMoved
from agiza.runtime.outbox import OutboxRelay
from agiza.runtime.publisher import Publisher, PublishFailed
from agiza.runtime.redis_clients import RedisClients, open_redis
from services.orders.call_news import CallNews, caller_news
from services.orders.silence import SilenceWatch

pytestmark = pytest.mark.integration

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def event(name: str, **data: Any) -> dict[str, Any]:
    common = {"branch_id": "westlands", "call_id": "HD_orders01", "order_id": "ord-1", "order_number": 7}
    return {"type": f"agiza.order.{name}", "traceparent": TRACE, "data": common | data}


def test_what_is_news_to_a_caller() -> None:
    told = caller_news(event("accepted", eta_minutes=20))
    assert told is not None
    assert (told.word, told.eta_minutes, told.call_id, told.order_number) == ("accepted", 20, "HD_orders01", 7)
    refused = caller_news(event("rejected", reason="busy", note="The fryer is out."))
    assert refused is not None
    assert (refused.word, refused.reason) == ("rejected", "busy")
    assert "fryer" not in refused.model_dump_json()


@pytest.mark.parametrize(
    "told",
    [
        event("placed"),
        event("received"),
        event("preparing", eta_minutes=5),
        event("cancelled", reason="caller"),
        event("accepted", call_id=None),
        event("accepted", call_id="no"),
    ],
)
def test_what_is_none(told: dict[str, Any]) -> None:
    assert caller_news(told) is None


async def test_every_move_reaches_the_bridges_whoever_makes_it(
    api: Api, redis: RedisClients, redis_urls: Mapping[str, str]
) -> None:
    desk = api.desk
    publisher = Publisher(redis.commands, source="/agiza/orders", clock=desk.clock, metrics=desk.metrics)
    news, rung = CallNews(publisher), []

    async def ring(branches: object) -> None:
        rung.append(branches)

    relay = OutboxRelay(
        desk.pool,
        redis.commands,
        clock=desk.clock,
        metrics=desk.metrics,
        on_numbered=news.note,
        tell=news.and_then(ring),
    )
    till = await api.till("westlands")
    heard: list[CallerOrderMoved] = []
    async with open_redis(redis_urls["bridge"], service="bridge") as bridge, bridge.subscriber.pubsub() as channel:
        await channel.subscribe(streams.ALL_BRIDGES)

        async def listen() -> None:
            await relay.relay_once()
            while (message := await channel.get_message(timeout=0.3)) is not None:
                if message["type"] == "message":
                    moved = decode(message["data"]).event
                    assert isinstance(moved, CallerOrderMoved)
                    heard.append(moved)

        order_id = await api.placed()
        desk.clock.advance(60)
        await SilenceWatch(desk.pool, desk.clock, desk.metrics, relay.wake).sweep()
        await till.post(f"/v1/orders/{order_id}/own", json={"by": "Amina"})
        await till.post(f"/v1/orders/{order_id}/state", json={"state": "accepted", "eta_minutes": 20})
        await listen()
        await listen()
    assert [(each.order_id, each.word) for each in heard] == [
        (order_id, "unacknowledged"), (order_id, "owned"), (order_id, "accepted"),
    ]  # fmt: skip
    assert "Amina" not in "".join(each.model_dump_json() for each in heard)
    assert rung == [["westlands"]]


async def test_without_redis_the_numbering_goes_on_and_nothing_piles_up(api: Api, redis: RedisClients) -> None:
    class Away(Publisher):
        async def publish(self, *args: Any, **kwargs: Any) -> Any:
            raise PublishFailed("away")

    desk = api.desk
    news = CallNews(Away(redis.commands, source="/t", clock=desk.clock, metrics=desk.metrics))
    relay = OutboxRelay(
        desk.pool, redis.commands, clock=desk.clock, metrics=desk.metrics, on_numbered=news.note, tell=news.tell
    )
    till = await api.till("westlands")
    order_id = await api.placed()
    await till.post(f"/v1/orders/{order_id}/state", json={"state": "accepted", "eta_minutes": 20})
    await relay.relay_once()
    assert desk.rows("SELECT count(*) FROM outbox WHERE sequence IS NOT NULL") == [(3,)]
    assert news.waiting == 0
