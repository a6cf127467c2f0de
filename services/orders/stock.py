"""What the branches are out of: the one place where it is written.

    book = StockBook(pool, catalog, clock)
    change = await book.set(StockOrder("westlands", "item", "samosa", sold_out=True, by="Amina"))

Every tool call reads the stock anew, so a change counts from the next tool call of every running call on: the item is
refused with a sentence, and a cart that holds it is told at its total and when it is to be placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agiza.domain.menu import Menu
from agiza.domain.stock import NotStocked, Stocked, StockKind, find_stocked, name_of_entry
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import Connection, Pool, transaction
from services.orders.catalog import Catalog

REASON_CHARS_MAX: Final = 200
BY_CHARS_MAX: Final = 60
SOLD_OUT_MAX: Final = timedelta(days=366)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StockOrder:
    """What somebody wants to be so. ``name`` is an item or an option, as ``kind`` says: its id or a whole name of it;
    an option also as ``group/option``. ``until`` None: until it is taken back."""

    branch_id: str
    kind: StockKind
    name: str
    sold_out: bool
    until: datetime | None = None
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class SoldOut:
    """One thing that a branch is out of. ``entry`` is an item's id or ``group/option``; ``name`` is None for something
    that the newest menu does not have any more."""

    entry: str
    name: str | None
    until: datetime | None
    reason: str
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class StockChange:
    """What is so now: the spoken name, the entries that it stands for, and whether any of it is new."""

    name: str
    entries: tuple[str, ...]
    changed: bool


class StockRefused(Exception):
    """The change cannot be made. ``code`` is stable; the text says what to do.

    ``unknown_item``, ``unknown_option`` (with ``near``, ids that may be meant), ``until_past``, ``until_too_far``,
    ``no_zone``, ``text_too_long``.
    """

    retryable = False

    def __init__(self, code: str, message: str, near: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.near = near


class StockBook:
    """The stock of all branches."""

    def __init__(self, pool: Pool, catalog: Catalog, clock: Clock) -> None:
        self._pool = pool
        self._catalog = catalog
        self._clock = clock

    async def set(self, order: StockOrder) -> StockChange:
        """Make it so. The same again changes nothing but who said it last, and when.

        Raises :class:`StockRefused`, ``MenuNotFound`` for a branch that is not known, and psycopg's errors.
        """
        menu = (await self._catalog.current(order.branch_id)).file.menu
        async with transaction(self._pool) as conn:
            return await self.set_in(conn, order, menu)

    async def set_in(self, conn: Connection, order: StockOrder, menu: Menu) -> StockChange:
        """The same in the caller's transaction, by the branch's newest menu. What is refused has written nothing."""
        now = self._clock.now()
        _check(order, now)
        found = find_stocked(menu, order.kind, order.name)
        if isinstance(found, NotStocked):
            raise _unknown(order, found)
        set_now = self._take if order.sold_out else self._give_back
        changed = await set_now(conn, order, found, now)
        log.info(
            "stock_changed",
            branch_id=order.branch_id,
            entries=list(found.entries),
            sold_out=order.sold_out,
            until=order.until.isoformat() if order.until is not None else None,
            by=order.by,
        )
        return StockChange(found.name, found.entries, changed)

    async def sold_out(self, branch_id: str) -> Sequence[SoldOut]:
        """What the branch is out of at this moment, by entry. Raises ``MenuNotFound``."""
        menu = (await self._catalog.current(branch_id)).file.menu
        async with self._pool.connection() as conn:
            return await self.sold_out_in(conn, branch_id, menu)

    async def sold_out_in(self, conn: Connection, branch_id: str, menu: Menu) -> Sequence[SoldOut]:
        """The same as the caller's transaction sees it."""
        cursor = await conn.execute(
            "SELECT item_id, sold_out_until, reason, set_by, set_at FROM stock WHERE branch_id = %s"
            " AND (sold_out_until IS NULL OR sold_out_until > %s) ORDER BY item_id",
            (branch_id, self._clock.now()),
        )
        rows = await cursor.fetchall()
        return [SoldOut(row[0], name_of_entry(menu, row[0]), *row[1:]) for row in rows]

    async def _take(self, conn: Connection, order: StockOrder, found: Stocked, now: datetime) -> bool:
        changed = False
        for entry in sorted(found.entries):  # two who set the same at once lock in one order
            cursor = await conn.execute(
                "SELECT sold_out_until FROM stock WHERE branch_id = %s AND item_id = %s"
                " AND (sold_out_until IS NULL OR sold_out_until > %s) FOR NO KEY UPDATE",
                (order.branch_id, entry, now),
            )
            changed |= await cursor.fetchone() != (order.until,)
            await conn.execute(
                "INSERT INTO stock (branch_id, item_id, sold_out_until, reason, set_by, set_at)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (branch_id, item_id) DO UPDATE SET"
                " sold_out_until = excluded.sold_out_until, reason = excluded.reason,"
                " set_by = excluded.set_by, set_at = excluded.set_at",
                (order.branch_id, entry, order.until, order.reason, order.by, now),
            )
        return changed

    async def _give_back(self, conn: Connection, order: StockOrder, found: Stocked, now: datetime) -> bool:
        cursor = await conn.execute(
            "DELETE FROM stock WHERE branch_id = %s AND item_id = ANY(%s)"
            " RETURNING sold_out_until IS NULL OR sold_out_until > %s",
            (order.branch_id, list(found.entries), now),
        )
        return any(row[0] for row in await cursor.fetchall())


def _check(order: StockOrder, now: datetime) -> None:
    if len(order.reason) > REASON_CHARS_MAX or len(order.by) > BY_CHARS_MAX:
        limits = f"a reason of up to {REASON_CHARS_MAX} characters, and a name of up to {BY_CHARS_MAX}"
        raise StockRefused("text_too_long", f"too long: give {limits}")
    if order.until is None:
        return
    if order.until.tzinfo is None:
        raise StockRefused("no_zone", "until has no time zone: add one, such as +03:00")
    if order.until <= now:
        raise StockRefused("until_past", f"{order.until.isoformat()} is past: give a later time")
    if order.until - now > SOLD_OUT_MAX:
        raise StockRefused("until_too_far", "more than a year ahead: leave the time out, or take it off the menu")


def _unknown(order: StockOrder, found: NotStocked) -> StockRefused:
    hint = f": did you mean {' or '.join(found.near)}?" if found.near else ""
    text = f"branch {order.branch_id} has no {order.kind} {order.name[:60]!r} on its menu{hint}"
    return StockRefused(f"unknown_{order.kind}", text, found.near)
