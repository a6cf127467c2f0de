"""What runs beside the receiving: printing, telling, and the whole POS as one context.

    async with running(pos, printer):
        ...

A worker does what the ledger says is owed, and writes down that it is done. Killed at any point, it does the same
again: a slip is looked for in the printer first, a word is said again under the same Idempotency-Key.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final

import httpx

from .fetching import Fetcher
from .ledger import OwedWord
from .pos import Pos
from .printer import Printer

log = logging.getLogger("pos")

AT_ONCE_MAX: Final = 8
"""Orders of which a word is said at the same time."""
_FOR_GOOD: Final = frozenset({400, 404, 409, 410, 413, 422})
"""Answers that another try would get again: written down, for a person to see."""

KEY_HEADER: Final = "idempotency-key"


class Teller:
    """Says words until they are answered."""

    def __init__(self, pos: Pos, client: httpx.AsyncClient) -> None:
        self._pos = pos
        self._client = client

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        while True:
            await self._pos.to_say.wait()
            self._pos.to_say.clear()
            while owed := self._pos.ledger.words_owed(AT_ONCE_MAX):
                waits = [wait for wait in await asyncio.gather(*map(self._say, owed)) if wait is not None]
                failures = failures + 1 if len(waits) == len(owed) else 0
                if failures:
                    await asyncio.sleep(max(self._pause_s(failures), *waits))

    def _pause_s(self, failures: int) -> float:
        waits = self._pos.settings.waits
        pause: float = min(waits.retry_s * 2 ** min(failures - 1, 20), waits.retry_max_s)
        return pause

    async def _say(self, owed: OwedWord) -> float | None:
        """None: settled. Else the seconds that the other side asks to wait before the next try, or 0."""
        url, headers = f"/v1/orders/{owed.order_id}/state", {KEY_HEADER: self._key(owed)}
        try:
            answer = await self._client.post(url, json=dict(owed.body), headers=headers)
        except httpx.HTTPError as error:
            log.warning("word not answered: %s", type(error).__name__)
            return 0.0
        if answer.is_success:
            self._pos.ledger.word_is(owed.word, "said")
        elif answer.status_code in _FOR_GOOD:
            log.warning("word %s refused with %s", owed.body["state"], answer.status_code)
            self._pos.ledger.word_is(owed.word, f"refused {answer.status_code}")
        else:
            log.warning("word answered with %s", answer.status_code)
            after = answer.headers.get("retry-after", "")
            return float(after) if after.isascii() and after.isdigit() and len(after) < 4 else 0.0
        return None

    def _key(self, owed: OwedWord) -> str:
        """The same for every try of this word: the other side carries it out once."""
        return owed.key


async def print_slips(pos: Pos, printer: Printer) -> None:
    """Print what is owed, until cancelled."""
    while True:
        await pos.to_print.wait()
        pos.to_print.clear()
        for slip in pos.ledger.slips_owed():
            pos.ledger.slip_is(slip.slip, "begun")
            printer.print(slip)
            pos.ledger.slip_is(slip.slip, "printed")
            await asyncio.sleep(0)  # a delivery that waits goes first


async def cook(pos: Pos, step_s: float) -> None:
    """A kitchen that works by itself, until cancelled."""
    while True:
        await asyncio.sleep(step_s)
        pos.cook()


@contextlib.asynccontextmanager
async def running(
    pos: Pos,
    printer: Printer,
    *,
    teller: Callable[[Pos, httpx.AsyncClient], Teller] = Teller,
    fetcher: Callable[[Pos, httpx.AsyncClient], Fetcher] = Fetcher,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """All workers, for the length of the context. None of them ends by itself: whoever runs a POS stops when one does,
    and the end of the context raises its error.

    ``teller``, ``fetcher`` and ``transport`` are for those who want another one, such as the sloppy POS and tests.
    """
    settings = pos.settings
    async with contextlib.AsyncExitStack() as stack:
        work: list[Coroutine[Any, Any, None]] = [print_slips(pos, printer)]
        if settings.waits.kitchen_s is not None:
            work.append(cook(pos, settings.waits.kitchen_s))
        if settings.api is not None:
            client = await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=settings.api,
                    headers={"authorization": f"Bearer {settings.key}"} if settings.key else {},
                    timeout=settings.waits.request_s,
                    transport=transport,
                    trust_env=False,
                )
            )
            work += [teller(pos, client).run(), fetcher(pos, client).run()]
        tasks = [asyncio.create_task(each) for each in work]
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if error is not None and not isinstance(error, asyncio.CancelledError):
                raise error
