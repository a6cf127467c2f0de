"""``agiza keys``: who may use the orders API, for which branches, and what for."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from rich.console import Console
from rich.table import Table

from agiza.cli.errors import CliError
from agiza.runtime.postgres import CONNECT_TIMEOUT_S, Connection
from services.orders.public_api.keys import (
    EVERY_BRANCH,
    KeyRefused,
    KeyRow,
    add_key,
    list_keys,
    new_key,
    revoke_key,
)


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """The options of ``agiza keys create``, as typed."""

    name: str
    branches: tuple[str, ...]
    every_branch: bool
    rights: tuple[str, ...]
    days: int | None


async def create(options: KeyOptions, database_url: str | None, out: Console, notes: Console) -> int:
    """Make a key and print it alone on standard output, once. Raises :class:`CliError`."""
    if options.every_branch and options.branches:
        raise CliError("--branch or --all-branches: give one of them")
    branches = (EVERY_BRANCH,) if options.every_branch else options.branches
    expires_at = None if options.days is None else datetime.now(UTC) + timedelta(days=options.days)
    try:
        key = new_key(options.name, branches=branches, rights=options.rights, expires_at=expires_at)
        async with _database(database_url) as conn:
            await add_key(conn, key)
    except KeyRefused as error:
        raise CliError(str(error)) from None
    out.print(key.token, soft_wrap=True, markup=False, highlight=False)
    until = f" until {expires_at:%Y-%m-%d}" if expires_at is not None else ""
    notes.print(
        f"key {key.key_id} ({key.name}) for {_branches(key.branches)}{until}: {', '.join(key.rights)}."
        " It is shown this once; what is kept is a digest.",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
    return 0


async def show(database_url: str | None, out: Console) -> int:
    """Print all keys, without their secrets. Raises :class:`CliError`."""
    async with _database(database_url) as conn:
        rows = await list_keys(conn)
    table = Table("key", "name", "branches", "rights", "made", "last used", "state", box=None, pad_edge=False)
    now = datetime.now(UTC)
    for row in rows:
        last = f"{row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at is not None else "never"
        table.add_row(
            row.key_id,
            row.name,
            _branches(row.branches),
            ", ".join(row.rights),
            f"{row.made_at:%Y-%m-%d}",
            last,
            _state(row, now),
        )
    out.print(table if rows else "there are no keys yet: agiza keys create")
    return 0


async def revoke(key_id: str, database_url: str | None, out: Console) -> int:
    """End a key from its next request on. Safe to repeat. Raises :class:`CliError`."""
    async with _database(database_url) as conn:
        name = await revoke_key(conn, key_id)
    if name is None:
        raise CliError(f"there is no key {key_id}: agiza keys list shows those there are")
    out.print(f"key {key_id} ({name}) opens nothing any more", soft_wrap=True, markup=False, highlight=False)
    return 0


@contextlib.asynccontextmanager
async def _database(url: str | None) -> AsyncIterator[Connection]:
    if url is None:
        raise CliError("set DATABASE_URL, as the orders service has it, or run this where `agiza up` was started")
    try:
        conn = await Connection.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S)
    except (psycopg.Error, ValueError) as error:
        raise CliError(f"Postgres does not answer ({type(error).__name__}): look at DATABASE_URL") from None
    try:
        async with conn:
            yield conn
    except psycopg.errors.UndefinedTable:
        raise CliError("the database is older than this build: run the migrations first") from None
    except psycopg.errors.InsufficientPrivilege:
        raise CliError("this login may not see keys: DATABASE_URL must be that of orders, or the owner's") from None
    except psycopg.Error as error:
        raise CliError(f"Postgres did not do it ({type(error).__name__}): try again") from None


def _branches(branches: Sequence[str]) -> str:
    return "every branch" if EVERY_BRANCH in branches else ", ".join(branches)


def _state(row: KeyRow, now: datetime) -> str:
    if row.revoked_at is not None:
        return f"revoked {row.revoked_at:%Y-%m-%d}"
    if row.expires_at is not None:
        return f"{'expired' if row.expires_at <= now else 'until'} {row.expires_at:%Y-%m-%d}"
    return "good"
