"""The benchmark of function calls: a short run gets every answer right, and a wrong or missing one is told."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping

import pytest
from servers import Database, execute

from agiza.contracts.events import FunctionResult, ToolAnswered, ToolCalled
from agiza.runtime.clock import StoppedClock
from benchmarks.bridge.report import into_page
from benchmarks.tools.__main__ import PAGE, WrongLedger, check_ledger, measure
from benchmarks.tools.callers import STEPS, Callers
from benchmarks.tools.report import BEGIN, END, Figures, bars, is_good, page_part


@pytest.mark.integration
async def test_every_way_brings_the_right_answers_and_the_ledger_is_exact(
    database: Database, redis_urls: Mapping[str, str]
) -> None:
    """Some calls to their end on each way, with `orders` as a process of its own. How long it takes is not judged."""
    urls = {
        "database": database.urls["agiza_orders"],
        "redis": redis_urls["orders"],
        "bridge_redis": redis_urls["bridge"],
    }
    figures = await measure(urls, database.url, seconds=4, rate=16, turns=1)
    assert [(each.right, len(each.ms)) for each in figures] == [(64, 64)] * 3
    assert all(math.isfinite(each.percentile(1)) for each in figures)

    execute(database.url, "DELETE FROM outbox WHERE position = (SELECT min(position) FROM outbox)")
    with pytest.raises(WrongLedger):
        check_ledger(database.url, 1)


def figures_of(ms: list[float], right: int | None = None) -> Figures:
    return Figures("round trip", ms, len(ms) if right is None else right)


def test_percentiles_are_those_of_the_sorted_times() -> None:
    figures = figures_of([float(n) for n in range(100, 0, -1)])
    assert [figures.percentile(share) for share in (0.5, 0.99, 1.0)] == [51.0, 100.0, 100.0]


@pytest.mark.parametrize(
    ("figures", "good"),
    [
        (figures_of([4.0] * 100), True),
        (figures_of([4.0] * 98 + [26.0] * 2), False),
        (figures_of([5.5] * 100), False),
        (figures_of([4.0] * 100, right=99), False),
        (figures_of([4.0] * 100 + [math.inf] * 2, right=100), False),
    ],
    ids=["good", "slow tail", "slow middle", "wrong answer", "no answer"],
)
def test_a_run_is_good_only_when_every_answer_is_right_and_in_time(figures: Figures, good: bool) -> None:
    assert is_good([figures]) == good


def test_a_missed_bar_is_told_in_the_page() -> None:
    part = page_part([figures_of([4.0] * 98 + [30.0] * 2)], "circumstances")
    assert "| p50 <= 5 ms | 4.0 ms | met |" in part.replace("round trip of a function call: ", "")
    assert "p99 <= 25 ms | 30.0 ms | MISSED |" in part
    assert [is_met for *_, is_met in bars(figures_of([4.0]))] == [True, True]


def test_the_page_has_its_place() -> None:
    assert "| round trip | 1 of 1 |" in into_page(PAGE.read_text(), page_part([figures_of([1.0])], "now"), BEGIN, END)


class Desk:
    """Answers like `orders`, as soon as it is told to."""

    def __init__(self) -> None:
        self.asked: list[ToolCalled] = []
        self.open = asyncio.Event()
        self._news = asyncio.Condition()
        self.answer_with: dict[str, object] = {"status": "ok", "code": "fine"}

    async def until_asked(self, count: int) -> None:
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: len(self.asked) >= count)

    async def ask(self, event: ToolCalled) -> ToolAnswered:
        async with self._news:
            self.asked.append(event)
            self._news.notify_all()
        await self.open.wait()
        (call,) = event.calls
        return ToolAnswered(
            branch_id=event.branch_id,
            call_id=event.call_id,
            request_id="r",
            leg_epoch=0,
            results=(FunctionResult(id=call.id, name=call.name, response=dict(self.answer_with)),),
            cart_version=0,
            reply_to=event.reply_to,
        )


async def test_no_call_asks_while_it_waits_for_an_answer(clock: StoppedClock) -> None:
    """A model does not either; what came of it was refused as based on an older cart, and no fault of the desk."""
    desk = Desk()
    callers = Callers(desk.ask, clock, "agiza:replies:b", "x", live=1)
    calling = asyncio.create_task(callers.call_steadily(6, 10_000))
    await desk.until_asked(6)
    assert len({event.call_id for event in desk.asked}) == 6, "one more call joined at each tick"
    desk.open.set()
    await calling
    await callers.call_steadily(len(STEPS) * 6 - 6, 10_000)
    steps = Counter(event.call_id for event in desk.asked)
    assert set(steps.values()) == {len(STEPS)}, "they went on, and each took every step"
    assert callers.right == len(callers.ms) == len(STEPS) * 6
    assert callers.placed == 6


async def test_what_is_wrong_is_told_with_its_code(clock: StoppedClock) -> None:
    desk = Desk()
    desk.open.set()
    desk.answer_with = {"status": "refused", "code": "expired"}
    callers = Callers(desk.ask, clock, "agiza:replies:b", "x", live=1)
    await callers.call_steadily(2, 1000)
    assert callers.wrong == {"addItem: refused, expired": 1, "applyModifier: refused, expired": 1}
    part = page_part([Figures("round trip", callers.ms, callers.right, callers.wrong)], "circumstances")
    assert "- round trip: 1 times addItem: refused, expired" in part
