"""The feed's benchmark in short, with real processes of which the readers are killed; and that it finds faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from servers import Database

from agiza.contracts.feed_digest import NOTHING, chain
from agiza.runtime.clock import StoppedClock
from agiza.runtime.postgres import open_pool
from benchmarks.feed.__main__ import page_part
from benchmarks.feed.consumer import Effects
from benchmarks.feed.producer import Producer
from benchmarks.feed.replicas import NOON, replicas
from benchmarks.feed.run import FORMS, Outcome, Plan, Result, judge, run

BODIES = [json.dumps({"id": f"e{number}", "sequence": f"{number:020d}"}).encode() for number in range(1, 6)]
DIGEST = chain(NOTHING, BODIES).hex()


@pytest.mark.e2e
async def test_readers_are_away_and_killed_and_nothing_is_lost_or_done_twice(
    database: Database, redis_url: str, redis_urls: Mapping[str, str], tmp_path: Path
) -> None:
    plan = Plan(away_minutes=0.5, kills=1, reconnects=10, replica_kills=0)
    url = database.urls["agiza_orders"]
    async with replicas(url, redis_urls["orders"], 1) as orders, open_pool(url, service="bench") as pool:
        producer = Producer(pool, StoppedClock(NOON))
        result = await run(pool, database.url, redis_url, orders, producer, tmp_path, plan)
    assert result.is_good, result
    assert result.away_events >= 20
    assert [(outcome.form, outcome.kills) for outcome in result.outcomes] == [(form, 1) for form in FORMS]
    assert {outcome.effects for outcome in result.outcomes} == {result.events}


def test_every_fault_of_a_reader_is_found() -> None:
    assert judge(BODIES, BODIES, DIGEST) == []
    for effects, word in (
        (BODIES[:2] + BODIES[3:], "gap: [3]"),
        (BODIES[:-1], "gap: [5]"),
        ([*BODIES, BODIES[2]], "1 effects were done twice"),
        ([BODIES[1], BODIES[0], *BODIES[2:]], "effects are out of order"),
        ([*BODIES[:4], BODIES[4].replace(b"e5", b"e6")], "the digest is another"),
    ):
        assert word in judge(effects, BODIES, DIGEST), word


def test_reader_forgets_the_line_in_which_it_was_killed(tmp_path: Path) -> None:
    effects = Effects(tmp_path)
    assert [effects.apply(body) for body in (*BODIES[:2], BODIES[0])] == [1, 2, 1]
    effects.keep(2)
    path = tmp_path / "effects.jsonl"
    path.write_bytes(path.read_bytes() + BODIES[2][:9])
    again = Effects(tmp_path)
    assert again.place == 2
    for body in BODIES:
        again.apply(body)
    assert path.read_bytes().split(b"\n")[:-1] == BODIES
    assert (tmp_path / "again").read_bytes() == b"..."


def test_page_says_what_was_wrong() -> None:
    fine = Outcome("sse", 100, 9, 4, 0.5)
    harmed = Outcome("pull", 100, 8, 0, 0.5, ["gap: [3]"])
    result = Result(9, 5, [fine, harmed], 10, 70, ["after 3 came something else"])
    assert not result.is_good
    assert Result(9, 5, [fine], 10, 70, []).is_good
    part = page_part(result, Plan(), "Today.", 3, 60)
    assert "| 9 | 4 | 0.50 s | equal, none, none |" in part
    assert "| 8 | 0 | 0.50 s | gap: [3] |" in part
    assert "after 3 came something else" in part
