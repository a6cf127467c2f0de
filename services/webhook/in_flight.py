"""How many requests of one address are worked on at the same time."""

from __future__ import annotations

from collections import Counter

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class InFlightLimit:
    """Middleware: 429 for more than ``most`` at once from one address, before anything of the request is read.

    Behind a proxy all requests have the proxy's address; then the limit bounds what the proxy lets through.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        source = scope["client"][0] if scope.get("client") else ""
        if self._open[source] >= self._most:
            response = JSONResponse({"detail": "too many at once"}, 429, headers={"retry-after": "1"})
            await response(scope, receive, send)
            return
        self._open[source] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[source] -= 1
            if not self._open[source]:
                del self._open[source]
