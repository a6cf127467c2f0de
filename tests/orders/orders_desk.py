"""The orders service on a real database, without its consumer: events go straight into the handler."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from servers import Database

from agiza.contracts.envelope import Received, Stamp, decode, encode
from agiza.contracts.events import FunctionCall, ReadBackEvidence, ToolCalled
from agiza.runtime.branch_files import load_branch_files
from agiza.runtime.clock import StoppedClock
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool, open_pool
from agiza.runtime.traces import Trace
from services.orders.catalog import Catalog
from services.orders.handler import ToolHandler

BRANCHES = Path(__file__).parents[2] / "branches"
CALL = "HD_orders01"
_ids = itertools.count(1)


@dataclass
class Desk:
    """A handler with short words for what tests do with it."""

    pool: Pool
    catalog: Catalog
    handler: ToolHandler
    clock: StoppedClock
    metrics: Metrics
    admin_url: str

    def event(
        self,
        *calls: FunctionCall,
        call_id: str = CALL,
        branch_id: str = "westlands",
        epoch: int = 1,
        told: int | None = None,
        late_ms: int = 0,
        heard: ReadBackEvidence | None = None,
    ) -> Received:
        deadline_ms = int(self.clock.now().timestamp() * 1000) + 8000 - late_ms
        event = ToolCalled(
            branch_id=branch_id,
            call_id=call_id,
            menu_version=1,
            leg_epoch=epoch,
            calls=calls,
            cart_version_told=told,
            deadline_ms=deadline_ms,
            reply_to="agiza:replies:test",
            read_back=heard,
        )
        stamp = Stamp(id=f"evt-{next(_ids)}", source="/test", time=self.clock.now(), traceparent=str(Trace.new()))
        return decode(encode(event, stamp))

    async def ask(self, name: str, /, **args: Any) -> dict[str, Any]:
        """One function call with a new id; its response."""
        return (await self.answer(self.event(fc(name, **args))))[0]

    async def answer(self, received: Received) -> list[dict[str, Any]]:
        """The responses to an event, in order."""
        answered = await self.handler.answer(received, "stream")
        return [result.response for result in answered.event.results]

    async def read_back(self) -> ReadBackEvidence:
        """Price the cart; evidence that the caller heard it to the end and answered."""
        total = await self.ask("getTotal")
        return ReadBackEvidence(quote_id=total["quote_id"], outcome="completed", played_ms=4000, caller_speech_ms=400)

    async def place(self, *, call_id: str = CALL) -> dict[str, Any]:
        """Read back and place."""
        heard = await self.read_back()
        return (await self.answer(self.event(fc("placeOrder"), heard=heard, call_id=call_id)))[0]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database holds, seen by the administrator."""
        with psycopg.connect(self.admin_url) as connection:
            return connection.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]

    def run(self, statement: str) -> None:
        """Change the database as another service would."""
        with psycopg.connect(self.admin_url) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


def fc(name: str, /, *, fc_id: str | None = None, **args: Any) -> FunctionCall:
    """A function call of the model."""
    return FunctionCall(id=fc_id or f"fc-{next(_ids)}", name=name, args=args)


@functools.cache
def _documents() -> list[Mapping[str, Any]]:
    """Of the branch files, read once: reading them takes half a second, and nobody changes them."""
    return [loaded.document for loaded in load_branch_files(BRANCHES)]


@contextlib.asynccontextmanager
async def desk_on(database: Database, clock: StoppedClock, metrics: Metrics) -> AsyncIterator[Desk]:
    """A desk in whatever loop asks for it."""
    async with open_pool(database.urls["agiza_orders"], service="orders") as pool:
        catalog = Catalog(pool)
        await catalog.publish(_documents())
        yield Desk(pool, catalog, ToolHandler(pool, catalog, clock, metrics), clock, metrics, database.url)


@pytest.fixture
async def desk(database: Database, clock: StoppedClock, metrics: Metrics) -> AsyncIterator[Desk]:
    async with desk_on(database, clock, metrics) as made:
        yield made
