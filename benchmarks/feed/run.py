"""The run: readers in every form are killed, stay away and come again while orders are made; then their effects are
compared with the feed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import psycopg
from httpx_sse import aconnect_sse

from agiza.cli.feed_client import FeedClient
from agiza.contracts.feed_digest import NOTHING, chain
from agiza.contracts.streams import orders_stream
from agiza.runtime.postgres import Pool
from benchmarks.feed.producer import BRANCH, Producer
from benchmarks.feed.replicas import Replicas
from services.orders.public_api.keys import add_key, new_key

FORMS: Final = ("sse", "pull", "cursor", "stream")
WORKERS: Final = 8
CATCH_UP_S: Final = 120.0
ALIVE_S: Final = (0.15, 0.6)
"""How long a reader lives before it is killed: from hardly started to in the middle of its work."""
WORK_MS: Final = 10
"""What an effect takes meanwhile."""


def say(what: str) -> None:
    """Where it is, for whoever waits."""
    print(f"bench-feed: {what}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything. ``kills`` of each form's reader, ``replica_kills`` of the service meanwhile."""

    away_minutes: float = 30.0
    kills: int = 100
    reconnects: int = 1000
    replica_kills: int = 3
    seed: int = 1


@dataclass
class Outcome:
    """What one form's reader has come to."""

    form: str
    kills: int
    effects: int
    again: int
    caught_up_s: float
    faults: list[str] = field(default_factory=list)


@dataclass
class Result:
    """Of a whole run."""

    events: int
    away_events: int
    outcomes: list[Outcome]
    reconnects: int
    read_again: int
    faults: list[str]

    @property
    def is_good(self) -> bool:
        """Whether nothing at all was wrong."""
        return not self.faults and not any(outcome.faults for outcome in self.outcomes)


async def run(
    pool: Pool, admin_url: str, redis_url: str, replicas: Replicas, producer: Producer, folder: Path, plan: Plan
) -> Result:
    """Carry out the plan. ``redis_url`` is an administrator's: integrators in the network have users of their own."""
    chance = random.Random(plan.seed)
    key = new_key("bench", branches=(BRANCH,), rights=("orders:read", "feed:acknowledge"))
    keys = [new_key(f"bench {n}", branches=(BRANCH,), rights=("orders:read",)) for n in range(WORKERS)]
    async with pool.connection() as conn:
        for each in (key, *keys):
            await add_key(conn, each)
    await _begin(replicas, key.token, redis_url)
    readers = [
        Reader(form, folder / form, redis_url if form == "stream" else key.token, replicas.urls) for form in FORMS
    ]

    say("the readers begin")
    # They have read something, and are away: half an hour of the branch's time.
    await producer.order()
    async with _all_up(readers):
        await _until(readers, await _settled(pool))
    say(f"they are away for {plan.away_minutes:.0f} virtual minutes")
    await producer.while_away(plan.away_minutes)
    away = await _settled(pool)
    caught_up: dict[str, float] = {}
    for reader in readers:  # one after the other: each form's own time
        began = time.monotonic()
        async with _all_up([reader]):
            await _until([reader], away)
        caught_up[reader.form] = time.monotonic() - began

    # They are killed again and again, with as much before them once more, and while orders are made; so is, now and
    # then, the replica that they read from.
    say(f"they have caught up with {away} events; as much is made again")
    await producer.while_away(plan.away_minutes)
    await _settled(pool)
    say(f"each is killed {plan.kills} times")
    producing = asyncio.create_task(_produce(producer))
    breaking = asyncio.create_task(_break(replicas, plan.replica_kills, chance))
    try:
        await asyncio.gather(*(_kill(reader, plan.kills, random.Random(chance.random())) for reader in readers))
        await breaking
    finally:
        for task in (producing, breaking):
            task.cancel()
        await asyncio.gather(producing, breaking, return_exceptions=True)
    newest = await _settled(pool)
    say(f"{newest} events; the last of them are read")
    async with _all_up(readers):
        await _until(readers, newest)

    bodies = _bodies(admin_url)
    async with FeedClient.open(replicas.urls[0], key.token, BRANCH) as client:
        seed, at = NOTHING.hex(), 1
        while at <= newest:
            part = await client.digest(first=at, last=newest, seed=seed)
            at, seed = int(part["to"]) + 1, str(part["digest"])
    faults = [] if seed == chain(NOTHING, bodies).hex() else ["the digest is not that of the outbox"]
    outcomes = [
        Outcome(
            reader.form,
            reader.kills,
            len(reader.effects()),
            reader.again,
            caught_up[reader.form],
            judge(reader.effects(), bodies, seed),
        )
        for reader in readers
    ]
    say(f"{plan.reconnects} streams at random places")
    tokens = [each.token for each in keys]
    wrong, read_again = await _reconnect(replicas.urls, tokens, bodies, plan.reconnects, chance)
    return Result(newest, away, outcomes, plan.reconnects, read_again, faults + wrong)


def judge(effects: Sequence[bytes], bodies: Sequence[bytes], digest: str) -> list[str]:
    """What is wrong with the effects of a reader, in the order in which they were done."""
    numbers = [int(json.loads(body)["sequence"]) for body in effects]
    ids = [json.loads(body)["id"] for body in effects]
    faults = []
    if missing := sorted(set(range(1, len(bodies) + 1)) - set(numbers)):
        faults.append(f"gap: {missing[:5]}")
    if len(set(ids)) != len(ids):
        faults.append(f"{len(ids) - len(set(ids))} effects were done twice")
    if numbers != sorted(numbers):
        faults.append("effects are out of order")
    if chain(NOTHING, effects).hex() != digest:
        faults.append("the digest is another")
    return faults


class Reader:
    """One form's reader, process after process."""

    def __init__(self, form: str, folder: Path, key: str, urls: Sequence[str]) -> None:
        self.form = form
        self.kills = 0
        self._folder = folder
        self._words = ("-m", "benchmarks.feed.consumer", form, str(folder), BRANCH)
        self._where = (key, *urls)

    @contextlib.asynccontextmanager
    async def up(self, *, work_ms: int = 0) -> AsyncIterator[asyncio.subprocess.Process]:
        """The process, killed by SIGKILL at the end: it is never asked to stop."""
        process = await asyncio.create_subprocess_exec(sys.executable, *self._words, str(work_ms), *self._where)
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def effects(self) -> list[bytes]:
        """What it has done."""
        path = self._folder / "effects.jsonl"
        return path.read_bytes().split(b"\n")[:-1] if path.exists() else []

    @property
    def again(self) -> int:
        """How many events came once more, and had no second effect."""
        path = self._folder / "again"
        return path.stat().st_size if path.exists() else 0


async def _begin(replicas: Replicas, token: str, redis_url: str) -> None:
    import redis.asyncio

    async with httpx.AsyncClient(trust_env=False, headers={"authorization": f"Bearer {token}"}) as client:
        answer = await client.put(f"{replicas.urls[0]}/v1/branches/{BRANCH}/cursors/bench", json={"sequence": 0})
        answer.raise_for_status()
    async with redis.asyncio.Redis.from_url(redis_url) as admin:
        await admin.xgroup_create(orders_stream(BRANCH), "bench", id="0", mkstream=True)


@contextlib.asynccontextmanager
async def _all_up(readers: Sequence[Reader]) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for reader in readers:
            await stack.enter_async_context(reader.up())
        yield


async def _until(readers: Sequence[Reader], count: int) -> None:
    async with asyncio.timeout(CATCH_UP_S):
        for reader in readers:
            while len(reader.effects()) < count:  # noqa: ASYNC110 - another process's file
                await asyncio.sleep(0.02)


async def _kill(reader: Reader, times: int, chance: random.Random) -> None:
    for _ in range(times):
        async with reader.up(work_ms=WORK_MS) as process:
            await asyncio.sleep(chance.uniform(*ALIVE_S))
            if process.returncode is not None:
                raise RuntimeError(f"the {reader.form} reader ended by itself with {process.returncode}")
        reader.kills += 1


async def _produce(producer: Producer) -> None:
    while True:
        await producer.order()
        await asyncio.sleep(0.2)


async def _break(replicas: Replicas, times: int, chance: random.Random) -> None:
    for turn in range(times):
        await asyncio.sleep(chance.uniform(1, 4))
        await replicas.kill_and_restart(turn)


async def _settled(pool: Pool) -> int:
    """The newest number, once everything is numbered and published."""
    async with asyncio.timeout(CATCH_UP_S):
        while True:
            async with pool.connection() as conn:
                cursor = await conn.execute(
                    "SELECT max(sequence), count(*) FILTER (WHERE published_at IS NULL) FROM outbox"
                    " WHERE branch_id = %s",
                    (BRANCH,),
                )
                row = await cursor.fetchone()
            if row is not None and row[0] is not None and not row[1]:
                return int(row[0])
            await asyncio.sleep(0.05)


def _bodies(admin_url: str) -> list[bytes]:
    """The feed as the database has it, made into bytes by other means than the service's."""
    with psycopg.connect(admin_url) as connection:
        rows = connection.execute(
            "SELECT pii_event, sequence FROM outbox WHERE branch_id = %s ORDER BY sequence", (BRANCH,)
        ).fetchall()
    return [
        json.dumps(
            {**event, "sequence": f"{sequence:020d}", "timestamp": event["time"]},
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        for event, sequence in rows
    ]


async def _reconnect(
    urls: Sequence[str], tokens: Sequence[str], bodies: Sequence[bytes], times: int, chance: random.Random
) -> tuple[list[str], int]:
    """Come again so often at a random place, read a random number of events, and go without a word."""
    places = [(chance.randrange(len(bodies)), chance.randint(1, 60)) for _ in range(times)]
    faults: list[str] = []
    read = 0

    async def work(worker: int) -> None:
        nonlocal read
        headers = {"authorization": f"Bearer {tokens[worker]}"}
        async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=CATCH_UP_S) as client:
            for turn, (after, count) in enumerate(places[worker::WORKERS]):
                url = f"{urls[turn % len(urls)]}/v1/branches/{BRANCH}/events/stream"
                wanted = bodies[after : after + count]
                found: list[bytes] = []
                while not found:
                    async with aconnect_sse(client, "GET", url, headers={"Last-Event-ID": str(after)}) as source:
                        if source.response.status_code in (429, 503):
                            await asyncio.sleep(float(source.response.headers.get("retry-after", "1")))
                            continue
                        async with contextlib.aclosing(source.aiter_sse()) as events:
                            async for event in events:
                                found.append(event.data.encode())
                                if len(found) == len(wanted):
                                    break
                read += len(found)
                if found != wanted:
                    faults.append(f"after {after} came something else")

    await asyncio.gather(*(work(worker) for worker in range(WORKERS)))
    return faults, read
