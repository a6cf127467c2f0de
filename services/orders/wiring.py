"""Between transport and handler: the same answer for the stream and for HTTP, and who is told afterwards."""

from __future__ import annotations

from collections.abc import Callable

from agiza.contracts.envelope import Received
from agiza.contracts.events import CartChanged, ToolCalled, ToolCancelled
from agiza.runtime.consumer import Dead, Delivery, Done, Outcome
from agiza.runtime.logs import get_logger
from agiza.runtime.publisher import Publisher, PublishFailed
from services.orders.handler import ToolHandler
from services.orders.staff import StaffAnswer

log = get_logger(__name__)


class ToolDesk:
    """Takes tool events from both ways in, and tells bridge, screens and relay."""

    def __init__(self, handler: ToolHandler, publisher: Publisher, wake_relay: Callable[[], None]) -> None:
        self._handler = handler
        self._publisher = publisher
        self._wake_relay = wake_relay

    async def from_stream(self, delivery: Delivery) -> Outcome:
        """Carry out one stream entry; the answer goes to the bridge's channel.

        A lost answer is not sent again from here: the bridge asks once more and finds it in the inbox.
        """
        match delivery.received.event:
            case ToolCalled():
                answered = await self._handler.answer(delivery.received, "stream")
                try:
                    await self._publisher.publish(answered.event, delivery.received.envelope.traceparent)
                except PublishFailed as error:
                    log.warning("answer_not_sent", error=str(error))
                await self.tell(
                    answered.cart_changed, delivery.received.envelope.traceparent, has_news=answered.has_news
                )
                return Done()
            case ToolCancelled():
                await self._handler.cancel(delivery.received)
                return Done()
            case other:
                return Dead(f"{other.type} does not belong on this stream")

    async def from_http(self, received: Received) -> bytes:
        """Carry out the same event for a bridge that got no answer in time."""
        answered = await self._handler.answer(received, "http")
        await self.tell(answered.cart_changed, received.envelope.traceparent, has_news=answered.has_news)
        return self._publisher.stamp(answered.event, received.envelope.traceparent).body

    async def tell(self, cart_changed: CartChanged | None, traceparent: str, *, has_news: bool) -> None:
        """After the commit: wake the relay, show the cart. Both are only quicker than the next poll."""
        if has_news:
            self._wake_relay()
        if cart_changed is not None:
            try:
                await self._publisher.publish(cart_changed, traceparent)
            except PublishFailed as error:
                log.warning("cart_not_shown", error=str(error))

    async def tell_of_staff(self, answer: StaffAnswer) -> None:
        """The same for what a person did."""
        await self.tell(answer.cart_changed, answer.traceparent, has_news=answer.has_news)
