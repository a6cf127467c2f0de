"""One ``tool.called`` event, one Postgres transaction, one answer.

    answer = await ToolHandler(...).answer(received, "stream")

The order of guards, all under the cart's row lock: the leg epoch (an older leg may not act), the inbox (a repeated
function call gets its stored answer; the same id with other arguments is refused), the deadline (a mutation that
arrives too late is refused and stays refused), then the rules of the domain. Cart, history, inbox, order and outbox
are written together or not at all, and the answer is sent only after the commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from psycopg import Rollback

from agiza.contracts.envelope import Received
from agiza.contracts.events import (
    CartChanged,
    FunctionCall,
    FunctionResult,
    ToolAnswered,
    ToolCalled,
    ToolCancelled,
)
from agiza.contracts.tools import MUTATING_TOOLS, PLACE_ORDER
from agiza.domain.cart import OrderPlaced
from agiza.domain.codec import cart_from_json, cart_to_json
from agiza.domain.said import said
from agiza.domain.tool_calls import handle_tool, tool_result
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, transaction
from services.orders import store
from services.orders.catalog import Catalog, PinnedMenu
from services.orders.recorder import order_views, record
from services.orders.store import StoredResult
from services.orders.work import Response, ToolWork

log = get_logger(__name__)

DEADLINE_SLACK_MS: Final = 1000
"""Clocks of two machines may differ by this much before a call in time is taken for a late one."""

Path = Literal["stream", "http"]


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
        async with transaction(self._pool) as conn:
            work = await self._open(conn, event, received.envelope.traceparent, pinned)
            before = work.cart.version
            stored = await store.stored_results(conn, event.call_id, [call.id for call in event.calls])
            results = [await self._one(conn, work, call, stored.get(call.id)) for call in event.calls]
            if not work.is_stale:
                await store.save_cart(
                    conn,
                    work.row.cart_id,
                    version=work.cart.version,
                    leg_epoch=max(work.row.leg_epoch, event.leg_epoch),
                    state=cart_to_json(work.cart),
                )
        self._count(work, path)
        return Answered(
            event=ToolAnswered(
                branch_id=event.branch_id,
                call_id=event.call_id,
                request_id=received.envelope.id,
                leg_epoch=event.leg_epoch,
                results=tuple(results),
                cart_version=work.cart.version,
                reply_to=event.reply_to,
            ),
            cart_changed=work.screen_event() if work.cart.version != before else None,
            has_news=bool(work.placed or work.cancels),
        )

    async def cancel(self, received: Received) -> None:
        """Leave a tombstone for each cancelled function call that was not carried out; what was done stands.

        A leg that was taken over cancels nothing: what it had asked and was not carried out never will be anyway.
        """
        event = received.event
        assert isinstance(event, ToolCancelled)
        async with transaction(self._pool) as conn:
            # Behind a call that is just being carried out: either it has committed, or it will find the tombstone.
            newest = await store.lock_existing_cart(conn, event.call_id)
            if newest is not None and event.leg_epoch < newest:
                self._metrics.add("stale_epoch_rejected_total")
                return
            await store.insert_tombstones(conn, event.call_id, event.ids)

    async def _open(self, conn: Connection, event: ToolCalled, traceparent: str, pinned: PinnedMenu) -> ToolWork:
        row = await store.lock_cart(
            conn, call_id=event.call_id, branch_id=event.branch_id, menu_version=event.menu_version
        )
        if row.menu_version != event.menu_version:
            # the cart was begun under another version: its own stays in force for the whole call
            pinned = await self._catalog.menu(event.branch_id, row.menu_version)
        now = self._clock.now()
        cart = cart_from_json(row.state)
        return ToolWork(
            event=event,
            traceparent=traceparent,
            menu=pinned,
            row=row,
            cart=cart,
            told=event.cart_version_told,
            sold_out=await store.sold_out(conn, event.branch_id, now),
            caller=await store.caller_number(conn, event.call_id),
            orders=await order_views(conn, cart),
            now=now,
            is_stale=event.leg_epoch < row.leg_epoch,
        )

    async def _one(
        self, conn: Connection, work: ToolWork, call: FunctionCall, stored: StoredResult | None
    ) -> FunctionResult:
        digest = store.digest_of(call.args)
        if stored is not None:
            return FunctionResult(id=call.id, name=call.name, response=self._repeat(work, call, stored, digest))
        if work.is_stale:
            self._metrics.add("stale_epoch_rejected_total")
            return FunctionResult(
                id=call.id, name=call.name, response=work.refusal("stale_leg", said("goes_on_elsewhere"))
            )
        if call.name in MUTATING_TOOLS and self._is_late(work):
            self._metrics.add("expired_rejected_total")
            response = work.refusal("expired", said("took_too_long"))
        else:
            response = await self._apply(conn, work, call)
        await store.insert_result(
            conn,
            call_id=work.event.call_id,
            tool_call_id=call.id,
            tool=call.name,
            args_digest=digest,
            response=response,
            cart_version=work.cart.version,
        )
        return FunctionResult(id=call.id, name=call.name, response=response)

    def _repeat(self, work: ToolWork, call: FunctionCall, stored: StoredResult, digest: str) -> Response:
        if stored.tool == store.TOMBSTONE:
            return work.refusal("cancelled", said("was_cancelled"))
        if stored.args_digest != digest or stored.tool != call.name:
            self._metrics.add("integrity_violation_total")
            log.error("tool_call_id_reused", call_id=work.event.call_id, tool=call.name)
            return work.refusal("id_reused", said("say_once_more"))
        work.replayed += 1
        return stored.response

    def _is_late(self, work: ToolWork) -> bool:
        return work.now.timestamp() * 1000 > work.event.deadline_ms + DEADLINE_SLACK_MS

    async def _apply(self, conn: Connection, work: ToolWork, call: FunctionCall) -> Response:
        if call.name != PLACE_ORDER:
            context = work.context(order_number=1)
            outcome = handle_tool(work.cart, call.name, call.args, context)
        else:
            # A number that is not used goes back with the savepoint, so the branch's numbers stay without a hole.
            async with conn.transaction() as savepoint:
                number = await store.take_order_number(conn, work.event.branch_id, work.local_day)
                context = work.context(number)
                outcome = handle_tool(work.cart, call.name, call.args, context)
                if not any(isinstance(change, OrderPlaced) for change in outcome.events):
                    raise Rollback(savepoint)
        await record(conn, work, call.id, outcome)
        return tool_result(outcome, context)

    def _count(self, work: ToolWork, path: Path) -> None:
        if work.replayed:
            self._metrics.add("inbox_replay_total", work.replayed, path=path)
        for fulfilment in work.placed:
            self._metrics.add("orders_placed_total", branch=work.event.branch_id, fulfilment=fulfilment)
