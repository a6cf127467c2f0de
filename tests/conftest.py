"""What all tests share: servers, a stopped clock, captured logs, and a check that no test leaves a task behind."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import hypothesis
import pytest
import structlog
from captured_logs import Logged, plain_logs
from servers import (  # noqa: F401 - fixtures
    admin,
    database,
    empty_database_name,
    pg_servers,
    redis_passwords,
    redis_server_url,
    redis_url,
    redis_urls,
    role_passwords,
    template_database,
)

from agiza.runtime.clock import StoppedClock
from agiza.runtime.logs import configure_logging
from agiza.runtime.metrics import Metrics

# Whole calls need the machine more than the hundredth random example, and what a change has broken must not be mixed
# with what luck has found: the same examples each time. `HYPOTHESIS_PROFILE=thorough make test` looks for new ones.
hypothesis.settings.register_profile("quick", max_examples=40, deadline=None, derandomize=True)
hypothesis.settings.register_profile("thorough", max_examples=1000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

plain_logs()

NOON = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
"""A Friday, 12:00 in Nairobi: every branch of the examples is open."""

LOOP_TURNS_TO_FINISH = 20
"""A task that was just cancelled needs a few turns of the loop to end."""


@pytest.fixture
def clock() -> StoppedClock:
    """A clock that moves only when told to."""
    return StoppedClock(NOON)


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of this test alone."""
    return Metrics()


@pytest.fixture
def logged() -> Iterator[Logged]:
    """Capture the logs of a test in their production form."""
    capture = Logged()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("test", level="debug", stream=capture.stream)
    yield capture
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    plain_logs()


@pytest.fixture(autouse=True)
def _no_task_left_behind(request: pytest.FixtureRequest) -> None:
    """Fail an asynchronous test whose tasks still run when all its fixtures are closed."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_task_watch")


@pytest.fixture
async def _task_watch() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    for _ in range(LOOP_TURNS_TO_FINISH):
        left = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]
        if not left:
            return
        await asyncio.sleep(0)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    pytest.fail(f"the test left tasks running: {', '.join(str(task.get_coro()) for task in left)}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: a worker that begins with whole calls at the end would keep all others waiting."""
    items.sort(key=lambda item: (item.get_closest_marker("e2e") is None, item.get_closest_marker("audio") is None))
