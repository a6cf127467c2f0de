"""What really happened, kept apart from what the product believes, and the invariants that must hold of it.

I1  a placing that was answered "ok" is exactly one order and one ticket at every sink; nothing is carried out twice
I2  no ticket without an order, no order without a read-back of its version that the caller heard and answered
I3  an order costs what its lines cost by the menu
I4  what the model was told of a function call is what the inbox has kept of it
I5  nothing of an older leg, nothing that comes too late, nothing asked after the end of the call changes anything
I6  every sink hears each event once and in order, without a hole
I7  one live media socket and one live Dial for each call, and only numbers of the branch's list
I8  every call comes to an end in time
I9  when it is quiet nothing waits, is pending or unpublished
I10 a media token opens one socket
W   an honest model's order is what its caller wanted
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from agiza.domain.desk import DEADLINE_SLACK_MS, END_SLACK_MS
from agiza.domain.entry import Entry, Settled
from agiza.domain.ids import ItemId
from agiza.domain.inbox import StoredResult
from agiza.domain.menu_model import Menu
from agiza.domain.placed import PlacedOrder
from benchmarks.simulation.times import unix_ms

HEARD_MS_MIN: Final = 1_000
SPOKEN_MS_MIN: Final = 200
NOT_KEPT: Final = frozenset({"stale_leg", "cancelled", "id_reused"})
"""What the desk answers without a row of its own."""
OF_THE_BRIDGE: Final = frozenset(
    {"pending", "unknown_function", "too_long", "too_many_calls", "no_result", "ending", "not_yet", "handing_over"}
)
"""What the bridge answers by itself."""


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant did not hold."""

    invariant: str
    call_id: str
    at_ms: int
    what: str

    def __str__(self) -> str:
        return f"{self.invariant} at {self.at_ms / 1000:.3f} s in {self.call_id}: {self.what}"


@dataclass(slots=True)
class Reading:
    """A quote as its caller heard it, by our own count."""

    quote_id: str
    starts_at: int
    ends_at: int
    cut_at: int | None = None
    spoken_ms: int = 0
    asked_at: int | None = None
    spoken_since_ms: int = 0

    def is_consent(self, now: int) -> bool:
        """Whether the caller has heard it and answered: to the end, or cut off and then asked once more."""
        if self.asked_at is not None and self.spoken_since_ms >= SPOKEN_MS_MIN:
            return True
        heard_to_end = self.cut_at is None and now >= self.ends_at
        return heard_to_end and self.spoken_ms >= SPOKEN_MS_MIN


@dataclass(slots=True)
class CallBook:
    """One call. ``told`` are the orders of which a model was told that they are placed."""

    call_id: str
    fence: int = 0
    ended_ms: int | None = None
    applied: dict[str, str] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    consumed: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    orders: list[PlacedOrder] = field(default_factory=list)
    placings: list[str] = field(default_factory=list)
    """How each placing was answered, in order."""


class Books:
    """Watches every commit and every word to the model. ``digest`` is one number for the whole history."""

    def __init__(self, menu: Menu) -> None:
        self._menu = menu
        self._hash = hashlib.sha256()
        self.calls: dict[str, CallBook] = {}
        self.violations: list[Violation] = []
        self.counts: dict[str, int] = {}

    @property
    def digest(self) -> str:
        """Of everything that happened."""
        return self._hash.hexdigest()

    def call(self, call_id: str) -> CallBook:
        """The book of this call."""
        if call_id not in self.calls:
            self.calls[call_id] = CallBook(call_id)
        return self.calls[call_id]

    def note(self, now: int, *words: object) -> None:
        """Something happened that belongs to the history."""
        self._hash.update(repr((now, *words)).encode())

    def count(self, what: str, by: int = 1) -> None:
        """For the report."""
        self.counts[what] = self.counts.get(what, 0) + by

    def accuse(self, invariant: str, call_id: str, now: int, what: str) -> None:
        """It did not hold."""
        self.violations.append(Violation(invariant, call_id, now, what))

    # -- what the database did -----------------------------------------------------------------------------------

    def on_fence(self, call_id: str, leg_epoch: int) -> None:
        """A later leg has the call."""
        book = self.call(call_id)
        book.fence = max(book.fence, leg_epoch)

    def on_ended(self, call_id: str, now: int) -> None:
        """The carrier has said that the call is over."""
        self.call(call_id).ended_ms = unix_ms(now)

    def on_buried(self, call_id: str) -> None:
        """A message could not be carried out, and will not be."""
        self.count("buried")

    def on_commit(self, entry: Entry, settled: Settled, now: int) -> None:
        """A transaction was committed."""
        book = self.call(entry.call_id)
        self.note(now, "commit", entry.call_id, settled.cart.version, [each.tool_call_id for each in settled.changes])
        if settled.changes:
            if entry.leg_epoch < book.fence:
                self.accuse(
                    "I5", entry.call_id, now, f"leg {entry.leg_epoch} changed something, {book.fence} has the call"
                )
            # A quote changes nothing that anybody could miss; questions are answered however late they come.
            is_change = any(_is_mutation(entry, change.tool_call_id) for change in settled.changes)
            if is_change and unix_ms(now) > entry.deadline_ms + DEADLINE_SLACK_MS:
                self.accuse("I5", entry.call_id, now, "something was changed after its deadline")
            if is_change and book.ended_ms is not None and entry.asked_ms > book.ended_ms + END_SLACK_MS:
                self.accuse("I5", entry.call_id, now, "something was changed that was asked after the call")
        book.fence = max(book.fence, entry.leg_epoch)
        for tool_call_id in dict.fromkeys(change.tool_call_id for change in settled.changes):
            if tool_call_id in book.applied:
                self.accuse("I1", entry.call_id, now, f"{tool_call_id} was carried out twice")
            book.applied[tool_call_id] = str(now)
        for order in settled.placed:
            self._on_placed(book, order, now)

    def _on_placed(self, book: CallBook, order: PlacedOrder, now: int) -> None:
        self.count("orders")
        book.orders.append(order)
        if not any(each.quote_id == order.quote_id and each.is_consent(now) for each in book.readings):
            self.accuse("I2", book.call_id, now, f"order {order.number} without a yes to {order.quote_id}")
        if order.quote_id in book.consumed:
            self.accuse(
                "I1", book.call_id, now, f"orders {order.number} and {book.consumed[order.quote_id]} for one yes"
            )
        book.consumed[order.quote_id] = str(order.number)
        wanted = sum(self._line_minor(line.item, line.options) * line.quantity for line in order.lines)
        if (wanted, wanted + order.totals.delivery_minor) != (order.totals.subtotal_minor, order.totals.total_minor):
            self.accuse("I3", book.call_id, now, f"order {order.number} costs {order.totals.total_minor}, not {wanted}")

    def _line_minor(self, item_id: str, options: tuple[object, ...]) -> int:
        item = self._menu.items[ItemId(item_id)]
        prices = {(group.id, option.id): option.price_minor for group in item.groups for option in group.options}
        return item.price_minor + sum(prices[each.group, each.id] * each.quantity for each in options)  # type: ignore[attr-defined]

    # -- what the caller heard and said --------------------------------------------------------------------------

    def on_reading(self, call_id: str, quote_id: str, starts_at: int, ends_at: int) -> None:
        """A quote is being read to the caller from this moment on."""
        self.call(call_id).readings.append(Reading(quote_id, starts_at, ends_at))

    def on_cut(self, call_id: str, now: int) -> None:
        """What was being said is said no further."""
        for reading in self.call(call_id).readings:
            if reading.cut_at is None and now < reading.ends_at:
                reading.cut_at = now

    def on_asked_again(self, call_id: str, now: int) -> None:
        """From then on the caller is asked for the total that they had cut off, or talked over."""
        for reading in self.call(call_id).readings:
            until = now if reading.cut_at is None else reading.cut_at
            if until - reading.starts_at >= HEARD_MS_MIN - 1:
                reading.asked_at, reading.spoken_since_ms = now, 0

    def on_spoken(self, call_id: str, ms: int, now: int) -> None:
        """The caller has spoken until now."""
        for reading in self.call(call_id).readings:
            if now >= reading.starts_at:
                reading.spoken_ms += ms
                if reading.asked_at is not None and now >= reading.asked_at:
                    reading.spoken_since_ms += ms

    # -- what the model was told ---------------------------------------------------------------------------------

    def on_told(
        self,
        call_id: str,
        tool_call_id: str,
        name: str,
        response: Mapping[str, object],
        kept: StoredResult | None,
        now: int,
    ) -> None:
        """The model was answered."""
        code = response.get("code")
        self.note(now, "told", call_id, tool_call_id, code)
        if code in OF_THE_BRIDGE or code in NOT_KEPT:
            return
        told = {key: value for key, value in response.items() if key != "note"}
        if kept is None or kept.response != told:
            self.accuse(
                "I4", call_id, now, f"{tool_call_id} was told {code}, kept is {kept and kept.response.get('code')}"
            )
        if name == "placeOrder":
            self.call(call_id).placings.append(str(code))
        order_id = response.get("order_id")
        if name == "placeOrder" and response.get("status") == "ok" and isinstance(order_id, str):
            self.call(call_id).told.append(order_id)


def _is_mutation(entry: Entry, tool_call_id: str) -> bool:
    return any(call.id == tool_call_id and call.name != "getTotal" for call in entry.calls)
