"""What one ``tool.called`` event is about while its transaction is open."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from agiza.contracts.events import CartChanged, ToolCalled
from agiza.domain.cart import Cart
from agiza.domain.context import ReadBack, ToolContext
from agiza.domain.ids import OrderId
from agiza.domain.orders import OrderView
from agiza.domain.said import Said
from agiza.domain.views import cart_view
from services.orders.catalog import PinnedMenu
from services.orders.store import CartRow

Response = dict[str, Any]


@dataclass(slots=True)
class ToolWork:
    """The locked cart, all that its rules are judged by, and what has come of it so far.

    Only the handler changes it, function call by function call. ``told`` is the cart version that the model knows;
    within one event it follows our own changes. ``placed`` has the fulfilment of each order placed.
    """

    event: ToolCalled
    traceparent: str
    menu: PinnedMenu
    row: CartRow
    cart: Cart
    told: int | None
    sold_out: frozenset[str]
    caller: str | None
    orders: list[OrderView]
    now: datetime
    is_stale: bool
    placed: list[str] = field(default_factory=list)
    replayed: int = 0
    cancels: int = 0

    @property
    def local_day(self) -> date:
        """The branch's day, on which order numbers are unique."""
        return self.now.astimezone(ZoneInfo(self.menu.file.branch.timezone)).date()

    def context(self, order_number: int) -> ToolContext:
        """What the next function call is judged by."""
        evidence = self.event.read_back
        return ToolContext(
            menu=self.menu.file.menu,
            branch=self.menu.file.branch,
            now=self.now,
            sold_out=self.sold_out,
            cart_version_told=self.told,
            read_back=ReadBack(evidence.quote_id, evidence.outcome, evidence.played_ms, evidence.caller_speech_ms)
            if evidence
            else None,
            # derived from the cart and its version: a repeat that slipped past every other guard has the same key
            order_id=OrderId(f"ord-{uuid.uuid5(uuid.NAMESPACE_OID, f'{self.cart.id}/{self.cart.version}')}"),
            order_number=order_number,
            caller_number=self.caller,
            orders=tuple(self.orders),
            language=self.event.language,
        )

    def refusal(self, code: str, message: Said) -> Response:
        """A refusal that no rule of the domain gave, in the same shape."""
        return {
            "status": "refused",
            "code": code,
            "message": message.in_language(self.event.language),
            "cart": self._view(),
            "cart_version": self.cart.version,
        }

    def screen_event(self) -> CartChanged:
        """The cart for the branch's screens."""
        return CartChanged(
            branch_id=self.event.branch_id,
            call_id=self.event.call_id,
            cart_id=self.row.cart_id,
            cart_version=self.cart.version,
            cart=self._view(),
        )

    def _view(self) -> dict[str, object]:
        return cart_view(self.cart, self.menu.file.menu, self.menu.file.branch)
