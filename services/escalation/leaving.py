"""The job that watches one hand-off: quick where the sweeper is sure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from redis.exceptions import RedisError

from agiza.runtime.jobs import Job, JobQueue, TryAgain
from agiza.runtime.logs import get_logger
from agiza.runtime.publisher import PublishFailed
from services.escalation.desk import Desk, StartJob
from services.escalation.store import HandoffRow

JOB: Final = "leave_for_handoff"
LEAVE_AFTER_S: Final = 4.0
"""Time for the agent to say that a person is being called; then the bridge is told to leave."""
AGAIN_AFTER_S: Final = 0.5

log = get_logger(__name__)


def start_job(queue: JobQueue) -> StartJob:
    """Asks for the job once per hand-off: a second request of the same id changes nothing."""

    async def start(row: HandoffRow) -> None:
        try:
            await queue.enqueue(
                JOB,
                job_id=f"handoff:{row.call_id}:{row.leg_epoch}",
                pause_s=LEAVE_AFTER_S,
                handoff_id=row.handoff_id,
            )
        except RedisError as error:
            log.warning("job_not_queued", handoff_id=row.handoff_id, kind=type(error).__name__)

    return start


def leave_job(desk: Desk) -> Callable[..., Awaitable[None]]:
    """What the worker runs."""

    async def leave(job: Job, *, handoff_id: str) -> None:
        try:
            await desk.order_leave(handoff_id)
        except PublishFailed:
            raise TryAgain(AGAIN_AFTER_S) from None

    return leave
