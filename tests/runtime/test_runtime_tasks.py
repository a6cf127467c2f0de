"""Tasks are ended for good, also those whose cancellation is lost on the way."""

from __future__ import annotations

import asyncio

import pytest

from agiza.runtime import tasks
from agiza.runtime.process import Process


async def test_a_cancellation_that_is_lost_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_S", 0.01)
    lost: list[int] = []

    async def deaf() -> None:
        while len(lost) < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost.append(1)
        await asyncio.Event().wait()

    task = asyncio.ensure_future(deaf())
    await asyncio.sleep(0)
    await tasks.end({task})
    assert task.cancelled()
    assert len(lost) == 3


async def test_what_has_ended_or_fails_while_it_is_cancelled_is_nobodys_trouble() -> None:
    async def fails() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("on the way out")

    done = asyncio.ensure_future(asyncio.sleep(0))
    await done
    failing = asyncio.ensure_future(fails())
    await asyncio.sleep(0)
    await tasks.end([done, failing])
    assert isinstance(failing.exception(), ValueError)


async def test_a_process_that_is_told_to_stop_ends_a_task_that_lost_its_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_S", 0.01)
    lost: list[int] = []

    async def deaf() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost.append(1)
                if len(lost) == 2:
                    raise

    process = Process()
    process.supervise("deaf", deaf())
    await asyncio.sleep(0)
    process.stop()
    await process._finish(0)
    assert len(lost) == 2
