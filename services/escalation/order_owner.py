"""Who has taken an order is written by ``orders``, so it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import httpx

LIMIT_S: Final = 3.0


class OrdersAway(Exception):
    """``orders`` did not answer, or its address is not set. The same may be said again: it counts once."""

    retryable = True


@dataclass(frozen=True, slots=True)
class OrderOwner:
    """``http`` None: AGIZA_ORDERS_URL is not set, so nobody can be told."""

    http: httpx.AsyncClient | None

    async def own(self, call_id: str, branch_id: str, *, by: str) -> None:
        """This person looks after the orders of this call that nobody has taken. Raises :class:`OrdersAway`."""
        if self.http is None:
            raise OrdersAway("AGIZA_ORDERS_URL is not set")
        try:
            response = await self.http.post(
                f"/internal/calls/{call_id}/orders/own", json={"branch_id": branch_id, "by": by}, timeout=LIMIT_S
            )
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise OrdersAway(type(error).__name__) from error
