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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import RedisError

from agiza.contracts import streams
from agiza.contracts.envelope import Stamp, encode
from agiza.contracts.events import Event
from agiza.runtime.clock import Clock
from agiza.runtime.deliveries import Receipt
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
            await _send(self._client, stamped)
        except RedisError as error:
            raise self._failed(stamped, error) from error
        self._metrics.add("stream_published_total", type=stamped.type)

    async def send_last(self, several: Sequence[Stamped], receipt: Receipt) -> None:
        """Send these in this order and acknowledge the entry that they come of, all in one round trip.

        Raises :class:`PublishFailed` when anything of it was not confirmed: the rest may have been done.
        """
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for stamped in several:
                    await _send(pipe, stamped)
                pipe.xack(receipt.stream, receipt.group, receipt.entry_id)
                answers: list[Any] = await pipe.execute(raise_on_error=False)
        except RedisError as error:
            answers = [error] * (len(several) + 1)
        failures = []
        for stamped, answer in zip(several, answers[:-1], strict=True):
            if isinstance(answer, Exception):
                failures.append(self._failed(stamped, answer))
            else:
                self._metrics.add("stream_published_total", type=stamped.type)
        if isinstance(answers[-1], Exception):
            failures.append(PublishFailed(f"acknowledgement: {type(answers[-1]).__name__}"))
        if failures:
            raise failures[0]

    def _failed(self, stamped: Stamped, error: Exception) -> PublishFailed:
        reason = type(error).__name__
        self._metrics.add("stream_publish_failed_total", type=stamped.type, reason=reason)
        return PublishFailed(f"{stamped.type}: {reason}")


async def _send(client: Client, stamped: Stamped) -> None:
    """One command: at once, or within a pipeline when that is executed."""
    if stamped.destination.startswith(_CHANNELS):
        await client.publish(stamped.destination, stamped.body)
    else:
        # Not trimmed here: that would look at no reader. See agiza.runtime.janitor.
        await client.xadd(stamped.destination, {EVENT_FIELD: stamped.body})
