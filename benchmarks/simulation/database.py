"""Postgres as this world needs it: rows, row locks, unique keys, and commits that are whole or did not happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agiza.domain.cart import Cart, OrderPlaced
from agiza.domain.desk import local_day
from agiza.domain.entry import Entry, Held, Settled
from agiza.domain.ids import CartId
from agiza.domain.inbox import InboxRow, StoredResult
from agiza.domain.menu import BranchFile
from agiza.domain.orders import OrderState, OrderView
from agiza.domain.placed import PlacedOrder
from benchmarks.simulation.times import moment


class UniqueViolation(Exception):
    """A row with this key is there already; the transaction has not happened."""


@dataclass(slots=True)
class CartRow:
    """The cart of a call, and what was placed from it."""

    cart: Cart
    leg_epoch: int = 0
    orders: tuple[OrderView, ...] = ()
    results: dict[str, StoredResult] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FeedRow:
    """An event in the outbox, in the order of the commits."""

    event_id: str
    kind: str
    order: PlacedOrder | None
    order_id: str
    call_id: str


class Database:
    """All tables. ``unique_orders`` is False where the world is to find out what the unique keys are worth."""

    def __init__(self, file: BranchFile, *, unique_orders: bool = True) -> None:
        self._file = file
        self._unique_orders = unique_orders
        self.carts: dict[str, CartRow] = {}
        self.orders: dict[str, PlacedOrder] = {}
        self.order_calls: dict[str, str] = {}
        self.outbox: list[FeedRow] = []
        self.ends: dict[str, int] = {}
        """Of the calls' own rows, which ``webhook`` writes: when the carrier said that they are over."""
        self._versions: dict[tuple[str, int], str] = {}
        self._counters: dict[str, int] = {}
        self._locks: dict[str, object] = {}

    # -- locks ---------------------------------------------------------------------------------------------------

    def lock(self, call_id: str, holder: object) -> bool:
        """Take the cart's row lock. False while somebody else has it."""
        return self._locks.setdefault(call_id, holder) is holder

    def unlock(self, call_id: str, holder: object) -> None:
        """The transaction is over, one way or the other."""
        if self._locks.get(call_id) is holder:
            del self._locks[call_id]

    # -- transactions --------------------------------------------------------------------------------------------

    def row(self, call_id: str) -> CartRow:
        """The cart of this call, made empty when there is none."""
        if call_id not in self.carts:
            self.carts[call_id] = CartRow(Cart(CartId(f"cart-{call_id}"), self._file.branch.id, 1))
        return self.carts[call_id]

    def held(self, entry: Entry) -> Held:
        """What the transaction of this entry reads."""
        row, ended_at = self.row(entry.call_id), self.ends.get(entry.call_id)
        return Held(
            menu=self._file.menu,
            branch=self._file.branch,
            cart=row.cart,
            leg_epoch=row.leg_epoch,
            results={call.id: row.results[call.id] for call in entry.calls if call.id in row.results},
            orders=row.orders,
            caller_number="+254711000001",
            ended_at=moment(ended_at) if ended_at is not None else None,
        )

    def next_number(self, now: int) -> int:
        """The branch's next order number of this day."""
        return self._counters.get(local_day(moment(now), self._file.branch).isoformat(), 0) + 1

    def commit(self, entry: Entry, settled: Settled, now: int) -> None:
        """Write all of it. Raises :class:`UniqueViolation` and writes nothing."""
        row = self.row(entry.call_id)
        if self._unique_orders:
            for order in settled.placed:
                if order.id in self.orders or (row.cart.id, order.cart_version) in self._versions:
                    raise UniqueViolation(order.id)
        views = {view.id: view for view in row.orders}
        for order in settled.placed:
            self.orders[order.id] = order
            self.order_calls[order.id] = entry.call_id
            self._versions[row.cart.id, order.cart_version] = order.id
            totals = order.totals
            views[order.id] = OrderView(
                order.id, order.number, OrderState.PLACED, totals.total_minor, totals.currency, order.eta_minutes
            )
        if settled.placed:
            day = local_day(moment(now), self._file.branch).isoformat()
            self._counters[day] = self._counters.get(day, 0) + len(settled.placed)
        for order_id in settled.cancels:
            views[order_id] = replace(views[order_id], state=OrderState.CANCEL_REQUESTED)
        for news in settled.feed:
            placed = news.event.order if isinstance(news.event, OrderPlaced) else None
            order_id = placed.id if placed is not None else news.event.order_id  # type: ignore[union-attr]
            kind = "placed" if placed is not None else "cancel"
            self.outbox.append(FeedRow(news.id, kind, placed, order_id, entry.call_id))
        row.cart, row.leg_epoch, row.orders = settled.cart, settled.leg_epoch, tuple(views.values())
        for each in settled.inbox:
            row.results[each.tool_call_id] = each.result

    def keep(self, call_id: str, rows: tuple[InboxRow, ...]) -> None:
        """Tombstones; what has a row already keeps it."""
        results = self.row(call_id).results
        for each in rows:
            results.setdefault(each.tool_call_id, each.result)


OnCommit = Callable[[Entry, Settled, int], None]
