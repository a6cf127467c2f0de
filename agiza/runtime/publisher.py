"""The only way out: an event goes to the stream or channel that its class names.

    publisher = Publisher(clients.commands, source="/agiza/bridge", clock=clock, metrics=metrics)
    sent = await publisher.publish(event, trace)

    stamped = publisher.stamp(event, trace)      # when the same event may have to be sent again
    await publisher.send(stamped)                # each time with the same id: receivers know it

Redis may lose any entry, and nothing may depend on it that is not asked for again. Order events
are refused here: they leave through the outbox only, in the transaction that makes them true.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from redis.exceptions import RedisError

from agiza.contracts import streams
from agiza.contracts.envelope import Stamp, encode
from agiza.contracts.events import Event
from agiza.runtime.clock import Clock
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import Client
from agiza.runtime.traces import Trace

EVENT_BYTES_MAX: Final = 512 * 1024
EVENT_FIELD: Final = "event"
"""The one field of a stream entry: CloudEvents JSON."""

_CHANNELS: Final = (streams.REPLIES_PREFIX, streams.CARTS_PREFIX)


class PublishFailed(Exception):
    """Redis did not confirm. The event may have arrived all the same: send it again with the same id or let it be."""

    retryable = True


class EventTooLarge(Exception):
    """The event exceeds what a stream entry may hold."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event ready to be sent, as often as needed."""

    id: str
    type: str
    destination: str
    body: bytes


class Publisher:
    """Sends events of one service."""

    def __init__(
        self,
        client: Client,
        *,
        source: str,
        clock: Clock,
        metrics: Metrics,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._client = client
        self._source = source
        self._clock = clock
        self._metrics = metrics
        self._new_id = new_id

    async def publish(self, event: Event, trace: Trace | str) -> str:
        """Stamp and send once; returns the event's id. Raises :class:`PublishFailed` or :class:`EventTooLarge`."""
        stamped = self.stamp(event, trace)
        await self.send(stamped)
        return stamped.id

    def stamp(self, event: Event, trace: Trace | str, *, id: str | None = None) -> Stamped:
        """The event with id, time, source and a new span of this trace (or of this traceparent header)."""
        destination = event.stream()
        if destination.startswith(streams.ORDERS_PREFIX):
            raise ValueError(f"{event.type} leaves through the outbox")
        trace = trace.child() if isinstance(trace, Trace) else Trace.continued(trace)
        stamp = Stamp(id=id or self._new_id(), source=self._source, time=self._clock.now(), traceparent=str(trace))
        body = encode(event, stamp)
        if len(body) > EVENT_BYTES_MAX:
            raise EventTooLarge(f"{event.type} has {len(body)} bytes")
        return Stamped(stamp.id, event.type, destination, body)

    async def send(self, stamped: Stamped) -> None:
        """Send it once; the client does not retry. Raises :class:`PublishFailed`.

        On a channel, nobody may be listening: that is not an error here, the receiver asks again.
        """
        try:
            if stamped.destination.startswith(_CHANNELS):
                await self._client.publish(stamped.destination, stamped.body)
            else:
                # Not trimmed here: that would look at no reader. See agiza.runtime.janitor.
                await self._client.xadd(stamped.destination, {EVENT_FIELD: stamped.body})
        except RedisError as error:
            reason = type(error).__name__
            self._metrics.add("stream_publish_failed_total", type=stamped.type, reason=reason)
            raise PublishFailed(f"{stamped.type}: {reason}") from error
        self._metrics.add("stream_published_total", type=stamped.type)
