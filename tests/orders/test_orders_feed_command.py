"""``agiza feed``: what an integrator holds is compared number by number; streams come back; following goes on."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders_api import Api
from orders_feed import BRANCH, Feed, serving
from redis.asyncio import Redis
from rich.console import Console
from servers import Database
from typer.testing import CliRunner

from agiza.cli import feed as command
from agiza.cli.errors import CliError
from agiza.cli.feed_client import FeedClient, FeedRefused
from agiza.cli.feed_holding import Holding, ranges
from agiza.cli.main import app
from agiza.contracts.streams import orders_stream
from agiza.runtime.outbox_upkeep import forget_published
from agiza.runtime.redis_clients import RedisClients


@pytest.fixture
async def feed(api: Api, redis: RedisClients) -> AsyncIterator[Feed]:
    async with serving(api, redis) as served:
        yield served


@pytest.fixture
async def client(feed: Feed) -> AsyncIterator[FeedClient]:
    async with FeedClient.open(feed.url, (await feed.api.key(BRANCH)).token, BRANCH) as opened:
        yield opened


async def verified(client: FeedClient, **options: Any) -> tuple[int, str]:
    console = Console(record=True, width=200, file=io.StringIO())
    code = await command.verify(client, console, **{"first": None, "last": None, "file": None, **options})
    return code, console.export_text()


@pytest.mark.integration
async def test_what_was_pulled_is_proved(feed: Feed, client: FeedClient, tmp_path: Path) -> None:
    code, text = await verified(client)
    assert (code, "0 events" in text) == (0, True)
    await feed.have(230)  # more than a page of any kind
    code, text = await verified(client)
    assert (code, "230 events, 1 to 230" in text) == (0, True)
    code, text = await verified(client, first=20, last=40)
    assert (code, "21 events, 20 to 40" in text) == (0, True)
    with pytest.raises(CliError, match="newest event is 230"):
        await verified(client, last=231)


@pytest.mark.integration
async def test_every_harm_to_a_file_is_named_by_its_number(feed: Feed, client: FeedClient, tmp_path: Path) -> None:
    await feed.have(60)
    events = [json.loads(body) for body in await feed.bodies()]
    file = tmp_path / "events.jsonl"

    async def judged(lines: list[dict[str, Any]]) -> tuple[int, str]:
        file.write_text("".join(json.dumps(line, indent=None) + "\n" for line in lines))  # as they parsed it
        return await verified(client, file=file)

    assert (await judged(events))[0] == 0
    assert (await judged(events[::-1]))[0] == 0, "the order of a file is its own"
    code, text = await judged([*events, events[3]])
    assert (code, "more than once, the same each time: 4" in text) == (0, True)
    code, text = await judged(events[:9] + events[12:40] + events[41:])
    assert (code, "missing: 10-12, 41" in text) == (1, True)
    changed = {**events[16], "data": {**events[16]["data"], "order_number": 2}}
    code, text = await judged([*events[:16], changed, *events[17:]])
    assert (code, "different from the feed: 17" in text) == (1, True)
    code, text = await judged([*events, changed])
    assert (code, "held with two contents: 17" in text) == (1, True)
    beyond = {**events[0], "sequence": f"{61:020d}"}
    code, text = await judged([*events, beyond])
    assert (code, "not in the feed: 61" in text, "id of another number: 61" in text) == (1, True, True)
    for wrong in ("nonsense", '{"id": "x"}', '{"sequence": "1"}', "[1]"):
        file.write_text(f"\n{wrong}\n")
        with pytest.raises(CliError, match=r"events\.jsonl:2"):
            await verified(client, file=file)
    with pytest.raises(CliError, match="cannot be read"):
        await verified(client, file=tmp_path / "none")


@pytest.mark.integration
async def test_forgotten_beginning_is_said_and_a_wrong_key_ends_it(feed: Feed, client: FeedClient) -> None:
    await feed.have(5)
    await forget_published(feed.api.desk.pool, older_than=timedelta(0), limit=3)
    code, text = await verified(client)
    assert (code, "before 4 are forgotten" in text, "2 events, 4 to 5" in text) == (0, True, True)
    with pytest.raises(FeedRefused, match="events-forgotten"):
        await verified(client, first=2)
    async with FeedClient.open(feed.url, "agz_wrong", BRANCH) as stranger:
        with pytest.raises(FeedRefused, match="401 not-authenticated"):
            await verified(stranger)
        with pytest.raises(FeedRefused, match="401 not-authenticated"):
            await command.follow(stranger, io.StringIO(), after=0, state=None, count=1)


@pytest.mark.integration
async def test_following_goes_on_where_it_was(feed: Feed, client: FeedClient, tmp_path: Path) -> None:
    """Ended twice by the server, and once by itself: nothing is lost or printed twice."""
    state, out = tmp_path / "state", io.StringIO()
    await feed.have(3)
    assert await command.follow(client, out, after=None, state=state, count=2) == 0
    assert command.read_state(state) == 2
    async with asyncio.timeout(20):
        following = asyncio.create_task(command.follow(client, out, after=None, state=state, count=3))
        door = feed.api.app.state.orders_api.feed
        for wanted in (3, 4):
            while command.read_state(state) < wanted:  # noqa: ASYNC110 - a file
                await asyncio.sleep(0.01)
            for place in list(door._places):  # as at a stop
                door.is_closing = True
                place.woken.set()
            while door._places:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            door.is_closing = False
            await feed.have(1)
        assert await following == 0
    assert out.getvalue().encode().split(b"\n")[:-1] == await feed.bodies()
    state.write_text("nonsense")
    with pytest.raises(CliError, match="delete it"):
        await command.follow(client, out, after=None, state=state, count=1)


@pytest.mark.integration
async def test_streams_are_rebuilt(feed: Feed, database: Database, redis_url: str, admin: Redis) -> None:
    await feed.have(3)
    await feed.have(2, "kilimani")
    await admin.flushdb()
    console = Console(record=True, width=200, file=io.StringIO())
    assert await command.rebuild([BRANCH], database.url, redis_url, console) == 0
    assert [fields["event"].encode() for _, fields in await admin.xrange(orders_stream(BRANCH))] == await feed.bodies()
    assert await admin.xlen(orders_stream("kilimani")) == 0
    assert await command.rebuild([], database.urls["agiza_orders"], redis_url, console) == 0
    assert await admin.xlen(orders_stream("kilimani")) == 2
    assert "kilimani: 2 events written" in console.export_text()
    with pytest.raises(CliError, match="there is no branch nowhere"):
        await command.rebuild(["nowhere"], database.url, redis_url, console)
    with pytest.raises(CliError, match="Postgres did not do it"):
        await command.rebuild([], "postgresql://x@127.0.0.1:1/x", redis_url, console)
    with pytest.raises(CliError, match="Redis does not answer"):
        await command.rebuild([], database.url, "redis://127.0.0.1:1/0", console)
    with pytest.raises(CliError, match="set DATABASE_URL"):
        await command.rebuild([], None, None, console)


@pytest.mark.parametrize("words", [["rebuild"], ["rebuild", "--branch", "a", "--all-branches"]])
def test_rebuild_wants_to_know_what(words: list[str]) -> None:
    answer = CliRunner().invoke(app, ["feed", *words])
    assert isinstance(answer.exception, CliError)


@given(st.lists(st.integers(1, 30), max_size=40))
def test_whatever_is_held_what_is_missing_is_named(numbers: list[int]) -> None:
    holding = Holding()
    for number in numbers:
        holding.add({"id": f"e{number}", "sequence": f"{number:020d}"})
    assert set(holding.missing(1, 30)) == set(range(1, 31)) - set(numbers)
    assert len(holding.doubles) == len(numbers) - len(set(numbers))
    assert not holding.contradicting
    assert not holding.repeated_ids
    named = [part.split("-") for part in ranges(numbers).split(", ") if part]
    spread = [number for part in named for number in range(int(part[0]), int(part[-1]) + 1)]
    assert spread == sorted(set(numbers))
