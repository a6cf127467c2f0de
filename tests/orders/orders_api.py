"""The orders API over an ASGI transport and a real database, with clients that carry keys."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from orders_desk import Desk, fc
from pydantic import SecretStr

from agiza.contracts.envelope import Stamp, encode
from agiza.contracts.events import ReadBackEvidence
from agiza.runtime.http import create_app
from agiza.runtime.process import Process
from agiza.runtime.traces import Trace
from services.orders.api import internal_routes
from services.orders.feed.bell import FeedBell
from services.orders.feed.door import FeedDoor, StreamLimits
from services.orders.public_api.access import ApiParts
from services.orders.public_api.keys import RIGHTS, NewKey, add_key, new_key
from services.orders.public_api.pace import Pace, PaceLimits
from services.orders.public_api.wiring import add_public_api

TOKEN = "a-token-of-at-least-thirty-two-characters"


@dataclass
class Api:
    """The application, and clients of it."""

    desk: Desk
    app: FastAPI
    stack: contextlib.AsyncExitStack
    woken: list[int] = field(default_factory=list)

    async def key(self, *branches: str, rights: Sequence[str] = RIGHTS, name: str = "a till", **over: Any) -> NewKey:
        """A key that is stored."""
        made = new_key(name, branches=branches, rights=rights, **over)
        async with self.desk.pool.connection() as conn:
            await add_key(conn, made)
        return made

    async def client(self, token: str | None) -> httpx.AsyncClient:
        """A client that sends this token."""
        headers = {"authorization": f"Bearer {token}"} if token is not None else {}
        return await self.stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://orders", headers=headers)
        )

    async def till(self, *branches: str, rights: Sequence[str] = RIGHTS) -> httpx.AsyncClient:
        """A client with a key for these branches."""
        return await self.client((await self.key(*branches, rights=rights)).token)

    async def placed(self, call_id: str = "HD_orders01", branch_id: str = "westlands") -> str:
        """An order that was just placed; its id."""
        desk, item = self.desk, "fries" if branch_id == "westlands" else "tiramisu"
        await desk.answer(desk.event(fc("addItem", name=item), call_id=call_id, branch_id=branch_id))
        total = (await desk.answer(desk.event(fc("getTotal"), call_id=call_id, branch_id=branch_id)))[0]
        heard = ReadBackEvidence(quote_id=total["quote_id"], outcome="completed", played_ms=3000, caller_speech_ms=500)
        event = desk.event(fc("placeOrder"), call_id=call_id, branch_id=branch_id, heard=heard)
        order_id: str = (await desk.answer(event))[0]["order_id"]
        return order_id


@contextlib.asynccontextmanager
async def api_on(
    desk: Desk, limits: PaceLimits | None = None, streams: StreamLimits | None = None
) -> AsyncIterator[Api]:
    """The API beside the internal routes, as the service wires them."""

    async def answer(received: Any) -> bytes:
        answered = await desk.handler.answer(received, "http")
        stamp = Stamp(id="answer", source="/test", time=desk.clock.now(), traceparent=str(Trace.new()))
        return encode(answered.event, stamp)

    async with contextlib.AsyncExitStack() as stack:
        app = create_app("orders", Process(clock=desk.clock, metrics=desk.metrics))
        app.include_router(internal_routes(SecretStr(TOKEN), desk.catalog, answer))
        api = Api(desk, app, stack)
        parts = ApiParts(
            SecretStr(TOKEN),
            desk.pool,
            desk.catalog,
            desk.clock,
            desk.metrics,
            Pace(limits or PaceLimits(per_second=1000, burst=10_000)),
            lambda: api.woken.append(1),
            FeedDoor(desk.pool, FeedBell(), desk.metrics, streams),
        )
        add_public_api(app, parts)
        yield api


@pytest.fixture
async def api(desk: Desk) -> AsyncIterator[Api]:
    async with api_on(desk) as made:
        yield made
