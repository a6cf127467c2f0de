"""What one leg tells the other services: its events, in their order, each under an id of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import assert_never

from agiza.contracts.events import Event
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.publisher import EventTooLarge, Stamped
from agiza.runtime.traces import Trace
from services.bridge.call_events import CallEvents, in_brief
from services.bridge.costs import Prices, cost_of, note_cost
from services.bridge.measures import note_end
from services.bridge.outlet import Outlet
from services.bridge.session import CallFacts
from services.bridge.session import actions as a

_log = get_logger(__name__)


class CallOutlet:
    """Queues without waiting; :meth:`run` sends. ``is_reported`` turns true with the report of the leg's end."""

    def __init__(
        self, facts: CallFacts, trace: Trace, reply_to: str, outlet: Outlet, prices: Prices, metrics: Metrics
    ) -> None:
        self._leg = f"{facts.call_id}:{facts.leg_epoch}"
        self._events = CallEvents(facts, reply_to)
        self._trace = trace
        self._outlet = outlet
        self._prices = prices
        self._metrics = metrics
        self._queue: asyncio.Queue[Callable[[], Awaitable[None]] | None] = asyncio.Queue()
        self._tool_events: dict[str, Stamped] = {}
        self._cancellations = 0
        self.is_reported = False

    async def run(self) -> None:
        """Send one after the other until :meth:`finish`."""
        while (work := await self._queue.get()) is not None:
            await work()

    def finish(self) -> None:
        """Nothing more comes: what is queued is still sent."""
        self._queue.put_nowait(None)

    @property
    def unsent(self) -> int:
        """How much waits."""
        return self._queue.qsize()

    def speak(self, facts: CallFacts) -> None:
        """The call goes on in another language; ``facts`` has it."""
        self._events = replace(self._events, facts=facts)

    def publish(self, action: a.PublishTools | a.PublishToolsCancelled | a.RequestHandoff) -> None:
        """Queue the event of this action."""
        match action:
            case a.PublishTools(request_id):
                event = self._events.tools_called(action, self._outlet.now_ms())
                self._tool_events[request_id] = self._put(event, request_id)
            case a.PublishToolsCancelled():
                self._cancellations += 1
                self._put(self._events.tools_cancelled(action), f"{self._leg}:x{self._cancellations}")
            case a.RequestHandoff(request_id):
                if action.by_session:
                    self._metrics.add("session_escalations_total", reason=action.reason)
                self._put(self._events.handoff_requested(action), request_id)
            case _ as never:
                assert_never(never)

    async def ask_orders(self, request_id: str) -> Event | None:
        """The same request over HTTP; its answer, if there is one."""
        return await self._outlet.ask_orders(self._tool_events[request_id])

    def report(self, report: a.CallReport) -> None:
        """Queue the report of the leg's end, with its cost; in brief where it does not fit an event."""
        cost = cost_of(report, self._prices)
        event_id = f"{self._leg}:ended"
        try:
            stamped = self._outlet.stamp(self._events.call_ended(report, cost), self._trace, id=event_id)
        except (EventTooLarge, ValueError) as error:  # too long, or something in it that has no JSON
            _log.warning("report_shortened", why=type(error).__name__)
            stamped = self._outlet.stamp(self._events.call_ended(in_brief(report), cost), self._trace, id=event_id)
        self.is_reported = True
        self._queue.put_nowait(lambda: self._outlet.send_surely(stamped))
        note_end(report, self._metrics)
        note_cost(report, cost, self._metrics)

    def _put(self, event: Event, event_id: str) -> Stamped:
        stamped = self._outlet.stamp(event, self._trace, id=event_id)
        self._queue.put_nowait(lambda: self._outlet.send(stamped))
        return stamped
