"""``GET /kitchen/{branch}/live``: the stream of one screen, as server-sent events.

now      all carts and the stock of this moment; first, and without a number
order    one numbered event of the branch (``id``): a ticket, or a change of one
cart     one provisional cart as it is now; ``gone``: it is none any more
stock    what is sold out now
beat     every :data:`BEAT_S`, with the time and whether the orders can be read
again    nothing can be followed from the given number: read the board; then the stream ends
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agiza.runtime.branch_page import HEADERS
from agiza.runtime.clock import Clock
from agiza.runtime.http import abort
from agiza.runtime.postgres import UNAVAILABLE
from agiza.runtime.tasks import end
from services.orders.kitchen.screen import Screen, frame
from services.orders.kitchen.screens import Screens
from services.orders.kitchen.watch import order_frame

BEAT_S: Final = 10.0
SEND_S: Final = 20.0
"""A screen whose connection takes nothing for so long is gone."""


class Live(Response):
    """The response. The screen leaves when it is over."""

    media_type = "text/event-stream"

    def __init__(self, screens: Screens, screen: Screen, after: int, clock: Clock) -> None:
        super().__init__(headers={**HEADERS, "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._screens = screens
        self._screen = screen
        self._after = after
        self._clock = clock
        self._is_sending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        sending = asyncio.create_task(self._send_all(send), name="kitchen stream")
        leaving = asyncio.create_task(_gone(receive), name="kitchen screen goes")
        over = asyncio.create_task(self._screen.over.wait(), name="kitchen screen over")
        try:
            await asyncio.wait((sending, leaving, over), return_when=asyncio.FIRST_COMPLETED)
            took_all = sending.done() and sending.result()
            if leaving.done():
                return
            if took_all or (over.done() and not self._screen.is_cut_off and await self._is_between(sending)):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                abort(scope)  # who takes nothing takes no end either
        finally:
            await end((sending, leaving, over))
            await self._screens.leave(self._screen)

    async def _is_between(self, sending: asyncio.Task[bool]) -> bool:
        """End the sending; whether it was not stuck within a message."""
        await end((sending,))
        return not self._is_sending

    async def _send_all(self, send: Send) -> bool:
        """False when the screen did not take what it was sent."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        with contextlib.suppress(*UNAVAILABLE):
            async for body in self._frames():
                self._is_sending = True
                try:
                    async with asyncio.timeout(SEND_S):
                        await send({"type": "http.response.body", "body": body, "more_body": True})
                except (OSError, TimeoutError):
                    return False
                self._is_sending = False
        return True

    async def _frames(self) -> AsyncIterator[bytes]:
        watch = self._screens.watch_of(self._screen)
        yield (await watch.whole()).body
        missed = await watch.since(self._after)
        if missed is None:
            yield frame("again", {}).body
            return
        last = self._after
        for item in missed:
            last = item.sequence
            yield order_frame(item).body
        while True:
            try:
                told = await asyncio.wait_for(self._screen.next(), BEAT_S)
            except TimeoutError:
                yield frame("beat", {"now": self._clock.now().isoformat(), "is_blind": watch.is_blind}).body
                continue
            if told.sequence and told.sequence <= last:
                continue  # it was among the missed ones
            last = told.sequence or last
            yield told.body


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
