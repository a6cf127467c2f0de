"""What call control decided, told to the other services: after the commit, in order, at least once.

Events lie in the call's row until Redis has taken them. A process that dies between the commit and the publishing
leaves them there, and the next sweep of any replica sends them, with the same ids.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, assert_never

from agiza.contracts import events
from agiza.domain.call_answers import (
    CallbackPromised,
    CallEvent,
    DialEnded,
    DialServed,
    HungUp,
    OutboundMoved,
    Rejoined,
    Started,
)
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE, Pool, transaction
from agiza.runtime.publisher import Publisher, PublishFailed, Stamped
from services.webhook.directory import Directory
from services.webhook.store import CallRow, JsonObject, close_forgotten, forget_sent, unsent_events

QUEUE_MAX: Final = 10_000
"""Events waiting in memory; more than this wait in their rows only."""
RETRY_S: Final = 0.5
FORGET_WAIT_S: Final = 0.3
SWEEP_S: Final = 10.0
SWEEP_BACK: Final = timedelta(days=1)

log = get_logger(__name__)


def _contract(event: CallEvent, row: CallRow) -> events.Event:
    branch_id, call_id = row.branch_id, row.call_id
    match event:
        case Started():
            return events.CallStarted(branch_id=branch_id, call_id=call_id, menu_version=row.menu_version)
        case Rejoined(epoch):
            return events.CallRejoined(branch_id=branch_id, call_id=call_id, leg_epoch=epoch)
        case DialServed(contact_id, handoff_id, attempt):
            return events.CallDialServed(
                branch_id=branch_id, call_id=call_id, handoff_id=handoff_id, contact_id=contact_id, attempt=attempt
            )
        case DialEnded(handoff_id, connected, carrier_state, is_last):
            return events.CallDialEnded(
                branch_id=branch_id,
                call_id=call_id,
                handoff_id=handoff_id,
                connected=connected,
                carrier_state=carrier_state[:64],
                is_last=is_last,
            )
        case CallbackPromised(handoff_id):
            return events.CallbackPromised(branch_id=branch_id, call_id=call_id, handoff_id=handoff_id)
        case HungUp(duration_s):
            return events.CallHungUp(branch_id=branch_id, call_id=call_id, duration_s=duration_s)
        case OutboundMoved(outbound_id, step, carrier_state):
            return events.OutboundMoved(
                branch_id=branch_id,
                call_id=call_id,
                outbound_id=outbound_id,
                step=step,
                carrier_state=carrier_state[:64],
            )
        case _:
            assert_never(event)


class Announcer:
    """Publishes in the background. Nobody waits for it: the carrier's answer must not depend on Redis."""

    def __init__(self, *, publisher: Publisher, pool: Pool, directory: Directory, clock: Clock) -> None:
        self._publisher = publisher
        self._pool = pool
        self._directory = directory
        self._clock = clock
        self._queue: asyncio.Queue[tuple[str, JsonObject, bool]] = asyncio.Queue(QUEUE_MAX)
        self._waiting: set[str] = set()

    def prepared(self, event: CallEvent, row: CallRow, now: datetime) -> JsonObject:
        """The event as it waits in the call's row: with its id, so that it can be sent again as the same one."""
        stamped = self._publisher.stamp(_contract(event, row), row.traceparent)
        return {
            "id": stamped.id,
            "type": stamped.type,
            "destination": stamped.destination,
            "body": stamped.body.decode(),
            "at": now.isoformat(),
        }

    def announce(self, call_id: str, unsent: Iterable[JsonObject], *, is_stored: bool) -> None:
        """Publish these soon; what already waits is not queued twice. ``is_stored``: they lie in the call's row."""
        for event in unsent:
            if event["id"] in self._waiting:
                continue
            try:
                self._queue.put_nowait((call_id, event, is_stored))
            except asyncio.QueueFull:
                log.warning("announcements_full", call_id=call_id)
                return
            self._waiting.add(event["id"])

    async def run(self, stopping: asyncio.Event) -> None:
        """Publish until the service stops and nothing waits, or Redis does not take it any more."""
        while not (stopping.is_set() and self._queue.empty()):
            try:
                call_id, event, is_stored = await asyncio.wait_for(self._queue.get(), RETRY_S)
            except TimeoutError:
                continue
            while not (is_sent := await self._send(event)) and not stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), RETRY_S)
            if is_sent and is_stored:
                await self._forget(call_id, event["id"])
            self._waiting.discard(event["id"])

    async def _send(self, event: JsonObject) -> bool:
        stamped = Stamped(event["id"], event["type"], event["destination"], event["body"].encode())
        try:
            await self._publisher.send(stamped)
        except PublishFailed:
            return False
        return True

    async def _forget(self, call_id: str, event_id: str) -> None:
        with contextlib.suppress(*UNAVAILABLE):  # then it is sent once more, which every consumer expects
            async with self._pool.connection(FORGET_WAIT_S) as conn:
                await forget_sent(conn, call_id, (event_id,))

    async def sweep(self, stopping: asyncio.Event) -> None:
        """Find what a process that died has left: unpublished events, calls without an outcome."""
        while not stopping.is_set():
            with contextlib.suppress(*UNAVAILABLE):
                await self.sweep_once()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), SWEEP_S)

    async def sweep_once(self) -> None:
        """One round. Raises psycopg's errors when the database is away."""
        now = self._clock.now()
        branches = self._directory.ids()
        async with transaction(self._pool) as conn:
            left = await unsent_events(conn, branches, now - SWEEP_BACK)
            closed = await close_forgotten(conn, branches, now)
        # What was decided a moment ago is being published right now; only older events have been left behind.
        old = (now - timedelta(seconds=SWEEP_S / 2)).isoformat()
        for call_id, event in left:
            if event["at"] < old:
                self.announce(call_id, (event,), is_stored=True)
        if closed:
            log.info("calls_closed_by_sweep", calls=closed)
