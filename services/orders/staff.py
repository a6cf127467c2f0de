"""A person of the branch finishes or drops the cart of a caller who was handed over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from agiza.contracts.events import CartChanged
from agiza.domain.desk import GUARDS, local_day, settle
from agiza.domain.entry import Entry, Settled, ToolCall
from agiza.domain.ids import CallId
from agiza.domain.inbox import Response
from agiza.domain.staff_orders import StaffAction, handle_staff
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, pipelined_transaction
from agiza.runtime.traces import Trace
from services.orders import store
from services.orders.catalog import Catalog
from services.orders.counts import count_orders
from services.orders.occasion import Occasion, held_of
from services.orders.recorder import record

STAFF_EPOCH: Final = 1_000_000
"""No leg of a call gets this far: once a person has acted, nothing of the call changes the cart any more."""

log = get_logger(__name__)


class NoCart(LookupError):
    """The call has no cart in this branch."""

    retryable = False


@dataclass(frozen=True, slots=True)
class StaffAnswer:
    """The result of an action, and what screens and the relay want to know of it: nothing when it was repeated."""

    response: Response
    traceparent: str = ""
    cart_changed: CartChanged | None = None
    has_news: bool = False


class StaffCounter:
    """Carries out what staff decide about a cart, under the same lock, inbox and feed as the agent's function calls."""

    def __init__(self, pool: Pool, catalog: Catalog, clock: Clock, metrics: Metrics) -> None:
        self._pool = pool
        self._catalog = catalog
        self._clock = clock
        self._metrics = metrics

    async def act(self, call_id: str, branch_id: str, action: StaffAction, *, by: str, request_id: str) -> StaffAnswer:
        """Act once; the same ``request_id`` again gives the same result and changes nothing.

        Raises :class:`NoCart`, ``MenuNotFound`` and psycopg's errors.
        """
        key = f"staff-{request_id}"
        async with pipelined_transaction(self._pool) as conn:
            now = self._clock.now()
            row, around = await store.read_desk(
                conn, call_id=call_id, branch_id=branch_id, tool_call_ids=[key], now=now
            )
            if row is None:
                raise NoCart(f"call {call_id} has no cart in branch {branch_id}")
            stored = around.results.get(key)
            if stored is not None:
                return StaffAnswer(stored.response)
            pinned = await self._catalog.menu(branch_id, row.menu_version)
            now = self._clock.at(around.read_at)
            occasion = Occasion(call_id, row, held_of(row, around, pinned, now), now, str(Trace.new()))
            settled = await self._settle(conn, occasion, action, ToolCall(key, f"staff_{action}", {"by": by}))
            await record(conn, occasion, settled)
        (answer,) = settled.answers
        log.info(
            "staff_acted", call_id=call_id, branch_id=branch_id, action=action, status=answer.response["status"], by=by
        )
        count_orders(self._metrics, settled, occasion.held)
        return StaffAnswer(
            answer.response,
            occasion.traceparent,
            occasion.screen_event(settled.cart) if settled.cart.version != row.version else None,
            bool(settled.feed),
        )

    async def _settle(self, conn: Connection, occasion: Occasion, action: StaffAction, call: ToolCall) -> Settled:
        held, now = occasion.held, occasion.now
        entry = Entry(
            call_id=CallId(occasion.call_id),
            branch_id=held.branch.id,
            leg_epoch=held.leg_epoch,
            calls=(call,),
            asked_ms=int(now.timestamp() * 1000),
            deadline_ms=int(now.timestamp() * 1000),
        )
        guards = replace(GUARDS, rules=lambda cart, name, args, context: handle_staff(cart, action, context))
        settled = settle(held, entry, now, guards=guards)
        if settled.placed:
            number = await store.take_order_numbers(
                conn, held.branch.id, local_day(now, held.branch), len(settled.placed)
            )
            settled = settle(held, entry, now, first_number=number, guards=guards)
        is_done = settled.answers[0].response["status"] == "ok"
        return replace(settled, leg_epoch=STAFF_EPOCH) if is_done else settled
