"""Between transport and handler: the same answer for the stream and for HTTP, and who is told afterwards."""

from __future__ import annotations

from collections.abc import Callable

from agiza.contracts.envelope import Received
from agiza.contracts.events import CallTakenOver, CartChanged, Event, ToolCalled, ToolCancelled
from agiza.runtime.consumer import Dead, Delivery, Done, Outcome
from agiza.runtime.logs import get_logger
from agiza.runtime.publisher import Publisher, PublishFailed
from services.orders.handler import Answered, ToolHandler
from services.orders.staff import StaffAnswer
from services.orders.taking_over import TakeOvers, news_of

log = get_logger(__name__)


class ToolDesk:
    """Takes tool events from both ways in, and tells bridge, screens and relay."""

    def __init__(
        self, handler: ToolHandler, take_overs: TakeOvers, publisher: Publisher, wake_relay: Callable[[], None]
    ) -> None:
        self._handler = handler
        self._take_overs = take_overs
        self._publisher = publisher
        self._wake_relay = wake_relay

    async def from_stream(self, delivery: Delivery) -> Outcome:
        """Carry out one stream entry; the answer goes to the bridge's channel.

        A lost answer is not sent again from here: the bridge asks once more and finds it in the inbox.
        """
        match delivery.received.event:
            case ToolCalled():
                answered = await self._handler.answer(delivery.received, "stream")
                return await self._answer(answered, delivery)
            case ToolCancelled():
                await self._handler.cancel(delivery.received)
                return Done()
            case CallTakenOver():
                await self._publish(await self._take_over(delivery.received), delivery.received.envelope.traceparent)
                return Done()
            case other:
                return Dead(f"{other.type} does not belong on this stream")

    async def from_http(self, received: Received) -> bytes:
        """Carry out the same event for a bridge that got no answer in time."""
        if isinstance(received.event, CallTakenOver):
            answer = await self._take_over(received)
            return self._publisher.stamp(answer, received.envelope.traceparent).body
        answered = await self._handler.answer(received, "http")
        await self.tell(answered.cart_changed, received.envelope.traceparent, has_news=answered.has_news)
        return self._publisher.stamp(answered.event, received.envelope.traceparent).body

    async def _take_over(self, received: Received) -> Event:
        """Fence the older legs, then let all bridges know: whoever holds one of them ends it."""
        answer = await self._take_overs.answer(received)
        news = news_of(answer)
        if news is not None:
            await self._publish(news, received.envelope.traceparent)
        return answer

    async def _answer(self, answered: Answered, delivery: Delivery) -> Done:
        """After the commit: the answer, behind it the cart for the screens, and that the entry is done, all at once."""
        if answered.has_news:
            self._wake_relay()
        events: list[Event] = [answered.event]
        if answered.cart_changed is not None:
            events.append(answered.cart_changed)
        trace = delivery.received.envelope.traceparent
        try:
            await self._publisher.send_last([self._publisher.stamp(event, trace) for event in events], delivery.receipt)
        except PublishFailed as error:
            log.warning("answer_not_sent", error=str(error))
            return Done()
        return Done(is_acknowledged=True)

    async def _publish(self, event: Event, traceparent: str) -> None:
        try:
            await self._publisher.publish(event, traceparent)
        except PublishFailed as error:
            log.warning("answer_not_sent", error=str(error))

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
