"""A desk without a database: what a transaction would hold is kept here, and what `settle` says is written here."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from domain_scenario import NOON, branch_file

from agiza.domain.cart import Cart, OrderPlaced
from agiza.domain.context import ReadBack
from agiza.domain.desk import GUARDS, Desk, Guards, settle
from agiza.domain.entry import Answer, Entry, Held, Settled, ToolCall
from agiza.domain.ids import BranchId, CallId, CartId
from agiza.domain.menu_model import Branch
from agiza.domain.orders import OrderState, OrderView
from agiza.domain.tool_calls import ToolContext, ToolOutcome, handle_tool

CALL = CallId("HD_desk0001")
BRANCH = BranchId("westlands")
_ids = itertools.count(1)


def call(tool: str, /, *, fc_id: str | None = None, **args: Any) -> ToolCall:
    return ToolCall(fc_id or f"fc-{next(_ids)}", tool, args)


@dataclass
class World:
    """The rows of one call, and the branch's counter and feed."""

    now: datetime = NOON
    guards: Guards = GUARDS
    held: Held = field(default_factory=lambda: empty())
    counter: int = 0
    numbers: list[int] = field(default_factory=list)
    feed: list[str] = field(default_factory=list)

    def entry(
        self,
        *calls: ToolCall,
        epoch: int = 0,
        told: int | None = None,
        heard: ReadBack | None = None,
        late_ms: int = 0,
        language: str = "en",
    ) -> Entry:
        asked_ms = int(self.now.timestamp() * 1000) - late_ms
        return Entry(CALL, BRANCH, epoch, calls, asked_ms, asked_ms + 8000, told, heard, language)

    def settle(self, entry: Entry) -> Settled:
        """Settle and write, as the shell does: a number is taken only when an order comes of it."""
        settled = settle(self.held, entry, self.now, guards=self.guards)
        if settled.placed:
            settled = settle(self.held, entry, self.now, first_number=self.counter + 1, guards=self.guards)
            self.counter += len(settled.placed)
        self.write(settled)
        return settled

    def write(self, settled: Settled) -> None:
        views = {view.id: view for view in self.held.orders}
        for order in settled.placed:
            self.numbers.append(order.number)
            views[order.id] = OrderView(
                order.id, order.number, OrderState.PLACED, order.totals.total_minor, order.totals.currency, 20
            )
        for order_id in settled.cancels:
            views[order_id] = replace(views[order_id], state=OrderState.CANCEL_REQUESTED)
        self.feed += [news.id for news in settled.feed]
        self.held = replace(
            self.held,
            cart=settled.cart,
            leg_epoch=settled.leg_epoch,
            results={**self.held.results, **{row.tool_call_id: row.result for row in settled.inbox}},
            orders=tuple(views.values()),
        )

    def ask(self, *calls: ToolCall, **details: Any) -> list[Answer]:
        return list(self.settle(self.entry(*calls, **details)).answers)

    def answer(self, tool: str, /, **args: Any) -> dict[str, Any]:
        """The response to one function call with an id of its own."""
        return self.ask(call(tool, **args))[0].response

    def heard(self) -> ReadBack:
        """The cart is read to the caller, who answers."""
        return ReadBack(str(self.answer("getTotal")["quote_id"]), "completed", 9_000, 600)

    def hang_up(self) -> None:
        """The carrier says at this moment that the call is over."""
        self.held = replace(self.held, ended_at=self.now)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def units(self) -> dict[str, int]:
        return {line.item: line.quantity for line in self.held.cart.lines}


def empty(fence: int = 0) -> Held:
    file = branch_file("westlands")
    return Held(file.menu, file.branch, Cart(CartId("cart-1"), BRANCH, menu_version=1), leg_epoch=fence)


def branch() -> Branch:
    return branch_file("westlands").branch


def passes(desk: Desk, call: ToolCall) -> None:
    """No guard at all."""


def unheard(cart: Cart, name: str, args: Any, ctx: ToolContext) -> ToolOutcome:
    """The rules without the read-back guard: whoever wants to place is believed that the caller heard and said yes."""
    if name != "placeOrder" or not cart.lines:
        return handle_tool(cart, name, args, ctx)
    total = handle_tool(cart, "getTotal", {}, replace(ctx, cart_version_told=None))
    believed = replace(ctx, read_back=ReadBack(str(total.detail["quote_id"]), "completed", 60_000, 60_000))
    outcome = handle_tool(total.cart, name, args, believed)
    return replace(outcome, events=(*total.events, *outcome.events))


def any_version(cart: Cart, name: str, args: Any, ctx: ToolContext) -> ToolOutcome:
    """The rules without a look at the cart version that the model knew."""
    return handle_tool(cart, name, args, replace(ctx, cart_version_told=None))


def order_per_call(cart: Cart, name: str, args: Any, ctx: ToolContext) -> ToolOutcome:
    """The rules without the order's own identity: each function call that places makes an order, and the cart stays."""
    outcome = handle_tool(cart, name, args, replace(ctx, order_id=f"ord-{next(_ids)}"))
    if not any(isinstance(event, OrderPlaced) for event in outcome.events):
        return outcome
    return replace(outcome, cart=replace(cart, placed=outcome.cart.placed))


WITHOUT: dict[str, Callable[[], Guards]] = {
    "inbox": lambda: replace(GUARDS, inbox=passes),
    "tombstone": lambda: replace(GUARDS, tombstone=passes),
    "fence": lambda: replace(GUARDS, fence=passes),
    "end": lambda: replace(GUARDS, end=passes),
    "deadline": lambda: replace(GUARDS, deadline=passes),
    "read_back": lambda: replace(GUARDS, rules=unheard),
    "stale_cart": lambda: replace(GUARDS, rules=any_version),
    "unique_order": lambda: replace(GUARDS, rules=order_per_call),
}
"""The desk with one guard taken away."""
