"""A service as one process: event loop, signals, supervised tasks, exit code.

    async def serve(process: Process) -> None:
        async with open_pool(...) as pool:
            process.supervise("consumer", consumer.run(process.stopping))
            process.ready(port=server.port)
            await process.run_until_stopped()

    if __name__ == "__main__":
        sys.exit(run_service("orders", OrdersSettings, lambda settings: partial(serve, settings)))

SIGTERM or SIGINT asks to stop: readiness turns off, ``stopping`` is set, every supervised task is awaited for the
grace time and cancelled after it. A second signal cancels at once. A supervised task that ends by itself, with or
without an error, stops the whole service with exit code 1: the supervisor outside starts it anew, clean.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

import uvloop

from agiza.runtime.clock import Clock
from agiza.runtime.health import Health
from agiza.runtime.logs import configure_logging, get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.settings import ServiceSettings, SettingsError, read_settings
from agiza.runtime.tasks import end

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_SETTINGS: Final = 2
GRACE_S: Final = 20.0
LOOP_CHECK_S: Final = 0.5

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)

_log = get_logger(__name__)


class ServiceFailed(Exception):
    """A part of the service ended that should have run on. ``task`` is its name."""

    retryable = True

    def __init__(self, task: str) -> None:
        super().__init__(f"{task} ended")
        self.task = task


class Process:
    """What a running service shares: stop signal, health, metrics, clock, its tasks."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
        grace_s: float = GRACE_S,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_ready = on_ready
        self.stopping = asyncio.Event()
        self.health = Health()
        self.metrics = metrics or Metrics()
        self.clock = clock or Clock()
        self.grace_s = grace_s
        self._tasks: dict[asyncio.Task[Any], str] = {}
        self._failed: str | None = None

    def supervise(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """Run ``work`` until the process stops. It should return soon after ``stopping`` is set."""
        task = asyncio.create_task(work, name=name)
        self._tasks[task] = name
        task.add_done_callback(self._ended)

    def ready(self, **fields: object) -> None:
        """The service has started: readiness turns on, and the log says ``ready`` with these fields (its ports)."""
        self._on_ready()
        self.health.ready()
        _log.info("ready", **fields)

    def stop(self) -> None:
        """Ask the service to stop. May be called twice."""
        if not self.stopping.is_set():
            _log.info("service_stopping")
        self.health.drain()
        self.stopping.set()

    async def run_until_stopped(self) -> None:
        """Wait for the stop, then for the supervised tasks. Raises :class:`ServiceFailed` if one ended early."""
        try:
            await self.stopping.wait()
            await self._finish(self.grace_s)
        finally:
            await self._finish(0)
        if self._failed is not None:
            raise ServiceFailed(self._failed)

    async def watch_loop(self) -> None:
        """Measure how late the event loop is; to be supervised."""
        loop = asyncio.get_running_loop()
        lateness = self.metrics.histogram("event_loop_lag_seconds")
        while not self.stopping.is_set():
            due = loop.time() + LOOP_CHECK_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), LOOP_CHECK_S)
            lateness.observe(max(0.0, loop.time() - due))

    def _ended(self, task: asyncio.Task[Any]) -> None:
        name = self._tasks.pop(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("task_failed", task=name, exc_info=error)
        if error is None and self.stopping.is_set():
            return
        if error is None and not task.cancelled():
            _log.error("task_ended_early", task=name)
        self._failed = self._failed or name
        self.stop()

    async def _finish(self, grace_s: float) -> None:
        if not self._tasks:
            return
        if grace_s > 0:
            await asyncio.wait(self._tasks, timeout=grace_s)
        late = list(self._tasks)
        for task in late:
            _log.warning("task_cancelled", task=self._tasks[task])
            task.remove_done_callback(self._ended)
        await end(late)
        for task in late:
            del self._tasks[task]


def spare_the_collector() -> None:
    """What a service has made by the time it is ready stays until it ends: hundreds of thousands of objects, which the
    collector would go through again and again, with every caller waiting for a tenth of a second."""
    gc.collect()
    gc.freeze()


Serve = Callable[[Process], Awaitable[None]]


async def run_process(process: Process, serve: Serve) -> int:
    """Run a service inside the current event loop, with signals. Returns the exit code."""
    loop = asyncio.get_running_loop()
    serving = asyncio.ensure_future(serve(process))

    def on_signal() -> None:
        if process.stopping.is_set():
            serving.cancel()
        process.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    stopped = asyncio.ensure_future(process.stopping.wait())
    try:
        # A signal may come while the service still starts: then it has the grace time to notice, no more.
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not serving.done() and process.health.phase == "draining":
            await asyncio.wait((serving,), timeout=process.grace_s + 5)
            serving.cancel()
        await serving
    except asyncio.CancelledError:
        return EXIT_FAILED
    except ServiceFailed:
        return EXIT_FAILED
    except Exception as error:
        _log.error("service_failed", exc_info=error)
        return EXIT_FAILED
    finally:
        stopped.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return EXIT_OK


def run_service(name: str, settings_class: type[SettingsT], build: Callable[[SettingsT], Serve]) -> int:
    """Read the settings, set up logging, run the service to its end. Returns the exit code for ``sys.exit``."""
    try:
        settings = read_settings(settings_class)
    except SettingsError as error:
        for problem in error.problems:
            print(f"{name}: {problem}", file=sys.stderr)
        return EXIT_SETTINGS
    configure_logging(name, level=settings.agiza_log_level, log_pii=settings.agiza_log_pii)

    async def main() -> int:
        clock = Clock.starting_at(settings.agiza_now, settings.agiza_now_set_at)
        process = Process(clock=clock, on_ready=spare_the_collector)
        process.supervise("event_loop_watch", process.watch_loop())
        _log.info("service_starting")
        code = await run_process(process, build(settings))
        _log.info("service_stopped", exit_code=code)
        return code

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())
