"""Tells the bridges what became of an order, while its caller may still be on the line.

    news = CallNews(publisher)
    relay = OutboxRelay(..., on_numbered=news.note, tell=news.and_then(hints.tell))

Whatever moves an order writes to the outbox, so this hears of every move, whoever made it. No bridge is asked which
call it holds: all are told, and the one that has the caller takes it. Nothing depends on that: it may be lost, or come
twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import ValidationError

from agiza.contracts.events import (
    CallerOrderMoved,
    OrderAccepted,
    OrderCancelled,
    OrderOwned,
    OrderRejected,
    OrderUnacknowledged,
)
from agiza.runtime.logs import get_logger
from agiza.runtime.outbox import FeedEvent, Tell
from agiza.runtime.postgres import Connection
from agiza.runtime.publisher import Publisher, PublishFailed

WAITING_MAX: Final = 1000
"""While Redis is away; the oldest go first, since their callers have hung up."""

Word = Literal["accepted", "rejected", "cancelled", "unacknowledged", "owned"]

_WORDS: Final[Mapping[str, Word]] = {
    OrderAccepted.type: "accepted",
    OrderRejected.type: "rejected",
    OrderCancelled.type: "cancelled",
    OrderUnacknowledged.type: "unacknowledged",
    OrderOwned.type: "owned",
}

log = get_logger(__name__)


class CallNews:
    """One per process, on its relay."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._waiting: list[tuple[CallerOrderMoved, str]] = []

    @property
    def waiting(self) -> int:
        """How much is kept until the next :meth:`tell`."""
        return len(self._waiting)

    async def note(self, connection: Connection, events: Sequence[FeedEvent]) -> None:
        """Keep what a caller should hear of these, until :meth:`tell`. What they say was committed before."""
        for event in events:
            told = caller_news(event.event)
            if told is not None:
                self._waiting.append((told, str(event.event["traceparent"])))
        del self._waiting[:-WAITING_MAX]

    async def tell(self, branches: Sequence[str]) -> None:
        """Send all of it. What cannot be sent is dropped: the caller hears it when they ask, or is rung."""
        waiting, self._waiting = self._waiting, []
        for at, (event, traceparent) in enumerate(waiting):
            try:
                await self._publisher.publish(event, traceparent)
            except PublishFailed as error:
                log.warning("caller_not_told", count=len(waiting) - at, error=str(error))
                return

    def and_then(self, tell: Tell) -> Tell:
        """Both, for the relay: first whoever waits for the feed."""

        async def both(branches: Sequence[str]) -> None:
            await tell(branches)
            await self.tell(branches)

        return both


def caller_news(event: Mapping[str, Any]) -> CallerOrderMoved | None:
    """What a numbered event is to the caller of its order; None for those that they need not hear.

    A cancellation that the caller wished for is no news to them.
    """
    word, of = _WORDS.get(event["type"]), event["data"]
    if word is None or of.get("call_id") is None or (word == "cancelled" and of.get("reason") == "caller"):
        return None
    try:
        return CallerOrderMoved(
            branch_id=of["branch_id"],
            call_id=of["call_id"],
            order_id=of["order_id"],
            order_number=of["order_number"],
            word=word,
            eta_minutes=of.get("eta_minutes"),
            reason=of.get("reason"),
        )
    except ValidationError:  # an order of a call whose id no bridge has
        return None
