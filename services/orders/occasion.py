"""From what a transaction has read, and from an event, to what the desk settles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agiza.contracts.events import CartChanged, ToolCalled
from agiza.domain.cart import Cart
from agiza.domain.codec import cart_from_json
from agiza.domain.context import ReadBack
from agiza.domain.entry import Entry, Held, ToolCall
from agiza.domain.ids import BranchId, CallId
from agiza.domain.orders import OrderState, OrderView, minutes_left
from agiza.domain.views import cart_view
from services.orders.catalog import PinnedMenu
from services.orders.store import CartRow, OrderRow, Surroundings


@dataclass(frozen=True, slots=True)
class Occasion:
    """A locked cart, what the desk is shown of it, and where and when: ``now`` is the database's clock."""

    call_id: str
    row: CartRow
    held: Held
    now: datetime
    traceparent: str

    def screen_event(self, cart: Cart) -> CartChanged:
        """The cart, as it came out, for the branch's screens."""
        return CartChanged(
            branch_id=self.held.branch.id,
            call_id=self.call_id,
            cart_id=self.row.cart_id,
            cart_version=cart.version,
            cart=cart_view(cart, self.held.menu, self.held.branch),
        )


def held_of(
    row: CartRow, around: Surroundings, menu: PinnedMenu, now: datetime, *, is_known_caller: bool = True
) -> Held:
    """What the desk is shown. Raises ``CodecError`` for a stored cart that this build does not read."""
    return Held(
        menu=menu.file.menu,
        branch=menu.file.branch,
        cart=cart_from_json(row.state),
        leg_epoch=row.leg_epoch,
        results=around.results,
        orders=tuple(_view(order, now) for order in around.orders),
        sold_out=around.sold_out,
        caller_number=around.caller_number,
        is_known_caller=is_known_caller,
        ended_at=around.ended_at,
    )


def entry_of(event: ToolCalled, asked_at: datetime) -> Entry:
    """The event in the domain's words. ``asked_at`` is its envelope's time, the same however often it is sent."""
    evidence = event.read_back
    return Entry(
        call_id=CallId(event.call_id),
        branch_id=BranchId(event.branch_id),
        leg_epoch=event.leg_epoch,
        calls=tuple(ToolCall(call.id, call.name, call.args) for call in event.calls),
        asked_ms=int(asked_at.timestamp() * 1000),
        deadline_ms=event.deadline_ms,
        cart_version_told=event.cart_version_told,
        read_back=ReadBack(
            evidence.quote_id, evidence.outcome, evidence.played_ms, evidence.caller_speech_ms, evidence.asked_again
        )
        if evidence
        else None,
        language=event.language,
    )


def _view(order: OrderRow, now: datetime) -> OrderView:
    return OrderView(
        id=order.order_id,
        number=order.number,
        state=OrderState(order.state),
        total_minor=order.total_minor,
        currency=order.currency,
        eta_minutes=minutes_left(order.eta_minutes, order.promised_at, now),
        is_earlier=order.is_earlier,
    )
