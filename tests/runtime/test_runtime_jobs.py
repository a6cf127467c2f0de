"""Background jobs over a real Redis, with the rights of the escalation service."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from captured_logs import Logged
from redis.asyncio import Redis

from agiza.runtime.embedded import embedded_redis
from agiza.runtime.jobs import Job, JobFunction, JobQueue, JobWorker, TryAgain, open_job_queue
from agiza.runtime.metrics import Metrics

pytestmark = pytest.mark.integration


@pytest.fixture
async def queue(redis_urls: Mapping[str, str]) -> AsyncIterator[JobQueue]:
    async with open_job_queue(redis_urls["escalation"], service="escalation") as opened:
        yield opened


@contextlib.asynccontextmanager
async def working(url: str, metrics: Metrics, **functions: JobFunction) -> AsyncIterator[asyncio.Event]:
    stopping = asyncio.Event()
    worker = JobWorker(url, functions, service="escalation", metrics=metrics)
    task = asyncio.create_task(worker.run(stopping))
    try:
        yield stopping
    finally:
        stopping.set()
        await asyncio.wait_for(task, 30)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.01)


async def test_job_runs_with_its_arguments(queue: JobQueue, redis_urls: Mapping[str, str], metrics: Metrics) -> None:
    ran: list[tuple[str, int, str]] = []

    async def notify(job: Job, *, handoff_id: str) -> None:
        ran.append((job.id, job.tries, handoff_id))

    async with working(redis_urls["escalation"], metrics, notify=notify):
        assert await queue.enqueue("notify", job_id="escalate:HD_1:0", handoff_id="h-1")
        await until(lambda: ran)
        await until(lambda: metrics.value("jobs_total", job="notify", outcome="done") == 1)
        assert await queue.has_worker()
    assert ran == [("escalate:HD_1:0", 1, "h-1")]
    assert not await queue.has_worker()


async def test_same_id_is_accepted_once(queue: JobQueue, redis_urls: Mapping[str, str], metrics: Metrics) -> None:
    ran: list[str] = []

    async def notify(job: Job) -> None:
        ran.append(job.id)

    assert await queue.enqueue("notify", job_id="a")
    assert not await queue.enqueue("notify", job_id="a")
    async with working(redis_urls["escalation"], metrics, notify=notify):
        await until(lambda: metrics.value("jobs_total", job="notify", outcome="done") == 1)
        assert await queue.enqueue("notify", job_id="b")
        await until(lambda: metrics.value("jobs_total", job="notify", outcome="done") == 2)
        assert not await queue.enqueue("notify", job_id="a"), "remembered after it ran"
    assert ran == ["a", "b"]


async def test_job_that_asks_for_another_try_gets_it(
    queue: JobQueue, redis_urls: Mapping[str, str], metrics: Metrics
) -> None:
    tries: list[int] = []

    async def watch(job: Job) -> None:
        tries.append(job.tries)
        if job.tries < 3:
            raise TryAgain(0.01)

    async with working(redis_urls["escalation"], metrics, watch=watch):
        await queue.enqueue("watch", job_id="a")
        await until(lambda: len(tries) == 3)
    assert tries == [1, 2, 3]
    assert metrics.value("jobs_total", job="watch", outcome="again") == 2


async def test_failed_job_is_final_and_says_nothing_of_its_input(
    queue: JobQueue, redis_urls: Mapping[str, str], redis_url: str, metrics: Metrics, logged: Logged
) -> None:
    async def broken(job: Job, *, handoff_id: str) -> None:
        raise ValueError(f"cannot dial +254711000001 for {handoff_id}")

    async with working(redis_urls["escalation"], metrics, broken=broken):
        await queue.enqueue("broken", job_id="a", handoff_id="h-1")
        await until(lambda: metrics.value("jobs_total", job="broken", outcome="failed") == 1)
    async with Redis.from_url(redis_url) as admin:
        result = await admin.get("arq:result:a")
        assert b"ValueError" in result
        assert b"+254711000001" not in result
    assert logged.events("job_failed")[0]["job_id"] == "a"
    assert "+254711000001" not in logged.text


async def test_stop_lets_a_running_job_finish(queue: JobQueue, redis_urls: Mapping[str, str], metrics: Metrics) -> None:
    began, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(job: Job) -> None:
        began.set()
        await may_end.wait()
        ended.set()

    async with working(redis_urls["escalation"], metrics, slow=slow) as stopping:
        await queue.enqueue("slow", job_id="a")
        await asyncio.wait_for(began.wait(), 20)
        stopping.set()
        await queue.enqueue("slow", job_id="b")
        await asyncio.sleep(0.2)
        may_end.set()
    assert ended.is_set()
    assert metrics.value("jobs_total", job="slow", outcome="done") == 1


async def test_job_that_does_not_finish_in_time_stays_queued(
    queue: JobQueue, redis_urls: Mapping[str, str], metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agiza.runtime.jobs.FINISH_S", 0.05)
    tries: list[int] = []

    async def slow(job: Job) -> None:
        tries.append(job.tries)
        if job.tries == 1:
            await asyncio.sleep(3600)

    async with working(redis_urls["escalation"], metrics, slow=slow):
        await queue.enqueue("slow", job_id="a")
        await until(lambda: tries)
    assert metrics.value("jobs_total", job="slow", outcome="cancelled") == 1
    async with working(redis_urls["escalation"], metrics, slow=slow):
        await until(lambda: tries == [1, 2])


async def test_pickled_job_in_redis_is_not_executed(
    queue: JobQueue, redis_urls: Mapping[str, str], redis_url: str, metrics: Metrics, tmp_path: Path
) -> None:
    """Whoever may write to Redis must not thereby run code here."""
    proof = tmp_path / "proof"

    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (__import__("os").mkdir, (str(proof),))

    ran: list[str] = []

    async def notify(job: Job) -> None:
        ran.append(job.id)

    async with Redis.from_url(redis_url) as admin:
        await admin.psetex("arq:job:evil", 60_000, pickle.dumps(Attack()))
        await admin.zadd("arq:queue", {"evil": 0})
    async with working(redis_urls["escalation"], metrics, notify=notify):
        await queue.enqueue("notify", job_id="good")
        await until(lambda: ran)
    assert ran == ["good"]
    assert not proof.exists()


async def test_worker_survives_a_restart_of_redis(tmp_path: Path, metrics: Metrics) -> None:
    ran: list[str] = []

    async def notify(job: Job) -> None:
        ran.append(job.id)

    with contextlib.ExitStack() as stack:
        server = stack.enter_context(embedded_redis(tmp_path / "redis"))
        async with (
            open_job_queue(server.url, service="escalation") as queue,
            working(server.url, metrics, notify=notify),
        ):
            await queue.enqueue("notify", job_id="before")
            await until(lambda: ran)
            stack.close()
            await asyncio.sleep(0.3)
            stack.enter_context(embedded_redis(tmp_path / "redis", port=server.port))
            await queue.enqueue("notify", job_id="after")
            await until(lambda: "after" in ran)
    assert ran == ["before", "after"]
