"""The comparison: what callers were told against what the database, the feeds and the kitchens hold.

Pure. Nothing here knows how the books were read, so that a test can hand in books in which something is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

PLACED: Final = "agiza.order.placed"

Flaw = Literal["lost", "doubled", "total", "lines", "ticket", "number", "feed", "kitchen", "cart", "answer"]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An order as its caller was told it. ``lines`` are (dish, how many), sorted."""

    call_id: str
    branch_id: str
    number: int
    total_minor: int
    lines: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as it stands in the database."""

    order_id: str
    call_id: str
    branch_id: str
    day: str
    number: int
    total_minor: int
    lines: tuple[tuple[str, int], ...]

    @property
    def key(self) -> tuple[str, str, int]:
        """By which its caller knows it."""
        return self.call_id, self.branch_id, self.number


@dataclass(frozen=True, slots=True)
class FeedRow:
    """An event of a branch, with its number in the branch's feed (None: not numbered yet)."""

    event_id: str
    branch_id: str
    type: str
    order_id: str
    total_minor: int
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """What one caller believes. ``unheard`` are orders of which orders speaks only when it is asked once more.

    ``cart`` is the last cart that was shown, ``wanted`` what must be in it by what was confirmed. ``untrue`` says what
    orders answered otherwise when it was asked the same again.
    """

    call_id: str
    confirmed: Sequence[Confirmed] = ()
    unheard: Sequence[Confirmed] = ()
    cart: Mapping[str, Any] | None = None
    wanted: Mapping[str, int] = field(default_factory=dict)
    untrue: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Books:
    """What there is at the end. ``last_numbers`` by branch and day; ``carts`` by call, as they are shown; ``streams``
    by branch, in the order in which they stand in Redis; ``kitchens`` by branch: the events that its reader was given.
    """

    orders: Sequence[OrderRow]
    outbox: Sequence[FeedRow]
    last_numbers: Mapping[tuple[str, str], int]
    carts: Mapping[str, Mapping[str, Any]]
    streams: Mapping[str, Sequence[FeedRow]]
    kitchens: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it must be."""

    flaw: Flaw
    text: str


def compare(callers: Sequence[Told], books: Books) -> list[Problem]:
    """Everything that is wrong; nothing when placed tickets and confirmed orders are exactly the same."""
    return [
        *_orders(callers, books.orders),
        *_tickets(books),
        *_numbers(books),
        *_feeds(books),
        *(problem for told in callers for problem in _cart(told, books.carts.get(told.call_id))),
        *(Problem("answer", f"{told.call_id}: {text}") for told in callers for text in told.untrue),
    ]


def _orders(callers: Sequence[Told], rows: Sequence[OrderRow]) -> list[Problem]:
    problems = []
    known = [order for told in callers for order in (*told.confirmed, *told.unheard)]
    times = Counter((order.call_id, order.branch_id, order.number) for order in known)
    stored: dict[tuple[str, str, int], list[OrderRow]] = defaultdict(list)
    for row in rows:
        stored[row.key].append(row)
    for order in known:
        found = stored.get((order.call_id, order.branch_id, order.number), [])
        name = f"{order.call_id}: order {order.number} of {order.branch_id}"
        if not found:
            problems.append(Problem("lost", f"{name} was confirmed and is not there"))
        for row in found:
            if row.total_minor != order.total_minor:
                problems.append(Problem("total", f"{name} costs {row.total_minor}, told was {order.total_minor}"))
            if row.lines != order.lines:
                problems.append(Problem("lines", f"{name} has {row.lines}, wanted was {order.lines}"))
    for key, count in times.items():
        if count > 1:
            problems.append(Problem("lost", f"{key[0]}: order {key[2]} was confirmed as {count} orders"))
    for key, found in stored.items():
        if len(found) > 1 or key not in times:
            problems.append(Problem("doubled", f"{key[0]}: order {key[2]} of {key[1]} stands there unasked"))
    return problems


def _tickets(books: Books) -> list[Problem]:
    problems = []
    tickets: dict[str, list[FeedRow]] = defaultdict(list)
    for row in books.outbox:
        if row.type == PLACED:
            tickets[row.order_id].append(row)
    for order in books.orders:
        own = tickets.pop(order.order_id, [])
        if len(own) != 1:
            problems.append(Problem("ticket", f"{order.call_id}: order {order.number} has {len(own)} tickets"))
        problems += [
            Problem("ticket", f"{order.call_id}: the ticket of order {order.number} differs")
            for ticket in own
            if (ticket.total_minor, ticket.branch_id) != (order.total_minor, order.branch_id)
        ]
    problems += [Problem("ticket", f"a ticket stands for no order: {order_id}") for order_id in tickets]
    return problems


def _numbers(books: Books) -> list[Problem]:
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for order in books.orders:
        numbers[order.branch_id, order.day].append(order.number)
    problems = []
    for key in numbers.keys() | books.last_numbers.keys():
        last = books.last_numbers.get(key, 0)
        if sorted(numbers[key]) != list(range(1, last + 1)):
            problems.append(Problem("number", f"{key[0]}: the numbers of {key[1]} are not 1 to {last} without a hole"))
    return problems


def _feeds(books: Books) -> list[Problem]:
    problems = []
    for branch in {row.branch_id for row in books.outbox} | books.streams.keys():
        own = [row for row in books.outbox if row.branch_id == branch]
        own.sort(key=lambda row: row.sequence or 0)
        if [row.sequence for row in own] != list(range(1, len(own) + 1)):
            problems.append(Problem("feed", f"{branch}: the events of the outbox are not numbered without a hole"))
        if list(books.streams.get(branch, ())) != own:
            problems.append(Problem("feed", f"{branch}: the stream is not what the outbox holds"))
        missed = {row.event_id for row in own} - books.kitchens.get(branch, frozenset())
        if missed:
            problems.append(Problem("kitchen", f"{branch}: the kitchen's reader never got {len(missed)} events"))
    return problems


def _cart(told: Told, stored: Mapping[str, Any] | None) -> list[Problem]:
    if told.cart != stored:
        return [Problem("cart", f"{told.call_id}: the cart is not the one that was shown last")]
    if stored is None:
        return []
    held: Counter[str] = Counter()
    for line in stored["lines"]:
        held[line["item"]] += line["quantity"]
    if dict(held) != {dish: count for dish, count in told.wanted.items() if count}:
        return [Problem("cart", f"{told.call_id}: in the cart is {dict(held)}, wanted is {dict(told.wanted)}")]
    return []
