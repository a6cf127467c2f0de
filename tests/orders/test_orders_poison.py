"""The service as it is started: an entry that the database can never carry out must not hold up its partition."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping

import pytest
from captured_logs import Logged
from orders_desk import BRANCHES, CALL, fc
from redis.asyncio import Redis
from servers import Database, execute

from agiza.contracts import streams
from agiza.contracts.events import FunctionCall, ToolCalled
from agiza.runtime.clock import Clock
from agiza.runtime.metrics import Metrics
from agiza.runtime.process import Process
from agiza.runtime.publisher import Publisher
from agiza.runtime.settings import read_settings
from agiza.runtime.traces import Trace
from services.orders.__main__ import serve
from services.orders.settings import OrdersSettings

pytestmark = pytest.mark.integration

# What the server says at the end of `statement_timeout`, without the two seconds until then.
ALWAYS_TIMES_OUT = """
CREATE FUNCTION too_slow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.tool_call_id = 'fc-poison' THEN
    RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = '57014';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER too_slow BEFORE INSERT ON tool_results FOR EACH ROW EXECUTE FUNCTION too_slow()
"""


@pytest.fixture
async def orders(redis_urls: Mapping[str, str], database: Database, logged: Logged) -> AsyncIterator[Process]:
    """The service. Its logs are captured: in the form for people, five failures with all that was held are slow."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = read_settings(
        OrdersSettings,
        database_url=database.urls["agiza_orders"],
        redis_url=redis_urls["orders"],
        agiza_internal_token="a-token-of-at-least-thirty-two-characters",
        agiza_branches_dir=str(BRANCHES),
        agiza_port=port,
    )
    process = Process()
    serving = asyncio.create_task(serve(settings, process))
    try:
        async with asyncio.timeout(30):
            while not (await process.health.readiness()).is_ready:
                assert not serving.done(), serving
                await asyncio.sleep(0.02)
        yield process
    finally:
        process.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def test_an_entry_that_always_times_out_ends_in_the_dead_letters(
    orders: Process, redis_url: str, redis_urls: Mapping[str, str], database: Database
) -> None:
    execute(database.url, ALWAYS_TIMES_OUT)
    bridge: Redis = Redis.from_url(redis_urls["bridge"], decode_responses=True)
    admin: Redis = Redis.from_url(redis_url, decode_responses=True)
    publisher = Publisher(bridge, source="/test", clock=Clock(), metrics=Metrics())
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(bridge.aclose)
        stack.push_async_callback(admin.aclose)
        pubsub = await stack.enter_async_context(bridge.pubsub())
        await pubsub.subscribe("agiza:replies:test")
        await publisher.publish(called(fc("addItem", fc_id="fc-poison", name="fries")), Trace.new())
        await publisher.publish(called(fc("addItem", name="tea")), Trace.new())
        async with asyncio.timeout(60):
            while (message := await pubsub.get_message(ignore_subscribe_messages=True, timeout=1)) is None:
                pass
        assert '"tea"' in message["data"], "the entry behind it is answered"
        dead = await admin.xrange(streams.dead_stream(streams.tools_stream(CALL)))
        assert [fields["dead_reason"] for _, fields in dead] == ["QueryCanceled"]


def called(*calls: FunctionCall) -> ToolCalled:
    return ToolCalled(
        branch_id="westlands",
        call_id=CALL,
        menu_version=1,
        leg_epoch=0,
        calls=calls,
        deadline_ms=int(Clock().now().timestamp() * 1000) + 60_000,
        reply_to="agiza:replies:test",
    )
