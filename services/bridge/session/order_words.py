"""What the caller is told of an order that they have placed, while they are still there: each word of it once."""

from __future__ import annotations

from typing import Final

from agiza.domain.order_news import order_news
from agiza.domain.said import in_language
from services.bridge.session.inputs import OrderMoved, ToolResult

ORDER_STATUS: Final = "orderStatus"
ORDERS_MAX: Final = 50
"""More than one call can place; words about others are not told any more."""


class OrderWords:
    """Follows the orders of one leg."""

    def __init__(self) -> None:
        self._last: dict[str, OrderMoved] = {}

    def news_of(self, moved: OrderMoved, language: str) -> ToolResult | None:
        """The word as an answer of ``orderStatus`` that nobody has asked for; None for one that came before."""
        if self._last.get(moved.order_id) == moved:
            return None
        if moved.order_id not in self._last and len(self._last) >= ORDERS_MAX:
            return None
        self._last[moved.order_id] = moved
        response = order_news(moved.word, moved.order_number, moved.eta_minutes, moved.reason)
        spoken = {name: in_language(value, language) for name, value in response.items()}
        return ToolResult(f"order:{moved.order_id}", ORDER_STATUS, spoken)
