"""One ``tool.called`` event, one Postgres transaction, one answer.

    answer = await ToolHandler(...).answer(received, "stream")

Read under the cart's row lock, settle (:mod:`agiza.domain.desk`), write, commit, answer. Cart, history, inbox, order
and outbox are written together or not at all. The transaction is pipelined: it costs two round trips, one for what is
read and one for what is written with the commit, and one more when an order is placed, for its number.
"""

from __future__ import annotations

from dataclasses import dataclass

from agiza.contracts.envelope import Received
from agiza.contracts.events import CartChanged, FunctionResult, ToolAnswered, ToolCalled, ToolCancelled
from agiza.contracts.tools import CANCEL_ORDER, ORDER_QUESTIONS
from agiza.domain.desk import local_day, settle
from agiza.domain.entry import Entry, Settled
from agiza.domain.inbox import cancel
from agiza.runtime.clock import Clock
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, pipelined_transaction, transaction
from services.orders import store
from services.orders.callers import is_known_caller
from services.orders.catalog import Catalog, PinnedMenu
from services.orders.counts import Path, count_answers, count_orders
from services.orders.occasion import Occasion, entry_of, held_of
from services.orders.recorder import record
from services.orders.store import CartRow, Surroundings


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to send, and what screens and the relay want to know of it."""

    event: ToolAnswered
    cart_changed: CartChanged | None
    has_news: bool


class ToolHandler:
    """Carries out the model's function calls on the cart of their call."""

    def __init__(self, pool: Pool, catalog: Catalog, clock: Clock, metrics: Metrics) -> None:
        self._pool = pool
        self._catalog = catalog
        self._clock = clock
        self._metrics = metrics

    async def answer(self, received: Received, path: Path) -> Answered:
        """Apply the event and return its answer; a repeated event returns the same answer and changes nothing.

        Raises ``MenuNotFound`` and ``CartElsewhere`` for events that can never be right, and psycopg's errors
        when the database is out of reach (worth another try: nothing was written).
        """
        event = received.event
        assert isinstance(event, ToolCalled)
        pinned = await self._catalog.menu(event.branch_id, event.menu_version)
        async with pipelined_transaction(self._pool) as conn:
            occasion = await self._read(conn, event, received.envelope.traceparent, pinned)
            settled = await self._settle(conn, entry_of(event, received.envelope.time), occasion)
            await record(conn, occasion, settled)
        count_answers(self._metrics, settled, path, event.call_id)
        count_orders(self._metrics, settled, occasion.held)
        is_changed = settled.cart.version != occasion.held.cart.version
        return Answered(
            event=ToolAnswered(
                branch_id=event.branch_id,
                call_id=event.call_id,
                request_id=received.envelope.id,
                leg_epoch=event.leg_epoch,
                results=tuple(
                    FunctionResult(id=answer.id, name=answer.name, response=answer.response)
                    for answer in settled.answers
                ),
                cart_version=settled.cart.version,
                reply_to=event.reply_to,
            ),
            cart_changed=occasion.screen_event(settled.cart) if is_changed else None,
            has_news=bool(settled.feed),
        )

    async def cancel(self, received: Received) -> None:
        """Leave a tombstone for each cancelled function call that was not carried out; what was done stands.

        A leg that was taken over cancels nothing: what it had asked and was not carried out never will be anyway.
        """
        event = received.event
        assert isinstance(event, ToolCancelled)
        async with transaction(self._pool) as conn:
            # Behind a call that is just being carried out: either it has committed, or it will find the tombstone.
            fence = await store.lock_existing_cart(conn, event.call_id)
            if fence is None:
                await store.lock_absent_cart(conn, event.call_id)
                fence = await store.lock_existing_cart(conn, event.call_id)
            known = await store.known_ids(conn, event.call_id, event.ids)
            cancelled = cancel(fence, known, event.leg_epoch, event.ids)
            if cancelled.tombstones:
                await store.insert_results(conn, event.call_id, cancelled.tombstones)
        if cancelled.is_older_leg:
            self._metrics.add("stale_epoch_rejected_total")

    async def _read(self, conn: Connection, event: ToolCalled, traceparent: str, pinned: PinnedMenu) -> Occasion:
        row, around = await self._read_desk(conn, event)
        if row is None:
            await store.make_cart(
                conn, call_id=event.call_id, branch_id=event.branch_id, menu_version=event.menu_version
            )
            row, around = await self._read_desk(conn, event)
            if row is None:
                raise store.CartElsewhere(event.branch_id)
        if row.menu_version != event.menu_version:
            # the cart was begun under another version: its own stays in force for the whole call
            pinned = await self._catalog.menu(event.branch_id, row.menu_version)
        now = self._clock.at(around.read_at)
        is_known = await is_known_caller(conn, around.caller_number, pinned.file.branch.limits, now)
        held = held_of(row, around, pinned, now, is_known_caller=is_known)
        return Occasion(event.call_id, row, held, now, traceparent)

    async def _read_desk(self, conn: Connection, event: ToolCalled) -> tuple[CartRow | None, Surroundings]:
        return await store.read_desk(
            conn,
            call_id=event.call_id,
            branch_id=event.branch_id,
            tool_call_ids=[call.id for call in event.calls],
            now=self._clock.now(),
            asks_of_orders=any(call.name in ORDER_QUESTIONS for call in event.calls),
            moves_orders=any(call.name == CANCEL_ORDER for call in event.calls),
        )

    async def _settle(self, conn: Connection, entry: Entry, occasion: Occasion) -> Settled:
        settled = settle(occasion.held, entry, occasion.now)
        if not settled.placed:
            return settled
        number = await store.take_order_numbers(
            conn, entry.branch_id, local_day(occasion.now, occasion.held.branch), len(settled.placed)
        )
        return settle(occasion.held, entry, occasion.now, first_number=number)
