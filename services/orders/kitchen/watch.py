"""One branch, watched for all its screens of this process: its feed, the carts of its callers, its stock.

The feed is read from where it stood when the watch began, number by number. Carts and stock have no numbers: they are
compared with what was told last, at once when a cart's change is heard on the branch's channel, and in any case every
:data:`LOOK_S`, which also finds calls that ended and what other processes have set.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from agiza.contracts.streams import carts_channel
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import UNAVAILABLE, Pool
from agiza.runtime.redis_clients import Client
from agiza.runtime.subscriber import Subscriber
from agiza.runtime.tasks import end
from services.orders.catalog import Catalog
from services.orders.feed.bell import FeedBell
from services.orders.feed.reading import PAGE_MAX, FeedItem, bounds, read_feed
from services.orders.kitchen.carts import LiveCart, live_carts
from services.orders.kitchen.screen import Frame, Screen, frame
from services.orders.kitchen.stocking import sold_out_of
from services.orders.kitchen.tickets import message_of
from services.orders.stock import StockBook

LOOK_S: Final = 2.0
RETRY_S: Final = 0.5
BLIND_S: Final = 5.0
"""After so long without reading anything the screens are told that what they show may be old."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WatchParts:
    """What a watch reads from."""

    pool: Pool
    catalog: Catalog
    book: StockBook
    bell: FeedBell
    subscriber: Client
    clock: Clock
    metrics: Metrics


class Watch:
    """Tells the screens that are in it. :meth:`start` before the first one enters, :meth:`close` after the last."""

    def __init__(self, branch_id: str, parts: WatchParts) -> None:
        self.branch_id = branch_id
        self.screens: set[Screen] = set()
        self._parts = parts
        self._head = 0
        self._carts: dict[str, LiveCart] = {}
        self._sold_out: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._looking = asyncio.Lock()
        self._read_at = parts.clock.monotonic()
        self._ending = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """From now on everything is told. Raises psycopg's errors and ``MenuNotFound``."""
        await self._parts.catalog.current(self.branch_id)
        async with self._parts.pool.connection() as conn:
            self._head = (await bounds(conn, self.branch_id)).newest
        heard = Subscriber(
            self._parts.subscriber,
            [carts_channel(self.branch_id)],
            lambda received: self.hint(),
            self._parts.metrics,
        )
        self._tasks = [
            asyncio.create_task(self._keep(self._follow_feed), name=f"kitchen feed of {self.branch_id}"),
            asyncio.create_task(self._keep(self._follow_carts), name=f"kitchen carts of {self.branch_id}"),
            asyncio.create_task(heard.run(self._ending), name=f"kitchen channel of {self.branch_id}"),
        ]

    async def close(self) -> None:
        """Stop watching; the screens that are left are over."""
        self._ending.set()
        for screen in self.screens:
            screen.over.set()
        await end(self._tasks)

    def hint(self) -> None:
        """Carts or stock may have changed: look now."""
        self._changed.set()

    @property
    def is_blind(self) -> bool:
        """Whether the database could not be read for a while."""
        return self._parts.clock.monotonic() - self._read_at > BLIND_S

    async def whole(self) -> Frame:
        """All carts and the stock as they are now: where a screen begins, before the changes of them."""
        await self.look()
        return frame(
            "now",
            {
                "now": self._parts.clock.now().isoformat(),
                "carts": [cart.shown for cart in self._carts.values()],
                "sold_out": self._sold_out,
            },
        )

    async def look(self) -> None:
        """Tell what has changed with carts and stock. Raises psycopg's errors."""
        async with self._looking:
            menu = (await self._parts.catalog.current(self.branch_id)).file.menu
            async with self._parts.pool.connection() as conn:
                carts = await live_carts(conn, self._parts.catalog, self._parts.clock, self.branch_id, self._carts)
                sold_out = sold_out_of(await self._parts.book.sold_out_in(conn, self.branch_id, menu))
            before, self._carts = self._carts, carts
            for cart_id, cart in carts.items():
                if cart_id not in before or before[cart_id].version != cart.version:
                    self._tell(frame("cart", cart.shown))
            for cart_id in before.keys() - carts.keys():
                self._tell(frame("gone", {"id": cart_id}))
            if sold_out != self._sold_out:
                self._sold_out = sold_out
                self._tell(frame("stock", {"sold_out": sold_out}))

    async def since(self, after: int) -> list[FeedItem] | None:
        """The events behind ``after``, or None when they are too many, or not all there any more, or not yet there."""
        async with self._parts.pool.connection() as conn:
            there = await bounds(conn, self.branch_id)
            if after > there.newest or after + 1 < there.oldest or there.newest - after > PAGE_MAX:
                return None
            return list(await read_feed(conn, self.branch_id, after=after, limit=PAGE_MAX))

    async def _follow_feed(self) -> None:
        with self._parts.bell.listen(self.branch_id) as rung:
            while not self._ending.is_set():
                rung.clear()
                if not await self._read_on():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(rung.wait(), LOOK_S)

    async def _read_on(self) -> bool:
        """Tell what has come since. True when there may be more."""
        async with self._parts.pool.connection() as conn:
            items = await read_feed(conn, self.branch_id, after=self._head, limit=PAGE_MAX)
        self._read_at = self._parts.clock.monotonic()
        for item in items:
            self._head = item.sequence
            self._tell(order_frame(item))
        return len(items) == PAGE_MAX

    async def _follow_carts(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), LOOK_S)
        self._changed.clear()
        await self.look()

    async def _keep(self, work: Callable[[], Awaitable[None]]) -> None:
        is_failing = False
        while not self._ending.is_set():
            try:
                await work()
                is_failing = False
            except UNAVAILABLE as error:
                if not is_failing:
                    log.warning("kitchen_blind", branch_id=self.branch_id, error=type(error).__name__)
                is_failing = True
                await asyncio.sleep(RETRY_S)
            except Exception as error:  # the screens of a branch must not stand still because of one bad row
                self._parts.metrics.add("unexpected_error_total", where="kitchen")
                log.error("kitchen_watch_failed", branch_id=self.branch_id, exc_info=error)
                await asyncio.sleep(LOOK_S)

    def _tell(self, told: Frame) -> None:
        for screen in self.screens:
            if not screen.over.is_set() and not screen.offer(told):
                self._parts.metrics.add("kitchen_screens_cut_off_total", branch=self.branch_id)
                log.warning("kitchen_screen_cut_off", branch_id=self.branch_id)


def order_frame(item: FeedItem) -> Frame:
    """A numbered event for screens."""
    return frame("order", message_of(item.body), item.sequence)
