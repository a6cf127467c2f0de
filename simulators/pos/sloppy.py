"""The same POS with bad habits, each on its own: what integrations really do, and what it costs them.

    parts = sloppy_parts({"no-dedupe", "slow"})

Each habit replaces one small piece of the good POS. Read the good one; this file is for checking a checker.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fastapi import Response
from fastapi.responses import JSONResponse

from .errors import Malformed
from .fetching import Fetcher
from .kitchen import KnownOrder
from .ledger import OwedWord
from .messages import STATES, Message, message_of
from .pos import Pos
from .receiving import Receiver
from .signature import NotGenuine, Verifier
from .workers import Teller


@dataclass(frozen=True, slots=True)
class SloppyWaits:
    """How slow the slow habits are, in seconds."""

    slow_s: float = 20.0
    store_s: float = 0.5
    busy_s: float = 0.05
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


# -- the signature ----------------------------------------------------------------------------------------------------


class NoSignatureCheck(Verifier):
    """Reads the id, and believes the rest."""

    def _check_headers(self, message_id: str, timestamp: str, signatures: str) -> None:
        pass

    def _check_time(self, timestamp: str, now: float) -> None:
        if timestamp:
            super()._check_time(timestamp, now)

    def _check_signatures(self, message_id: str, timestamp: str, signatures: str, raw: bytes) -> None:
        pass


class Reserialised(Verifier):
    """Checks the signature over its own idea of the JSON: right until somebody is called Zoë."""

    def _signed_body(self, raw: bytes) -> bytes:
        try:
            return json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":")).encode()
        except ValueError:
            return raw


class IgnoresTimestamp(Verifier):
    """A recording of a delivery is good for ever."""

    def _check_time(self, timestamp: str, now: float) -> None:
        pass


class FirstSignatureOnly(Verifier):
    """Fails on the day on which the secret is changed."""

    def _given(self, signatures: str) -> Iterator[bytes]:
        return super()._given(signatures.split(" ")[0])


class OneSecret(Verifier):
    """Knows the secret that it was set up with first, whatever came after."""

    def __init__(self, secrets: Sequence[str], *more: Any) -> None:
        super().__init__(secrets[-1:], *more)


# -- what a message does ----------------------------------------------------------------------------------------------


class NoDedupe(Pos):
    """Each delivery is an order."""

    def _was_taken(self, message: Message, by_webhook: bool) -> bool:
        return not by_webhook and super()._was_taken(message, by_webhook)

    def _known(self, message: Message, order_id: str) -> KnownOrder | None:
        known = super()._known(message, order_id)
        return known if known is None else replace(known, ticket=None)


class OlderOverNewer(Pos):
    """What came last is what counts."""

    def _is_older(self, known: KnownOrder | None, message: Message) -> bool:
        return False


class IgnoresCancel(Pos):
    """A caller's wish to cancel is no business of the kitchen's."""

    def _apply(self, message: Message) -> None:
        if STATES.get(message.type) != "cancel_requested":
            super()._apply(message)


# -- how a delivery is answered ---------------------------------------------------------------------------------------


class Redirects(Receiver):
    """Answers with where the order can be looked at."""

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> Response:
        answer = await super().receive(headers, raw)
        return Response(status_code=303, headers={"location": "/orders"}) if answer.status_code < 300 else answer


class BigResponse(Receiver):
    """Answers with everything it knows."""

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> Response:
        answer = await super().receive(headers, raw)
        return JSONResponse({"thanks": "x" * 200_000}) if answer.status_code < 300 else answer


class Slow(Receiver):
    """Does all its work before it answers."""

    waits = SloppyWaits()

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> Response:
        answer = await super().receive(headers, raw)
        await self.waits.sleep(self.waits.slow_s)
        return answer


class ClosesConnections(Receiver):
    """Closes the connection after each answer."""

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> Response:
        answer = await super().receive(headers, raw)
        answer.headers["connection"] = "close"
        return answer


class RefusesLarge(Receiver):
    """Takes what a contact form's web server takes."""

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> Response:
        return Response(status_code=413) if len(raw) > 8192 else await super().receive(headers, raw)


class Unknown500(Receiver):
    """Falls over a type that it does not know."""

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> Response:
        kind = json.loads(raw).get("type")
        if kind in STATES or kind == "agiza.ping":
            return await super().receive(headers, raw)
        return Response(status_code=500)


class Busy(Receiver):
    """One at a time, please."""

    waits = SloppyWaits()
    _in_hand = 0

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> Response:
        if self._in_hand:
            return Response(status_code=503)
        self._in_hand += 1
        try:
            await asyncio.sleep(self.waits.busy_s)
            return await super().receive(headers, raw)
        finally:
            self._in_hand -= 1


class AnswersBeforeStoring(Receiver):
    """Says yes, and stores it when there is time. What lies in between is gone when the lights go out."""

    waits = SloppyWaits()
    _storing: set[asyncio.Task[None]]

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> Response:
        try:
            message = message_of(self._verifier.message_id(headers, raw, self._now()), raw)
        except (NotGenuine, Malformed):
            return await super().receive(headers, raw)
        self._storing = getattr(self, "_storing", set())
        task = asyncio.create_task(self._store(message))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)
        return Response(status_code=204)

    async def _store(self, message: Message) -> None:
        await asyncio.sleep(self.waits.store_s)
        self.pos.take(message)


# -- what is said and fetched -----------------------------------------------------------------------------------------


class FreshKeys(Teller):
    """A new Idempotency-Key for each try, which makes it a new request each time."""

    def _key(self, owed: OwedWord) -> str:
        return f"pos-{uuid.uuid4().hex}"


class GapBlind(Fetcher):
    """Never looks at the numbers."""

    async def run(self) -> None:
        await asyncio.Event().wait()


Part = type[Verifier] | type[Pos] | type[Receiver] | type[Teller] | type[Fetcher]

HABITS: Final[Mapping[str, Part]] = {
    "no-signature-check": NoSignatureCheck,
    "reserialised": Reserialised,
    "ignores-timestamp": IgnoresTimestamp,
    "first-signature-only": FirstSignatureOnly,
    "one-secret": OneSecret,
    "no-dedupe": NoDedupe,
    "older-over-newer": OlderOverNewer,
    "ignores-cancel": IgnoresCancel,
    "slow": Slow,
    "redirects": Redirects,
    "big-response": BigResponse,
    "closes-connections": ClosesConnections,
    "refuses-large": RefusesLarge,
    "unknown-500": Unknown500,
    "busy": Busy,
    "answers-before-storing": AnswersBeforeStoring,
    "fresh-keys": FreshKeys,
    "gap-blind": GapBlind,
}
"""Every bad habit by its name; of those that are piled on each other, the first is outermost."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The classes of which a POS is made."""

    verifier: type[Verifier] = Verifier
    pos: type[Pos] = Pos
    receiver: type[Receiver] = Receiver
    teller: type[Teller] = Teller
    fetcher: type[Fetcher] = Fetcher


GOOD: Final = Parts()


def sloppy_parts(kinds: Collection[str], waits: SloppyWaits | None = None) -> Parts:
    """The parts of a POS with these habits ("all": every one); several of one part are piled on each other. Raises
    :class:`ValueError` for a habit that is none."""
    unknown = sorted(set(kinds) - set(HABITS) - {"all"})
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of: {', '.join(HABITS)}, all")
    habits = [habit for name, habit in HABITS.items() if name in kinds or "all" in kinds]

    def piled(part: Any) -> Any:
        chosen = [habit for habit in habits if issubclass(habit, part)]
        return type(f"Sloppy{part.__name__}", (*chosen, part), {"waits": waits or SloppyWaits()}) if chosen else part

    return Parts(piled(Verifier), piled(Pos), piled(Receiver), piled(Teller), piled(Fetcher))
