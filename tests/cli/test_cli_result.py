"""Reading what became of a call, also while a service is just being started again."""

from __future__ import annotations

import httpx
import pytest

from agiza.cli.errors import CliError
from agiza.cli.result import RESTART_POLL_S, RESTART_WAIT_S, Clock, Endpoints, read_result

ENDPOINTS = Endpoints("http://webhook", "http://orders", "http://escalation", "t" * 32)
RECORD = {"outcome": "no_order", "tool_calls": [], "transcript": [], "latencies_ms": {}, "cost": {}}
ANSWERS = {"webhook": RECORD, "orders": {"orders": []}, "escalation": {"handoffs": []}}


class Time:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.01)

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep)


def services(trouble: dict[str, list[httpx.Response | Exception]]) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        waiting = trouble.get(request.url.host)
        if waiting:
            problem = waiting.pop(0)
            if isinstance(problem, Exception):
                raise problem
            return problem
        return httpx.Response(200, json=ANSWERS[request.url.host])

    return httpx.MockTransport(answer)


async def test_service_that_starts_again_is_waited_for() -> None:
    time = Time()
    trouble: dict[str, list[httpx.Response | Exception]] = {
        "webhook": [httpx.ConnectError("refused"), httpx.Response(503)],
        "orders": [httpx.Response(502), httpx.ReadTimeout("late")],
        "escalation": [httpx.RemoteProtocolError("gone")],
    }
    result = await read_result(ENDPOINTS, "HD_call01", clock=time.clock, transport=services(trouble))
    assert result.outcome == "no_order"
    assert time.now > 0


async def test_service_that_stays_away_is_named_in_one_line() -> None:
    time = Time()
    forever: list[httpx.Response | Exception] = [httpx.ConnectError("refused") for _ in range(10_000)]
    with pytest.raises(CliError, match=r"http://orders/\S+ does not answer \(ConnectError\): is the stack running\?"):
        await read_result(ENDPOINTS, "HD_call01", clock=time.clock, transport=services({"orders": forever}))
    assert RESTART_WAIT_S <= time.now <= RESTART_WAIT_S + RESTART_POLL_S


async def test_refusal_is_not_waited_for() -> None:
    time = Time()
    with pytest.raises(CliError, match="answered 401"):
        await read_result(
            ENDPOINTS, "HD_call01", clock=time.clock, transport=services({"webhook": [httpx.Response(401)]})
        )
    assert time.now == 0


async def test_report_that_never_comes_is_not_waited_for_without_end() -> None:
    time = Time()
    silent = [httpx.Response(200, json=RECORD | {"outcome": None}) for _ in range(10_000)]
    result = await read_result(ENDPOINTS, "HD_call01", clock=time.clock, transport=services({"webhook": list(silent)}))
    assert result.outcome == "dropped"
