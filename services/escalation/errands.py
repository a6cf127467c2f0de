"""What is to be done once a transaction is committed: told, queued, hung up.

All of it may be lost or done twice: what must happen stands in a row, and the sweeper finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from redis.exceptions import RedisError

from agiza.contracts.events import Event
from agiza.runtime.jobs import JobQueue
from agiza.runtime.logs import get_logger
from agiza.runtime.publisher import Publisher

TASKS_MAX: Final = 50
"""Hang-ups under way at once; more wait for their turn."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tell:
    """Publish an event to a bridge."""

    event: Event
    traceparent: str


@dataclass(frozen=True, slots=True)
class Queue:
    """Have a job run after ``pause_s``. ``subject`` is the id of the row that it is about."""

    job: str
    job_id: str
    subject: str
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class HangUp:
    """End a call of ours, or a caller's."""

    carrier_call_id: str


Errand: TypeAlias = Tell | Queue | HangUp

LEAVE: Final = "leave_for_handoff"
PLACE: Final = "place_call"
RING_BACK: Final = "ring_back"
LOOK_AFTER: Final = "look_after"
TELL_STAFF: Final = "tell_staff"


def place(outbound_id: str) -> Queue:
    """Place this call now."""
    return Queue(PLACE, f"place:{outbound_id}", outbound_id)


class Errands:
    """Runs errands. One per process."""

    def __init__(self, publisher: Publisher, queue: JobQueue, hang_up: Callable[[str], Awaitable[object]]) -> None:
        self._publisher = publisher
        self._queue = queue
        self._hang_up = hang_up
        self._places = asyncio.Semaphore(TASKS_MAX)
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, errands: Iterable[Errand]) -> None:
        """Carry them out, in order; hang-ups go on in the background.

        Raises :class:`~agiza.runtime.publisher.PublishFailed` where a bridge could not be told.
        """
        for errand in errands:
            match errand:
                case Tell(event, traceparent):
                    await self._publisher.publish(event, traceparent)
                case Queue():
                    await self._enqueue(errand)
                case HangUp(carrier_call_id):
                    task = asyncio.create_task(self._end(carrier_call_id), name="hang up")
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
                case _:
                    assert_never(errand)

    async def settle(self) -> None:
        """Wait for what goes on in the background."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _enqueue(self, errand: Queue) -> None:
        try:
            await self._queue.enqueue(errand.job, job_id=errand.job_id, pause_s=errand.pause_s, subject=errand.subject)
        except RedisError as error:
            log.warning("job_not_queued", job=errand.job, kind=type(error).__name__)

    async def _end(self, carrier_call_id: str) -> None:
        async with self._places:
            await self._hang_up(carrier_call_id)
