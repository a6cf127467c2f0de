"""The jobs: quick where the sweeper is sure. Each carries the id of one row and may run more than once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from agiza.carrier.errors import CarrierApiError
from agiza.runtime.jobs import Job, JobFunction, TryAgain
from agiza.runtime.publisher import PublishFailed
from services.escalation.errands import LEAVE, LOOK_AFTER, PLACE, RING_BACK, TELL_STAFF

AGAIN_AFTER_S: Final = 0.5

Work = Callable[[str], Awaitable[object]]


def jobs(*, leave: Work, place: Work, ring_back: Work, look_after: Work, tell_staff: Work) -> Mapping[str, JobFunction]:
    """What the worker runs, by name."""
    return {
        LEAVE: _job(leave),
        PLACE: _job(place),
        RING_BACK: _job(ring_back),
        LOOK_AFTER: _job(look_after),
        TELL_STAFF: _job(tell_staff),
    }


def _job(work: Work) -> JobFunction:
    async def run(job: Job, *, subject: str) -> None:
        try:
            await work(subject)
        except PublishFailed:
            raise TryAgain(AGAIN_AFTER_S) from None
        except CarrierApiError as error:
            if error.retryable:
                raise TryAgain(AGAIN_AFTER_S * 2) from None
            raise

    return run
