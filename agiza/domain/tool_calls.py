"""A tool call of the model, from its raw arguments to the cart that follows. The one entrance to the cart's rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from agiza.domain.cart import Cart, CartEvent, evolve
from agiza.domain.commands import parse_command
from agiza.domain.context import ReadBack, Ruling, Status, ToolContext, refuse
from agiza.domain.decide import changes_cart, decide
from agiza.domain.orders import OrderView
from agiza.domain.said import in_language, said
from agiza.domain.views import cart_view

__all__ = ["OrderView", "ReadBack", "Status", "ToolContext", "ToolOutcome", "handle_tool", "tool_result"]


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool call led to. `cart` is the cart after `events`; with no events it is the cart that came in."""

    status: Status
    code: str
    message: str
    events: tuple[CartEvent, ...]
    cart: Cart
    detail: Mapping[str, object]


def handle_tool(cart: Cart, name: str, args: Mapping[str, object], ctx: ToolContext) -> ToolOutcome:
    """Rules on one tool call. Never raises for anything that stands in `name` or `args`.

    `status` is 'ok' (done, or nothing to do), 'ask' (the caller must say more; `detail` has `options` where there are
    any), 'refused' (a rule says no), or 'error' (the call was handed to the wrong cart: a fault of the machinery).
    """
    ruling = _ruling(cart, name, args, ctx)
    after = reduce(evolve, ruling.events, cart)
    return ToolOutcome(ruling.status, ruling.code, ruling.message, ruling.events, after, ruling.detail)


def tool_result(outcome: ToolOutcome, ctx: ToolContext) -> dict[str, object]:
    """The outcome as JSON for the model: status, code, message, the whole cart with its version, and the details.

    What is to be said is in the caller's language; the cart is for the model, and for screens, and stays in English.
    """
    return {
        "status": outcome.status,
        "code": outcome.code,
        "message": in_language(outcome.message, ctx.language),
        "cart": cart_view(outcome.cart, ctx.menu, ctx.branch),
        "cart_version": outcome.cart.version,
        **{name: in_language(value, ctx.language) for name, value in outcome.detail.items()},
    }


def _ruling(cart: Cart, name: str, args: Mapping[str, object], ctx: ToolContext) -> Ruling:
    if cart.branch_id != ctx.branch.id or ctx.menu.branch_id != ctx.branch.id:
        return Ruling("error", "wrong_branch", said("wrong_on_my_side"))
    command = parse_command(name, args)
    if isinstance(command, Ruling):
        return command
    told = ctx.cart_version_told
    if told is not None and told != cart.version and changes_cart(command, cart):
        return refuse(
            "stale_cart",
            said("cart_changed"),
            cart=cart_view(cart, ctx.menu, ctx.branch),
            cart_version=cart.version,
        )
    return decide(cart, command, ctx)
