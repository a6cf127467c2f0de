"""Callers by text: function calls as the bridge asks them over HTTP, on calls that the webhook has written down."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx

from agiza.contracts.envelope import Stamp, decode, encode
from agiza.contracts.events import FunctionCall, ReadBackEvidence, ToolAnswered, ToolCalled
from agiza.runtime.clock import Clock
from agiza.runtime.postgres import Pool
from agiza.runtime.traces import Trace

ITEMS: Final = ("chicken-burger", "fries", "samosa", "soda", "bhajia", "beef-burger", "coleslaw", "tea")
BETWEEN_S: Final = (2.0, 6.0)
"""A caller of the load orders something every four seconds, which is more than people do."""


class Refused(Exception):
    """A function call was not answered as it should have been."""


@dataclass
class Callers:
    """Makes calls in one branch; ``calls`` is the pool of whoever writes calls down."""

    http: httpx.AsyncClient
    calls: Pool
    clock: Clock
    branch: str
    token: str
    ids: itertools.count[int]
    """Numbers of calls and events, shared with others who call the same service."""

    async def ring(self) -> str:
        """A call that has just begun; its id."""
        call_id = f"HD_bench{next(self.ids):06}"
        async with self.calls.connection() as conn:
            await conn.execute(
                "INSERT INTO calls (call_id, branch_id, menu_version, stage, traceparent, started_at)"
                " VALUES (%s, %s, 1, 'streaming', '', %s)",
                (call_id, self.branch, self.clock.now()),
            )
        return call_id

    async def hang_up(self, call_id: str) -> None:
        async with self.calls.connection() as conn:
            await conn.execute(
                "UPDATE calls SET ended_at = %s, outcome = 'placed' WHERE call_id = %s", (self.clock.now(), call_id)
            )

    async def ask(
        self, call_id: str, tool: str, /, *, heard: ReadBackEvidence | None = None, **args: Any
    ) -> dict[str, Any]:
        """One function call; its response. Raises :class:`Refused`."""
        number = next(self.ids)
        event = ToolCalled(
            branch_id=self.branch,
            call_id=call_id,
            menu_version=1,
            leg_epoch=1,
            calls=(FunctionCall(id=f"fc-{number}", name=tool, args=args),),
            cart_version_told=None,
            deadline_ms=int((self.clock.now() + timedelta(seconds=8)).timestamp() * 1000),
            reply_to="agiza:replies:bench",
            read_back=heard,
        )
        stamp = Stamp(id=f"evt-{number}", source="/bench", time=self.clock.now(), traceparent=str(Trace.new()))
        answer = await self.http.post(
            "/internal/tool-calls", content=encode(event, stamp), headers={"authorization": f"Bearer {self.token}"}
        )
        answered = decode(answer.content).event if answer.status_code == 200 else None
        if not isinstance(answered, ToolAnswered) or answered.results[0].response["status"] != "ok":
            raise Refused(f"{tool}: {answer.status_code} {answer.text[:200]}")
        return answered.results[0].response

    async def timed(self, call_id: str, tool: str, /, **more: Any) -> tuple[dict[str, Any], float, float]:
        """The response, and the Unix times in ms at which it was asked for and there."""
        asked = time.time() * 1000
        response = await self.ask(call_id, tool, **more)
        return response, asked, time.time() * 1000

    async def read_back(self, call_id: str) -> ReadBackEvidence:
        """Price the cart; the caller hears it to the end and says yes."""
        total = await self.ask(call_id, "getTotal")
        return ReadBackEvidence(quote_id=total["quote_id"], outcome="completed", played_ms=4000, caller_speech_ms=400)

    async def go_on(self, stopping: asyncio.Event, chance: random.Random) -> int:
        """Be one caller after the other until ``stopping``; how many ordered."""
        ordered = 0
        while not stopping.is_set():
            call_id = await self.ring()
            for item in chance.sample(ITEMS, 3):
                await self.ask(call_id, "addItem", name=item)
                await _wait(stopping, chance.uniform(*BETWEEN_S))
            await self.ask(call_id, "placeOrder", heard=await self.read_back(call_id))
            await self.hang_up(call_id)
            ordered += 1
        return ordered


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
