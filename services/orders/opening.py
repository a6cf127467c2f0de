"""With which cart a leg begins: none yet, the call's own, or one that a lost call has left behind.

A cart has its own id and belongs to one call at a time. Moving it fences the earlier call: what that one still sends
finds no cart any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agiza.contracts.events import Resumed
from agiza.domain.cart import Cart
from agiza.domain.codec import cart_from_json
from agiza.domain.line_words import line_words
from agiza.domain.pricing import price_cart
from agiza.domain.replies import all_of, total_words
from agiza.domain.said import text_in_language
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, transaction
from services.orders import store_calls
from services.orders.catalog import Catalog
from services.orders.store_calls import HeldCart

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Opening:
    """What the agent needs to know before its first word. ``lines`` and ``total`` are spoken; empty without a cart."""

    resumed: Resumed = "none"
    cart_version: int = 0
    lines: str = ""
    total: str | None = None
    placed: tuple[int, ...] = ()

    def in_language(self, language: str) -> Opening:
        """The same, spoken in this language."""
        total = None if self.total is None else text_in_language(self.total, language)
        return replace(self, lines=text_in_language(self.lines, language), total=total)


class Openings:
    """Finds, and where needed moves, the cart of a leg that begins."""

    def __init__(self, pool: Pool, catalog: Catalog, metrics: Metrics) -> None:
        self._pool = pool
        self._catalog = catalog
        self._metrics = metrics

    async def open(self, call_id: str, branch_id: str, leg_epoch: int) -> Opening:
        """The opening of this leg; asked again it says the same. Raises psycopg's errors and ``MenuNotFound``."""
        async with transaction(self._pool) as conn:
            return await self.open_in(conn, call_id, branch_id, leg_epoch)

    async def open_in(self, conn: Connection, call_id: str, branch_id: str, leg_epoch: int) -> Opening:
        """The same within a transaction; the cart, if there is one, is locked until its end."""
        found, resumed = await self._find(conn, call_id, branch_id, leg_epoch)
        if found is None or found.branch_id != branch_id:
            return Opening()
        if found.call_id != call_id:
            await store_calls.move_cart(conn, found.row.cart_id, call_id)
            log.info("cart_moved", cart_id=found.row.cart_id, from_call_id=found.call_id, resumed=resumed)
        cart = cart_from_json(found.row.state)
        if not (cart.lines or cart.placed):
            return Opening(cart_version=cart.version)
        self._metrics.add("carts_resumed_total", how=resumed)
        return await self._told(cart, found, resumed)

    async def _find(
        self, conn: Connection, call_id: str, branch_id: str, leg_epoch: int
    ) -> tuple[HeldCart | None, Resumed]:
        own = await store_calls.lock_cart_of_call(conn, call_id)
        if own is not None:
            if leg_epoch or own.row.cart_id == f"cart-{call_id}":
                return own, "leg"
            return own, "ring_back" if await store_calls.is_ring_back(conn, call_id) else "redial"
        lost = await store_calls.lock_cart_of_lost_call(conn, call_id, branch_id)
        if lost is not None:
            return lost, "ring_back"
        return await store_calls.lock_cart_left_open(conn, call_id, branch_id), "redial"

    async def _told(self, cart: Cart, found: HeldCart, resumed: Resumed) -> Opening:
        file = (await self._catalog.menu(found.branch_id, found.row.menu_version)).file
        priced = price_cart(cart, file.menu, file.branch)
        return Opening(
            resumed=resumed,
            cart_version=cart.version,
            lines=all_of([line_words(line, file.menu) for line in priced.lines]) if priced.lines else "",
            total=total_words(priced.totals) if priced.lines else None,
            placed=tuple(order.number for order in cart.placed),
        )
