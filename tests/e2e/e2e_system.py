"""One running system for all end-to-end tests of this process: real servers, four services, the Live simulator."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest

from agiza.cli.branches import known_branches
from agiza.cli.call import CallRequest, Line, PlacedCall, place_call
from agiza.cli.place import caller_voice
from agiza.cli.stack import BRANCHES, Stack, StackOptions, running_stack
from agiza.domain.menu import BranchFile
from simulators.carrier.settings import Voice

NOON = datetime(2026, 3, 6, 12, tzinfo=ZoneInfo("Africa/Nairobi"))

T = TypeVar("T")


@dataclass
class System:
    """The running system, on an event loop of its own in a thread, so that it outlives single tests."""

    stack: Stack
    branches: dict[str, BranchFile]
    log_folder: Path
    loop: asyncio.AbstractEventLoop

    @property
    def line(self) -> Line:
        return Line(self.stack.voice_url, self.stack.endpoints, self.stack.redis_url)

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 300) -> T:
        """Run this on the system's loop and wait for it."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return future.result(timeout_s)

    def request(self, *say: str, branch: str = "westlands", **options: object) -> CallRequest:
        """What the caller of a branch says, one utterance each."""
        return CallRequest(branch=self.branches[branch], say=say, **options)  # type: ignore[arg-type]

    async def call(self, request: CallRequest, voice: Voice | None = None) -> PlacedCall:
        """One call."""
        return await place_call(self.line, request, voice)

    def logs(self) -> str:
        """Everything that the services have logged so far."""
        return "\n".join(path.read_text() for path in sorted(self.log_folder.glob("*.log")))


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system at noon in Nairobi."""
    folder = tmp_path_factory.mktemp("logs")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="system", daemon=True)
    thread.start()
    context = running_stack(StackOptions(now=NOON, log_folder=folder))
    stack = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(180)
    try:
        yield System(stack, known_branches(BRANCHES), folder, loop)
    finally:
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="session")
def piper() -> Voice:
    """The synthesised caller's voice."""
    return caller_voice()
