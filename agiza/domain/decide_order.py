"""Placing the order, saying where it is, taking it back."""

from agiza.domain.blockers import first_blocker
from agiza.domain.cart import Cart, OrderCancelRequested, OrderPlaced
from agiza.domain.commands import CancelOrder, OrderStatus
from agiza.domain.context import Ruling, ToolContext, ask, done, refuse
from agiza.domain.ids import OrderId, QuoteId
from agiza.domain.orders import OrderState, OrderView, may_cancel, may_cancel_from_afar
from agiza.domain.placed import PlacedOrder
from agiza.domain.pricing import PricedCart, price_cart, supplemented
from agiza.domain.quote import judge_read_back
from agiza.domain.replies import PERSON_OFFER, number, one_of
from agiza.domain.said import Said, said


def place_order(cart: Cart, ctx: ToolContext) -> Ruling:
    """The cart becomes an order; what is added afterwards becomes a supplement of it. Asked twice, it is one order."""
    if not cart.lines:
        if not cart.placed:
            return refuse("cart_empty", said("cart_empty"))
        last = cart.placed[-1]
        return done("already_placed", said("already_placed", promise=_promise(last)), **_placed_detail(last))
    priced = price_cart(cart, ctx.menu, ctx.branch)
    problem = first_blocker(cart, priced, ctx) or judge_read_back(cart, priced, ctx.read_back)
    if problem is not None:
        return problem
    assert cart.quote is not None, "judged above; the types cannot know"
    order = order_of(cart, priced, ctx, cart.quote.id)
    return done("order_placed", said("placed", promise=_promise(order)), OrderPlaced(order), **_placed_detail(order))


def order_of(cart: Cart, priced: PricedCart, ctx: ToolContext, quote_id: QuoteId) -> PlacedOrder:
    """The order that this cart becomes. How it reaches the customer must have been settled."""
    assert priced.fulfilment is not None, "first_blocker asks for it; the types cannot know"
    earlier = supplemented(cart)
    return PlacedOrder(
        id=OrderId(ctx.order_id),
        number=ctx.order_number,
        placed_at=ctx.now.isoformat(),
        cart_version=cart.version,
        quote_id=quote_id,
        lines=priced.lines,
        totals=priced.totals,
        fulfilment=priced.fulfilment,
        customer=cart.customer,
        contact_number=cart.customer.phone or ctx.caller_number,
        eta_minutes=ctx.branch.eta_minutes[priced.fulfilment],
        supplement_of=earlier.id if earlier is not None else None,
    )


def order_status(cart: Cart, command: OrderStatus, ctx: ToolContext) -> Ruling:
    """Where an order is; without a number the caller's latest one."""
    orders = known_orders(cart, ctx)
    order = _named(command.order, orders) if command.order is not None else (orders[-1] if orders else None)
    if order is None:
        return _unknown_order(command.order, orders)
    detail: dict[str, object] = {"order_id": order.id, "order_number": order.number, "state": order.state.value}
    if order.eta_minutes is not None:
        detail["eta_minutes"] = order.eta_minutes
    return done("order_status", _status_words(order), **detail)


def cancel_order(cart: Cart, command: CancelOrder, ctx: ToolContext) -> Ruling:
    """Asks the kitchen to drop an order, as long as it is not ready. Moving the order is for whoever keeps it."""
    orders = known_orders(cart, ctx)
    open_orders = [order for order in orders if _may_cancel(order)]
    if command.order is not None:
        order = _named(command.order, orders)
    elif len(open_orders) > 1:
        return ask(
            "unclear_order",
            said("which_order", numbers=one_of(number(order.number) for order in open_orders)),
            options=[{"id": order.id, "name": f"order {order.number}"} for order in open_orders],
        )
    else:
        others = [order for order in orders if may_cancel(order.state)] or orders
        order = (open_orders or others)[-1] if orders else None
    if order is None:
        return _unknown_order(command.order, orders)
    named = number(order.number)
    detail = {"order_id": order.id, "order_number": order.number, "state": order.state.value}
    if order.state in (OrderState.CANCEL_REQUESTED, OrderState.CANCELLED):
        return done("already_cancelled", said("already_cancelled", number=named), **detail)
    if order.state is OrderState.REJECTED:
        return done("already_rejected", said("already_rejected", number=named), **detail)
    if not may_cancel(order.state):
        return refuse("too_late_to_cancel", said("too_late_to_cancel", number=named, person=PERSON_OFFER), **detail)
    if not _may_cancel(order):
        return refuse("cancel_needs_person", said("cancel_needs_person", number=named, person=PERSON_OFFER), **detail)
    detail["state"] = OrderState.CANCEL_REQUESTED.value
    event = OrderCancelRequested(order.id, order.number)
    return done("cancel_requested", said("cancel_requested", number=named), event, **detail)


def _may_cancel(order: OrderView) -> bool:
    return may_cancel_from_afar(order.state) if order.is_earlier else may_cancel(order.state)


def known_orders(cart: Cart, ctx: ToolContext) -> tuple[OrderView, ...]:
    """The caller's orders, oldest first. What this cart knows better stands in for a view that is missing or late."""
    views = {view.id: view for view in ctx.orders}
    for placed in cart.placed:
        view = views.get(placed.id)
        state = view.state if view is not None else OrderState.PLACED
        if placed.cancel_requested and may_cancel(state):
            state = OrderState.CANCEL_REQUESTED
        if view is None or view.state is not state:
            eta = view.eta_minutes if view is not None else placed.eta_minutes
            totals = placed.totals
            views[placed.id] = OrderView(
                placed.id,
                placed.number,
                state,
                totals.total_minor,
                totals.currency,
                eta,
                is_earlier=view is not None and view.is_earlier,
            )
    return tuple(views.values())


def _named(text: str, orders: tuple[OrderView, ...]) -> OrderView | None:
    return next((order for order in orders if text in (order.id, str(order.number))), None)


def _unknown_order(asked: str | None, orders: tuple[OrderView, ...]) -> Ruling:
    if asked is None or not orders:
        return refuse("no_order", said("no_order"))
    options = [{"id": order.id, "name": f"order {order.number}"} for order in orders]
    return refuse("unknown_order", said("unknown_order"), options=options)


def _promise(order: PlacedOrder) -> Said:
    key = "promise_delivery" if order.fulfilment == "delivery" else "promise_ready"
    return said(key, number=number(order.number), minutes=number(order.eta_minutes))


def _placed_detail(order: PlacedOrder) -> dict[str, object]:
    detail: dict[str, object] = {
        "order_id": order.id,
        "order_number": order.number,
        "eta_minutes": order.eta_minutes,
        "total_minor": order.totals.total_minor,
        "currency": order.totals.currency,
    }
    if order.supplement_of is not None:
        detail["supplement_of"] = order.supplement_of
    return detail


_WITH_ETA = frozenset({OrderState.PLACED, OrderState.RECEIVED, OrderState.ACCEPTED, OrderState.PREPARING})


def _status_words(order: OrderView) -> Said:
    named, state = number(order.number), said(f"state_{order.state.value}")
    if order.eta_minutes and order.state in _WITH_ETA:
        return said("status_minutes", number=named, state=state, minutes=number(order.eta_minutes))
    return said("status", number=named, state=state)
