"""The ``agiza menu`` commands that work on the database of ``orders``: publishing, versions, stock.

They log in as the orders service does (DATABASE_URL), or into the stack that ``agiza up`` runs in this folder. Nothing
is told to the services: they read versions and stock from the database.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from rich.console import Console

from agiza.cli.errors import CliError
from agiza.cli.menu_files import MISTAKES, check, say
from agiza.cli.site import SiteSettings, read_site
from agiza.cli.until import moment_until, shown
from agiza.cli.up_note import HOME, noted_orders
from agiza.domain.menu import Branch
from agiza.domain.stock import StockKind
from agiza.runtime.branch_files import BranchFilesError, load_together
from agiza.runtime.clock import Clock
from agiza.runtime.postgres import UNAVAILABLE, Pool, open_pool
from agiza.runtime.settings import read_settings
from services.orders.catalog import Catalog, MenuNotFound
from services.orders.publishing import PublishRefused, publish_by_hand
from services.orders.stock import StockBook, StockOrder, StockRefused

VERSIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Store:
    """The orders service's database, as a command sees it."""

    pool: Pool
    catalog: Catalog
    clock: Clock

    async def branch(self, branch_id: str) -> Branch:
        """The branch as its newest menu has it. Raises :class:`CliError` with those there are."""
        try:
            return (await self.catalog.current(branch_id)).file.branch
        except MenuNotFound:
            there = ", ".join(each["id"] for each in await self.catalog.branches()) or "none yet"
            raise CliError(f"there is no branch {branch_id!r}; there are: {there}") from None


@contextlib.asynccontextmanager
async def open_store(home: Path = HOME) -> AsyncIterator[Store]:
    """For the length of the context. Raises :class:`CliError` for whatever keeps the command from it."""
    site = _site(home)
    if site.database_url is None:
        raise CliError(
            "set DATABASE_URL, as the orders service has it, or run this where `agiza up` was started: menus and stock"
            " are kept in the database"
        )
    clock = Clock.starting_at(site.agiza_now, site.agiza_now_set_at)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # its tries; the command says in one line how they ended
    try:
        async with open_pool(site.database_url.get_secret_value(), service="menu-command", size_max=2) as pool:
            yield Store(pool, Catalog(pool), clock)
    except psycopg.errors.InsufficientPrivilege:
        raise CliError("this login may not write menus and stock: use the DATABASE_URL of the orders service") from None
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        raise CliError("the database is of another release: run python -m agiza.runtime.prepare first") from None
    except UNAVAILABLE as error:
        raise CliError(f"the database does not answer ({type(error).__name__}): look at DATABASE_URL") from None


async def publish(paths: Sequence[Path], by: str | None, console: Console) -> int:
    """Make each file its branch's newest menu. Nothing is published where one file has a mistake."""
    try:
        loaded = load_together(paths)
    except BranchFilesError:
        check(paths, console)
        say(console, "nothing was published")
        return MISTAKES
    async with open_store() as store:
        for each in loaded:
            branch = each.file.branch
            try:
                done = await publish_by_hand(store.pool, each.file, each.document, by or _whoami())
            except PublishRefused as error:
                raise CliError(f"{each.path.name}: {error}") from None
            if done.outcome == "same":
                say(console, f"{branch.id}: version {done.version} has this content already; nothing changed")
            else:
                say(console, f"{branch.id}: version {done.version} is published; new calls get it within seconds")
    return 0


async def versions(branch_id: str, console: Console) -> int:
    """The newest versions of a branch's menu: when, by whom."""
    async with open_store() as store:
        branch = await store.branch(branch_id)
        async with store.pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT version, published_at, source, published_by FROM menus WHERE branch_id = %s"
                " ORDER BY version DESC LIMIT %s",
                (branch_id, VERSIONS_SHOWN),
            )
            for version, at, source, by in await cursor.fetchall():
                who = f"by {by}" if by else "by hand"
                say(
                    console,
                    f"{version}  {shown(at, branch)}  {who if source == 'hand' else 'from the files of a start'}",
                )
    return 0


async def show(branch_id: str, version: int | None, console: Console) -> int:
    """A version's document as JSON, which can be changed and published again."""
    async with open_store() as store:
        await store.branch(branch_id)
        try:
            pinned = await (
                store.catalog.current(branch_id) if version is None else store.catalog.menu(branch_id, version)
            )
        except MenuNotFound as error:
            raise CliError(f"{error}: look at agiza menu versions --branch {branch_id}") from None
    say(console, json.dumps(pinned.document, indent=2, ensure_ascii=False))
    return 0


@dataclass(frozen=True, slots=True)
class SoldOutOptions:
    """What ``agiza menu sold-out`` was given."""

    name: str
    branch: str
    kind: StockKind
    until: str | None
    back: bool
    reason: str
    by: str | None


async def sold_out(options: SoldOutOptions, console: Console) -> int:
    """Take something off sale, or put it back. It counts from the next tool call of every call that is going on."""
    if options.back and (options.until is not None or options.reason):
        raise CliError("--back puts it on sale again at once: leave --until and --reason out")
    async with open_store() as store:
        branch = await store.branch(options.branch)
        until = moment_until(options.until, branch, store.clock.now()) if options.until is not None else None
        order = StockOrder(
            branch_id=branch.id,
            kind=options.kind,
            name=options.name,
            sold_out=not options.back,
            until=until,
            reason=options.reason,
            by=options.by or _whoami(),
        )
        try:
            done = await StockBook(store.pool, store.catalog, store.clock).set(order)
        except StockRefused as error:
            raise CliError(str(error)) from None
    what = f"{branch.id}: {done.name} ({', '.join(done.entries)})"
    if options.back:
        say(console, f"{what} is on sale again" if done.changed else f"{what} was on sale; nothing changed")
    else:
        ends = f"until {shown(until, branch)}" if until is not None else "until it is put back with --back"
        say(console, f"{what} is sold out {ends}")
    return 0


async def stock(branch_id: str, console: Console) -> int:
    """What the branch is out of now."""
    async with open_store() as store:
        branch = await store.branch(branch_id)
        found = await StockBook(store.pool, store.catalog, store.clock).sold_out(branch_id)
    for each in found:
        ends = f"until {shown(each.until, branch)}" if each.until is not None else "until it is put back"
        reason = f", {each.reason}" if each.reason else ""
        name = each.name or "no longer on the menu"
        say(console, f"{each.entry}  {name}, {ends}{reason} ({each.set_by or 'unknown'}, {shown(each.set_at, branch)})")
    if not found:
        say(console, f"{branch_id} has everything")
    return 0


def _site(home: Path) -> SiteSettings:
    site = read_site()
    if site.database_url is not None:
        return site
    return read_settings(SiteSettings, **{name.lower(): value for name, value in noted_orders(home).items()})


def _whoami() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "command line"
