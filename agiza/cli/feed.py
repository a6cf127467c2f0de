"""``agiza feed``: streams written anew for operators; for integrators, proof that they hold all, and a stream."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

import msgspec
import psycopg
from psycopg_pool import PoolTimeout
from rich.console import Console

from agiza.cli.errors import CliError
from agiza.cli.feed_client import FeedClient, FeedRefused
from agiza.cli.feed_holding import Holding, NotAnEvent, ranges
from agiza.cli.redis_admin import redis_administrator
from agiza.contracts.feed_digest import NOTHING, body_hash, canonical_json
from agiza.runtime.outbox_upkeep import rebuild_stream
from agiza.runtime.postgres import Pool, open_pool

REDIS_TIMEOUT_S: Final = 10.0


async def rebuild(branches: Sequence[str], database_url: str | None, redis_url: str | None, out: Console) -> int:
    """Write the streams of these branches, or of all when none is named, anew. Safe beside running services.

    Raises :class:`CliError`.
    """
    if database_url is None:
        raise CliError("set DATABASE_URL, as the orders service has it, or run this where `agiza up` was started")
    try:
        async with (
            open_pool(database_url, service="cli", size_max=2) as pool,
            redis_administrator(redis_url, to="write streams", timeout_s=REDIS_TIMEOUT_S) as client,
        ):
            for branch in await _known(pool, branches):
                count = await rebuild_stream(pool, client, branch)
                out.print(f"{branch}: {count} events written", highlight=False)
    except psycopg.errors.UndefinedTable:
        raise CliError("the database is older than this build: run the migrations first") from None
    except psycopg.errors.InsufficientPrivilege:
        raise CliError("this login may not write events: DATABASE_URL must be that of orders, or the owner's") from None
    except (psycopg.Error, PoolTimeout) as error:
        raise CliError(f"Postgres did not do it ({type(error).__name__}): look at DATABASE_URL, try again") from None
    return 0


async def verify(feed: FeedClient, out: Console, *, first: int | None, last: int | None, file: Path | None) -> int:
    """Compare what somebody holds (the file's events, or what pulling gives) with the digest. 0 equal, 1 not.

    Raises :class:`CliError`.
    """
    begin, end, newest = await _range(feed, first, last, out)
    if file is not None:
        holding = read_file(file)
    else:
        holding = Holding()
        async for event in feed.pull(after=begin - 1, last=end):
            holding.add(event)
    wrong = _own_faults(holding, begin, end, newest)
    seed, at = NOTHING, begin
    while at <= end:
        part = await feed.digest(first=at, last=end, seed=seed.hex())
        to, digest = int(part["to"]), bytes.fromhex(part["digest"])
        missing = holding.missing(at, to)
        if missing or holding.chain(seed, at, to) != digest:
            theirs = [
                (int(event["sequence"]), body_hash(canonical_json(event)))
                async for event in feed.pull(after=at - 1, last=to)
            ]
            changed = list(holding.different(theirs))
            wrong["different from the feed"] += changed
            if not missing and not changed:  # the endpoint contradicts the feed: not the integrator's fault
                wrong["with a digest that the feed's own events do not have"] += range(at, to + 1)
        at, seed = to + 1, digest
    faults = {name: numbers for name, numbers in wrong.items() if numbers}
    for name, numbers in faults.items():
        out.print(f"{name}: {ranges(numbers)}", highlight=False, soft_wrap=True)
    if holding.doubles:
        out.print(f"held more than once, the same each time: {ranges(holding.doubles)}", highlight=False)
    count = max(0, end - begin + 1)
    out.print(f"{count} events, {begin} to {end}, digest {seed.hex()}", highlight=False, soft_wrap=True)
    out.print("NOT what the feed holds" if faults else "all held, none changed", highlight=False)
    return 1 if faults else 0


async def follow(feed: FeedClient, out: TextIO, *, after: int | None, state: Path | None, count: int | None) -> int:
    """Write each event as a line, as it comes. With ``state`` the last number is kept there, after its line is out:
    who is killed in between writes that event again, and no other. Raises :class:`CliError`."""
    done = after if after is not None else read_state(state)
    left = count
    if left == 0:
        return 0
    async with contextlib.aclosing(feed.follow(after=done)) as events:
        async for event in events:
            out.write(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n")
            out.flush()
            if state is not None:
                write_state(state, int(event["sequence"]))
            if left is not None:
                left -= 1
                if left == 0:
                    return 0
    return 0


def read_file(path: Path) -> Holding:
    """The events of a JSONL file, each as it was received or as it was parsed. Raises :class:`CliError`."""
    holding = Holding()
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    holding.add(msgspec.json.decode(line, type=dict))
                except (msgspec.DecodeError, msgspec.ValidationError):
                    raise CliError(f"{path}:{number} is no JSON object") from None
                except NotAnEvent as error:
                    raise CliError(f"{path}:{number} {error}: one event a line, as it was received") from None
    except OSError as error:
        raise CliError(f"{path} cannot be read ({type(error).__name__})") from None
    return holding


def read_state(path: Path | None) -> int:
    """The kept number; 0 when there is none yet. Raises :class:`CliError`."""
    if path is None or not path.exists():
        return 0
    text = path.read_text().strip()
    if not text.isdecimal():
        raise CliError(f"{path} holds no sequence: delete it to begin anew")
    return int(text)


def write_state(path: Path, sequence: int) -> None:
    """Keep it: whole, or as it was before."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(f"{sequence}\n")
    os.replace(fresh, path)


async def _known(pool: Pool, branches: Sequence[str]) -> list[str]:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT branch_id FROM branches ORDER BY branch_id")
        there = [str(row[0]) for row in await cursor.fetchall()]
    if missing := [branch for branch in branches if branch not in there]:
        raise CliError(f"there is no branch {', '.join(missing)}; there are: {', '.join(there) or 'none yet'}")
    return list(branches) or there


async def _range(feed: FeedClient, first: int | None, last: int | None, out: Console) -> tuple[int, int, int]:
    """From where to where, and the newest number. Who names no beginning begins with the oldest that is kept."""
    begin = first or 1
    try:
        there = await feed.digest(first=begin, last=begin)
    except FeedRefused as error:
        if error.code == "events-forgotten" and first is None:
            begin = int(error.problem["oldest"])
            out.print(f"events before {begin} are forgotten; beginning there", highlight=False)
            there = await feed.digest(first=begin, last=begin)
        elif error.code == "sequence-ahead" and first is None:
            return 1, 0, 0
        else:
            raise
    newest = int(there["newest"])
    if last is not None and last > newest:
        raise CliError(f"--to {last}: the newest event is {newest}")
    return begin, newest if last is None else last, newest


def _own_faults(holding: Holding, begin: int, end: int, newest: int) -> dict[str, list[int]]:
    return {
        "missing": holding.missing(begin, end),
        "held with two contents": holding.contradicting,
        "with the id of another number": holding.repeated_ids,
        "not in the feed": holding.beyond(newest),
        "different from the feed": [],
        "with a digest that the feed's own events do not have": [],
    }


def standard_output() -> TextIO:
    """Lines of events, whatever the screen's encoding is."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    return sys.stdout
