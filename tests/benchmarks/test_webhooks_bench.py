"""The benchmark of deliveries: half an hour down in short, and ledgers and bars that tell what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from servers import Database

from agiza.runtime.clock import StoppedClock
from agiza.runtime.postgres import open_pool
from agiza.runtime.redis_clients import open_redis
from benchmarks.webhooks.down import Down, half_an_hour_down
from benchmarks.webhooks.ledger import Verdict, compare
from benchmarks.webhooks.receivers import Entry
from benchmarks.webhooks.report import Figures, Window, bars, is_good, page_part

FEED = [("a", "westlands", 1), ("b", "westlands", 2), ("c", "karen", 1)]
LEDGER = [
    Entry("a", "westlands", 1, "order-1", 0.0, True),
    Entry("c", "karen", 1, "order-2", 0.1, True),
    Entry("b", "westlands", 2, "order-1", 0.2, True),
]
DOWN = Down(30, 10, 4, 9, 1, 2, 1, 1, 60.0, 0)


@pytest.mark.integration
async def test_after_half_an_hour_down_everything_arrives_or_can_be_replayed(
    database: Database, redis_urls: Mapping[str, str], clock: StoppedClock
) -> None:
    async with (
        open_pool(database.urls["agiza_orders"], service="orders") as pool,
        open_redis(redis_urls["orders"], service="orders") as redis,
    ):
        down = await half_an_hour_down(pool, redis.commands, clock, down_s=1800, every_s=300, step_s=20)
    assert (down.events, down.records_arrived, down.out_of_order) == (12, 6, 0)
    assert 1 <= down.expired == down.tickets_replayed < 6
    assert down.is_whole


def test_a_whole_ledger_is_the_feed() -> None:
    assert compare(FEED, [*LEDGER, LEDGER[0]]) == Verdict(3, 0, 0, 0, 0, again=1)
    assert compare(FEED, LEDGER).is_whole


@pytest.mark.parametrize(
    ("ledger", "wrong"),
    [
        (LEDGER[:2], "missing"),
        ([*LEDGER, Entry("z", "karen", 2, "order-2", 0.3, True)], "unknown"),
        ([replace(LEDGER[0], sequence=7), *LEDGER[1:]], "unknown"),
        (LEDGER[::-1], "out_of_order"),
        ([replace(LEDGER[0], is_signed=False), *LEDGER[1:]], "unsigned"),
    ],
)
def test_what_is_wrong_with_a_ledger_is_told(ledger: list[Entry], wrong: str) -> None:
    verdict = compare(FEED, ledger)
    assert getattr(verdict, wrong) == 1
    assert not verdict.is_whole


def test_an_empty_feed_proves_nothing() -> None:
    assert not compare([], []).is_whole


def figures(*, well_ms: float = 10.0, beside_ms: float = 10.0, count: int = 600, down: Down = DOWN) -> Figures:
    windows = [Window(False, 1.0, [well_ms] * count, 0.5), Window(True, 1.0, [beside_ms] * count, 0.5)]
    return Figures(windows, (1000, 1.0), [compare(FEED, LEDGER)], down, 16)


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        (figures(), None),
        (figures(count=400), 0),
        (figures(beside_ms=12.5), 1),
        (replace(figures(), verdicts=[compare(FEED, LEDGER[:1])]), 2),
        (figures(down=replace(DOWN, tickets_replayed=0)), 3),
    ],
    ids=["good", "too few", "slowed by the other", "ledger", "lost in the half hour"],
)
def test_a_missed_bar_is_told(found: Figures, missed: int | None) -> None:
    assert [is_met for *_, is_met in bars(found)] == [place != missed for place in range(4)]
    assert is_good(found) == (missed is None)
    assert page_part(found, "circumstances").count("MISSED") == (missed is not None)
