"""A service as a process: signals, supervision, exit codes, health. Real processes where it matters."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from captured_logs import Logged

from agiza.runtime.health import Health
from agiza.runtime.process import Process, ServiceFailed, run_process, spare_the_collector

ROOT = Path(__file__).parents[2]

SERVICE = """
import asyncio, sys
from functools import partial
from agiza.runtime.http import HttpServer, create_app
from agiza.runtime.process import Process, run_service
from agiza.runtime.settings import Secret, ServiceSettings

class Settings(ServiceSettings):
    example_token: Secret
    example_fault: str = "none"

async def work(process, fault):
    if fault == "crash":
        raise RuntimeError("broken part")
    if fault == "ends":
        return
    await process.stopping.wait()
    if fault == "hangs":
        await asyncio.sleep(3600)

async def serve(settings, process):
    server = HttpServer(create_app("example", process), host="127.0.0.1", port=0)
    process.supervise("http", server.run(process.stopping))
    process.supervise("work", work(process, settings.example_fault))
    process.ready(port=server.port)
    await process.run_until_stopped()

sys.exit(run_service("example", Settings, lambda settings: partial(serve, settings)))
"""


class Running:
    """The example service as its own process."""

    def __init__(self, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVICE],
            env={"PATH": os.defpath, "EXAMPLE_TOKEN": "t" * 32, **environment},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[dict[str, object]] = []

    def wait_for(self, event: str) -> dict[str, object]:
        for line in self.process.stderr:
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]
        raise AssertionError(f"{event} was not logged: {self.lines}")

    def end(self) -> int:
        _, rest = self.process.communicate(timeout=60)
        self.lines += [json.loads(line) for line in rest.splitlines()]
        return self.process.returncode

    def events(self) -> list[object]:
        return [line["event"] for line in self.lines]


@pytest.fixture
def running() -> Iterator[list[Running]]:
    started: list[Running] = []
    yield started
    for service in started:
        service.process.kill()
        service.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_the_service_in_order(running: list[Running], number: signal.Signals) -> None:
    service = Running()
    running.append(service)
    port = service.wait_for("ready")["port"]
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").json() == {"status": "alive"}
    assert httpx.get(f"http://127.0.0.1:{port}/readyz").json()["ready"] is True
    assert b"process_resident_memory_bytes" in httpx.get(f"http://127.0.0.1:{port}/metrics").content
    service.process.send_signal(number)
    assert service.end() == 0
    assert service.events()[-2:] == ["service_stopping", "service_stopped"]
    assert all(line["service"] == "example" for line in service.lines)


@pytest.mark.parametrize("fault", ["crash", "ends"])
def test_a_part_that_ends_takes_the_service_with_it(running: list[Running], fault: str) -> None:
    service = Running(EXAMPLE_FAULT=fault)
    running.append(service)
    assert service.end() == 1
    assert {"crash": "task_failed", "ends": "task_ended_early"}[fault] in service.events()


def test_second_signal_does_not_wait_for_what_hangs(running: list[Running]) -> None:
    service = Running(EXAMPLE_FAULT="hangs")
    running.append(service)
    service.wait_for("ready")
    service.process.send_signal(signal.SIGTERM)
    service.wait_for("service_stopping")
    service.process.send_signal(signal.SIGTERM)
    assert service.end() == 1


def test_missing_variable_stops_the_start_by_its_name() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVICE], env={"PATH": os.defpath}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (2, "example: EXAMPLE_TOKEN is not set")


async def test_work_that_overstays_the_grace_time_is_cancelled(logged: Logged) -> None:
    process = Process(grace_s=0.05)
    was_cancelled = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            was_cancelled.set()

    process.supervise("stubborn", stubborn())
    await asyncio.sleep(0)
    process.stop()
    await process.run_until_stopped()
    assert was_cancelled.is_set()
    assert [line["task"] for line in logged.events("task_cancelled")] == ["stubborn"]


async def test_failure_names_the_part(logged: Logged) -> None:
    process = Process(grace_s=5)

    async def fails() -> None:
        raise RuntimeError("+254711000001 did it")

    async def waits() -> None:
        await process.stopping.wait()

    process.supervise("waits", waits())
    process.supervise("fails", fails())
    with pytest.raises(ServiceFailed) as failure:
        await process.run_until_stopped()
    assert failure.value.task == "fails"
    assert process.health.phase == "draining"
    assert "+254711000001" not in logged.text


async def test_error_while_starting_is_a_failed_exit(logged: Logged) -> None:
    async def serve(process: Process) -> None:
        raise RuntimeError("cannot start")

    assert await run_process(Process(), serve) == 1
    assert len(logged.events("service_failed")) == 1


async def test_signal_while_starting_ends_the_start(logged: Logged) -> None:
    async def serve(process: Process) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await process.stopping.wait()

    assert await run_process(Process(grace_s=0.1), serve) == 0


async def test_what_was_made_until_it_is_ready_is_nothing_for_the_collector_any_more() -> None:
    phases: list[str] = []

    def spare() -> None:
        phases.append(process.health.phase)
        spare_the_collector()

    process = Process(on_ready=spare)
    try:
        process.ready(port=1)
        assert gc.get_freeze_count() > 1000
        assert phases == ["starting"], "before anybody is answered, who would wait for it"
    finally:
        gc.unfreeze()


async def test_readiness_follows_phase_and_checks() -> None:
    health = Health()
    answer = True

    async def database() -> bool:
        return answer

    async def broken() -> bool:
        raise OSError

    health.needs("database", database)
    assert not (await health.readiness()).is_ready
    health.ready()
    assert (await health.readiness()).is_ready
    answer = False
    assert (await health.readiness()).checks == {"database": False}
    answer = True
    health.needs("broken", broken)
    assert (await health.readiness()).checks == {"database": True, "broken": False}
    health.drain()
    health.ready()
    assert health.phase == "draining"


async def test_slow_check_counts_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agiza.runtime.health.CHECK_TIMEOUT_S", 0.01)
    health = Health()
    health.needs("slow", partial(asyncio.sleep, 3600, True))
    assert (await health.readiness()).checks == {"slow": False}


async def test_lateness_of_the_loop_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agiza.runtime.process.LOOP_CHECK_S", 0.01)
    process = Process()
    process.supervise("watch", process.watch_loop())
    while process.metrics.observations("event_loop_lag_seconds") < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    process.stop()
    await process.run_until_stopped()
