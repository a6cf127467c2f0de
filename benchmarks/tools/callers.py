"""Callers who order, each function call due at its own moment: what is asked, and which answers are right.

A call takes the eight steps of `STEPS`, one entry of one function call each. At every tick one of the live calls takes
its next step: the one whose last answer is oldest. A call never asks while it waits for an answer, as no model does;
where all are waiting, one more joins them, so the rate is kept. One that is done makes room for a new one. The order is
read back and confirmed as a bridge would report it, so every call ends with a ticket.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from agiza.contracts.events import FunctionCall, ReadBackEvidence, ToolAnswered, ToolCalled
from agiza.runtime.clock import Clock

BRANCH: Final = "westlands"
STEPS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("addItem", {"name": "chicken-burger", "quantity": 2}),
    ("applyModifier", {"item": "chicken-burger", "modifier": "no-onions", "quantity": 1}),
    ("addItem", {"name": "fries", "modifiers": ["large"]}),
    ("addItem", {"name": "soda"}),
    ("searchMenu", {"query": "juice"}),
    ("getTotal", {}),
    ("placeOrder", {}),
    ("orderStatus", {}),
)
LIVE_CALLS: Final = 100
"""At 100 entries in a second, each call asks once in a second, as a quick caller does."""
PATIENCE_MS: Final = 8_000

Ask = Callable[[ToolCalled], Awaitable[ToolAnswered]]
"""Carries an entry to the desk and brings its answer back. Raises TimeoutError when none comes."""


@dataclass(slots=True)
class Caller:
    """One call, with what its bridge knows."""

    call_id: str
    step: int = 0
    told: int = 0
    total: dict[str, Any] = field(default_factory=dict)

    def next_entry(self, clock: Clock, reply_to: str) -> ToolCalled:
        """The entry of its next step."""
        name, args = STEPS[self.step]
        call = FunctionCall(id=f"fc-{self.step}", name=name, args=args)
        self.step += 1
        heard = None
        if name == "placeOrder":
            heard = ReadBackEvidence(
                quote_id=str(self.total.get("quote_id", "")), outcome="completed", played_ms=9_000, caller_speech_ms=600
            )
        return ToolCalled(
            branch_id=BRANCH,
            call_id=self.call_id,
            menu_version=1,
            leg_epoch=0,
            calls=(call,),
            cart_version_told=self.told,
            deadline_ms=int(clock.now().timestamp() * 1000) + PATIENCE_MS,
            reply_to=reply_to,
            read_back=heard,
        )

    def hear(self, answer: ToolAnswered) -> str | None:
        """What is wrong with the answer. The right one says that it was done as asked, and an order is for the total
        that was read."""
        (result,) = answer.results
        response = result.response
        self.told = answer.cart_version
        if result.name == "getTotal":
            self.total = response
        if response["status"] != "ok":
            return f"{result.name}: {response['status']}, {response['code']}"
        if result.name == "placeOrder" and response.get("total_minor") != self.total.get("total_minor"):
            return f"{result.name}: another total than was read"
        return None


@dataclass(slots=True)
class Callers:
    """The live calls of one way to the desk. ``ask`` is that way."""

    ask: Ask
    clock: Clock
    reply_to: str
    prefix: str
    live: int = LIVE_CALLS
    ms: list[float] = field(default_factory=list)
    right: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    placed: int = 0
    _made: itertools.count[int] = field(default_factory=itertools.count)
    _count: int = 0
    _idle: deque[Caller] = field(default_factory=deque)

    async def call_steadily(self, count: int, rate: float) -> None:
        """``count`` entries, each at its time, whether or not those before are answered. Their times are counted from
        the moment at which each was due."""
        began = time.perf_counter()
        asking = []
        for n in range(count):
            due = began + n / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asking.append(asyncio.create_task(self._one(due)))
        await asyncio.gather(*asking)

    def forget(self) -> None:
        """What was measured so far was for warming up. The calls go on."""
        self.ms.clear()
        self.right = 0
        self.wrong.clear()

    async def _one(self, due: float) -> None:
        caller = self._caller()
        entry = caller.next_entry(self.clock, self.reply_to)
        try:
            answer = await self.ask(entry)
        except TimeoutError:
            self.ms.append(float("inf"))
            self.wrong["no answer"] += 1
            self._count -= 1  # nobody knows what became of it: the call is over
            return
        self.ms.append((time.perf_counter() - due) * 1000)
        problem = caller.hear(answer)
        if problem is None:
            self.right += 1
            self.placed += entry.calls[0].name == "placeOrder"
        else:
            self.wrong[problem] += 1
        if caller.step < len(STEPS):
            self._idle.append(caller)
        else:
            self._count -= 1

    def _caller(self) -> Caller:
        """The call whose turn it is, or a new one where there are too few, or all are waiting."""
        if self._idle and self._count >= self.live:
            return self._idle.popleft()
        self._count += 1
        return Caller(f"HD_{self.prefix}{next(self._made):06d}")
