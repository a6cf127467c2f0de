"""A person of the branch finishes or drops the cart of a caller who was handed over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg import Rollback

from agiza.contracts.events import CartChanged, FunctionCall, ToolCalled
from agiza.domain.cart import OrderPlaced
from agiza.domain.codec import cart_from_json, cart_to_json
from agiza.domain.staff_orders import StaffAction, handle_staff
from agiza.domain.tool_calls import tool_result
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Connection, Pool, transaction
from agiza.runtime.traces import Trace
from services.orders import store, store_calls
from services.orders.catalog import Catalog
from services.orders.recorder import order_views, record
from services.orders.store_calls import HeldCart
from services.orders.work import Response, ToolWork

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
        async with transaction(self._pool) as conn:
            held = await store_calls.lock_cart_of_call(conn, call_id)
            if held is None or held.branch_id != branch_id:
                raise NoCart(f"call {call_id} has no cart in branch {branch_id}")
            stored = (await store.stored_results(conn, call_id, [key])).get(key)
            if stored is not None:
                return StaffAnswer(stored.response)
            work = await self._open(conn, held, key)
            response = await self._apply(conn, work, action, key)
            await store.insert_result(
                conn,
                call_id=call_id,
                tool_call_id=key,
                tool=f"staff_{action}",
                args_digest=store.digest_of({"by": by}),
                response=response,
                cart_version=work.cart.version,
            )
            await store.save_cart(
                conn,
                held.row.cart_id,
                version=work.cart.version,
                leg_epoch=STAFF_EPOCH if response["status"] == "ok" else held.row.leg_epoch,
                state=cart_to_json(work.cart),
            )
        log.info("staff_acted", call_id=call_id, branch_id=branch_id, action=action, status=response["status"], by=by)
        for fulfilment in work.placed:
            self._metrics.add("orders_placed_total", branch=branch_id, fulfilment=fulfilment)
        return StaffAnswer(
            response,
            work.traceparent,
            work.screen_event() if work.cart.version != held.row.version else None,
            bool(work.placed),
        )

    async def _open(self, conn: Connection, held: HeldCart, key: str) -> ToolWork:
        now = self._clock.now()
        cart = cart_from_json(held.row.state)
        event = ToolCalled(
            branch_id=held.branch_id,
            call_id=held.call_id,
            menu_version=held.row.menu_version,
            leg_epoch=STAFF_EPOCH,
            calls=(FunctionCall(id=key, name="staff"),),
            deadline_ms=int(now.timestamp() * 1000),
            reply_to="agiza:replies:staff",
        )
        return ToolWork(
            event=event,
            traceparent=str(Trace.new()),
            menu=await self._catalog.menu(held.branch_id, held.row.menu_version),
            row=held.row,
            cart=cart,
            told=None,
            sold_out=await store.sold_out(conn, held.branch_id, now),
            caller=await store.caller_number(conn, held.call_id),
            orders=await order_views(conn, cart),
            now=now,
            is_stale=False,
        )

    async def _apply(self, conn: Connection, work: ToolWork, action: StaffAction, key: str) -> Response:
        # A number that is not used goes back with the savepoint, so the branch's numbers stay without a hole.
        async with conn.transaction() as savepoint:
            number = await store.take_order_number(conn, work.event.branch_id, work.local_day)
            context = work.context(number)
            outcome = handle_staff(work.cart, action, context)
            if not any(isinstance(change, OrderPlaced) for change in outcome.events):
                raise Rollback(savepoint)
        await record(conn, work, key, outcome)
        return tool_result(outcome, context)
