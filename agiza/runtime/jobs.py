"""Background jobs, by arq. This is the only file that knows it.

    async with open_job_queue(url, service="escalation") as queue:
        await queue.enqueue("notify_staff", job_id=f"escalate:{call_id}:{epoch}", handoff_id=...)

    worker = JobWorker(url, {"notify_staff": notify_staff}, service="escalation", metrics=metrics)
    process.supervise("jobs", worker.run(process.stopping))

A job makes things *soon*, never certain: what must happen is a row in Postgres, found by a sweeper; the job carries
its id. Jobs may run more than once. Arguments are JSON (arq's default would unpickle what it finds in Redis). A
killed worker's job runs again after ``timeout_s`` + 10 s. arq is silent about a stop: the process handles signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import arq
import msgspec
from arq.connections import ArqRedis
from arq.worker import Function, Worker
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry as ConnectionRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from agiza.runtime.logs import bound, get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import COMMAND_TIMEOUT_S, CONNECT_TIMEOUT_S
from agiza.runtime.redis_clients import UNAVAILABLE as REDIS_UNAVAILABLE
from agiza.runtime.tasks import end

QUEUE: Final = "arq:queue"
TIMEOUT_S: Final = 10
TRIES_MAX: Final = 10
POLL_S: Final = 0.05
HEALTH_S: Final = 5
KEEP_RESULT_S: Final = 3600
"""Longer than any call: so long a second job with the same id is not accepted."""
JOBS_AT_ONCE: Final = 20
FINISH_S: Final = TIMEOUT_S + 2
RESTART_PAUSE_S: Final = (0.1, 5.0)

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """The run of a job: its id, and 1 for the first try."""

    id: str
    tries: int


JobFunction = Callable[..., Awaitable[None]]
"""``async def notify_staff(job: Job, *, handoff_id: str) -> None``."""


class TryAgain(Exception):
    """Raised by a job: run it again after ``pause_s`` (and some chance), at most :data:`TRIES_MAX` times in all."""

    retryable = True

    def __init__(self, pause_s: float) -> None:
        super().__init__(f"again in {pause_s} s")
        self.pause_s = pause_s


class JobFailed(Exception):
    """What arq sees, logs and stores of a failed job: only the kind of its error. The text may repeat its input."""

    retryable = False


class JobQueue:
    """Where jobs are put."""

    def __init__(self, client: ArqRedis) -> None:
        self._client = client

    async def enqueue(self, name: str, *, job_id: str, pause_s: float = 0, **arguments: Any) -> bool:
        """Queue a job, due after ``pause_s``. False if one with this id is queued, runs, or ran within the hour.

        Raises redis' errors when it does not answer; the sweeper then finds the row.
        """
        job = await self._client.enqueue_job(name, _job_id=job_id, _defer_by=pause_s or None, **arguments)
        return job is not None

    async def has_worker(self) -> bool:
        """Whether some worker has given a sign of life within the last seconds."""
        return bool(await self._client.exists(f"{QUEUE}:health-check"))


@contextlib.asynccontextmanager
async def open_job_queue(url: str, *, service: str) -> AsyncIterator[JobQueue]:
    """The queue for the length of the context."""
    client = _client(url, service)
    try:
        yield JobQueue(client)
    finally:
        await client.aclose(close_connection_pool=True)


class JobWorker:
    """Runs jobs until told to stop. Begins anew when Redis was away, which would end arq's own loop."""

    def __init__(
        self,
        url: str,
        functions: Mapping[str, JobFunction],
        *,
        service: str,
        metrics: Metrics,
        is_away: Callable[[BaseException], bool] = lambda error: False,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._url = url
        self._service = service
        self._metrics = metrics
        self._is_away = is_away
        self._timeout_s = timeout_s
        self._functions = [self._wrapped(name, function) for name, function in functions.items()]

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping``; then take no more, finish what runs within :data:`FINISH_S`, and return.

        What does not finish is cancelled and stays queued.
        """
        failures = 0
        while not stopping.is_set():
            try:
                await self._work(stopping)
                failures = 0
            except (*REDIS_UNAVAILABLE, RedisError, OSError) as error:
                if failures == 0:
                    _log.warning("jobs_waiting", error=type(error).__name__, exc_info=error)
                first, longest = RESTART_PAUSE_S
                pause = min(longest, first * 2 ** min(failures, 10)) * random.uniform(0.8, 1.2)
                failures += 1
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), pause)

    async def _work(self, stopping: asyncio.Event) -> None:
        worker = Worker(
            self._functions,
            redis_pool=_client(self._url, f"{self._service}-worker"),
            queue_name=QUEUE,
            handle_signals=False,
            max_jobs=JOBS_AT_ONCE,
            job_timeout=self._timeout_s,
            keep_result=KEEP_RESULT_S,
            poll_delay=POLL_S,
            max_tries=TRIES_MAX,
            health_check_interval=HEALTH_S,
            job_serializer=_encode,
            job_deserializer=_decode,
            log_results=False,
        )
        working = asyncio.ensure_future(worker.async_run())
        stop = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait((working, stop), return_when=asyncio.FIRST_COMPLETED)
            worker.allow_pick_jobs = False
            if not working.done() and worker.tasks:
                await asyncio.wait(list(worker.tasks.values()), timeout=FINISH_S)
            if working.done():
                working.result()  # Redis was away: its error decides what happens next
        finally:
            stop.cancel()
            await _close(worker, working)

    def _wrapped(self, name: str, function: JobFunction) -> Function:
        async def run(ctx: dict[Any, Any], *_: Any, **arguments: Any) -> None:
            job = Job(ctx["job_id"], ctx["job_try"])
            outcome = "failed"
            with bound(job=name, job_id=job.id):
                try:
                    await function(job, **arguments)
                    outcome = "done"
                except TryAgain as again:
                    outcome = "again"
                    raise arq.Retry(defer=again.pause_s * random.uniform(0.8, 1.2)) from None
                except asyncio.CancelledError:
                    outcome = "cancelled"
                    raise
                except Exception as error:
                    if isinstance(error, REDIS_UNAVAILABLE) or self._is_away(error):
                        outcome = "again"
                        raise arq.Retry(defer=random.uniform(0.5, 1.5) * job.tries) from None
                    _log.error("job_failed", exc_info=error)
                    raise JobFailed(type(error).__name__) from None
                finally:
                    self._metrics.add("jobs_total", job=name, outcome=outcome)

        return arq.func(run, name=name)


async def _close(worker: Worker, working: asyncio.Future[None]) -> None:
    """End everything that belongs to this worker, whatever Redis says. A cancelled job stays queued."""
    await end({working, *worker.tasks.values()})
    with contextlib.suppress(RedisError, OSError):
        await worker.pool.delete(worker.health_check_key)
    await worker.pool.aclose(close_connection_pool=True)


def _client(url: str, purpose: str) -> ArqRedis:
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=JOBS_AT_ONCE * 2,
        timeout=COMMAND_TIMEOUT_S,
        socket_timeout=COMMAND_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_keepalive=True,
        retry=ConnectionRetry(NoBackoff(), 0),
        client_name=f"agiza-{purpose}-jobs",
    )
    return ArqRedis(pool, job_serializer=_encode, job_deserializer=_decode, default_queue_name=QUEUE)


def _encode(value: dict[str, Any]) -> bytes:
    # A failed job's result holds its exception.
    return msgspec.json.encode(
        value, enc_hook=lambda odd: str(odd) if isinstance(odd, JobFailed) else type(odd).__name__
    )


def _decode(raw: bytes) -> dict[str, Any]:
    return msgspec.json.decode(raw, type=dict[str, Any])
