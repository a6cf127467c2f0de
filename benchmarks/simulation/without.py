"""The product with one guard taken away: what each of them is worth is what the world finds without it.

A guard that is one of several against the same thing is taken away with those: the order's own id and the unique keys
of the database are one guard, the last one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from agiza.domain.cart import Cart, OrderPlaced
from agiza.domain.context import ReadBack, ToolContext
from agiza.domain.desk import GUARDS, Desk
from agiza.domain.entry import Answer, ToolCall
from agiza.domain.tool_calls import ToolOutcome, handle_tool


def _passes(_desk: Desk, _call: ToolCall) -> Answer | None:
    """Lets everything through."""
    return None


def _unheard(cart: Cart, name: str, args: Mapping[str, object], ctx: ToolContext) -> ToolOutcome:
    """Whoever wants to place is believed that the caller heard the total and said yes."""
    if name != "placeOrder" or not cart.lines:
        return handle_tool(cart, name, args, ctx)
    total = handle_tool(cart, "getTotal", {}, replace(ctx, cart_version_told=None))
    believed = replace(ctx, read_back=ReadBack(str(total.detail.get("quote_id")), "completed", 60_000, 60_000))
    outcome = handle_tool(total.cart, name, args, believed)
    return replace(outcome, events=(*total.events, *outcome.events))


def _any_version(cart: Cart, name: str, args: Mapping[str, object], ctx: ToolContext) -> ToolOutcome:
    """A change may be based on any cart."""
    return handle_tool(cart, name, args, replace(ctx, cart_version_told=None))


class _OrderPerCall:
    """Each function call that places makes an order of its own, and the cart stays as it was."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def __call__(self, cart: Cart, name: str, args: Mapping[str, object], ctx: ToolContext) -> ToolOutcome:
        outcome = handle_tool(cart, name, args, replace(ctx, order_id=f"ord-{next(self._ids)}"))
        if not any(isinstance(event, OrderPlaced) for event in outcome.events):
            return outcome
        return replace(outcome, cart=replace(cart, placed=outcome.cart.placed))


GUARD_NAMES: Final = ("inbox", "epoch", "unique order", "deadline", "read-back", "end", "tombstone", "cart version")


def without(guard: str) -> dict[str, Any]:
    """The setting of a world without this guard."""
    match guard:
        case "inbox":
            return {"guards": replace(GUARDS, inbox=_passes)}
        case "epoch":
            return {"guards": replace(GUARDS, fence=_passes)}
        case "unique order":
            return {"guards": replace(GUARDS, rules=_OrderPerCall()), "unique_orders": False}
        case "deadline":
            return {"guards": replace(GUARDS, deadline=_passes)}
        case "end":
            return {"guards": replace(GUARDS, end=_passes)}
        case "read-back":
            return {"guards": replace(GUARDS, rules=_unheard)}
        case "tombstone":
            return {"guards": replace(GUARDS, tombstone=_passes)}
        case "cart version":
            return {"guards": replace(GUARDS, rules=_any_version)}
        case _:
            raise ValueError(f"no such guard: {guard}")
