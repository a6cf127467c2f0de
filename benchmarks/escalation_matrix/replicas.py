"""The replicas of escalation: one that works on jobs and can be killed in the middle of them, one that only sweeps.

A job is caught in its middle by holding the rows that it needs: the job starts, waits for the lock, and the process is
killed while it does. A lock is held shorter than the services wait for one, so that nobody else fails by it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from pathlib import Path

import psycopg
import redis.asyncio as redis

from agiza.cli.processes import Child, start_child
from agiza.cli.stack import Stack
from agiza.runtime.jobs import QUEUE

READY_S = 60.0
HOLD_S = 0.8
"""Less than the services' lock timeout of a second."""
EARLY_S = 0.15
"""The rows are locked so long before the first job is due."""
WATCH_S = 20.0
POLL_S = 0.01
IN_PROGRESS = "arq:in-progress:"


async def start_sweeping_replica(stack: Stack, log_folder: Path | None) -> Child:
    """A second replica that takes no jobs. It is stopped by whoever asked for it."""
    environment = {**stack.environments["escalation"], "AGIZA_PORT": "0", "AGIZA_ARQ": "false"}
    child = await start_child("escalation-sweeping", ["-m", "services.escalation"], environment, log_folder=log_folder)
    await child.wait_ready(READY_S)
    return child


async def kill_in_mid_job(stack: Stack, call_ids: Collection[str]) -> set[str]:
    """Wait for the jobs of these calls, kill the worker while they run; the calls whose job was running then.

    When no job of theirs comes within :data:`WATCH_S`, the process is killed all the same and the set is empty.
    """
    client = redis.Redis.from_url(stack.redis_url, decode_responses=True)
    try:
        async with await psycopg.AsyncConnection.connect(stack.database_url) as conn:
            if await _first_due(client, call_ids):
                await conn.execute("SELECT 1 FROM handoffs WHERE call_id = ANY(%s) FOR UPDATE", (list(call_ids),))
                await _until_running(client, call_ids)
            running = await _running(client, call_ids)
            await stack.kill("escalation")
            await conn.rollback()
    finally:
        await client.aclose()
    return running


async def _first_due(client: redis.Redis, call_ids: Collection[str]) -> bool:
    """Return shortly before the first job of these calls is due. False when none comes."""
    deadline = time.monotonic() + WATCH_S
    while time.monotonic() < deadline:
        queued = await client.zrange(QUEUE, 0, -1, withscores=True)
        due_ms = [due for job_id, due in queued if _call_of(job_id, call_ids)]
        if due_ms and min(due_ms) / 1000 - time.time() <= EARLY_S:
            return True
        await asyncio.sleep(POLL_S)
    return False


async def _until_running(client: redis.Redis, call_ids: Collection[str]) -> None:
    """Until a job of every call that has one is in progress, or the rows were held long enough."""
    deadline = time.monotonic() + HOLD_S
    while time.monotonic() < deadline:
        queued = {_call_of(job_id, call_ids) for job_id in await client.zrange(QUEUE, 0, -1)} - {None}
        if queued and queued <= await _running(client, call_ids):
            return
        await asyncio.sleep(POLL_S)


async def _running(client: redis.Redis, call_ids: Collection[str]) -> set[str]:
    found = {_call_of(key, call_ids) async for key in client.scan_iter(f"{IN_PROGRESS}*", count=1_000)}
    return {call_id for call_id in found if call_id is not None}


def _call_of(job_id: str, call_ids: Collection[str]) -> str | None:
    """The call that this job is about; its id is a part of the job's."""
    return next((call_id for call_id in call_ids if call_id in job_id.split(":")), None)
