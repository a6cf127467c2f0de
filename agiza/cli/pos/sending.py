"""Sending deliveries, rightly and wrongly signed, and keeping how each was answered.

    sender = Sender(client, url, secret, clock)
    delivery = await sender.deliver("large", made)

Answers are read up to :data:`ANSWER_BYTES_MAX`, as a sender does that means to stay alive. Redirects are not followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

import httpx

from agiza.cli.pos.making import Made
from agiza.runtime.clock import Clock
from agiza.runtime.standard_webhooks import signed_headers

ANSWER_BYTES_MAX: Final = 16 * 1024
Wanted = Literal["taken", "refused"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request and its answer. ``status`` None: there was no answer, and ``error`` says why."""

    check: str
    wanted: Wanted
    made: Made
    status: int | None
    error: str | None
    took_s: float
    answer_bytes: int
    way: str

    @property
    def is_taken(self) -> bool:
        """Answered as taken. A redirect counts here, and is held against the endpoint once, in its own check."""
        return self.status is not None and 200 <= self.status < 400


@dataclass
class Sender:
    """Sends to one endpoint, and remembers."""

    client: httpx.AsyncClient
    url: str
    secret: str
    clock: Clock
    deliveries: list[Delivery] = field(default_factory=list)

    async def deliver(
        self,
        check: str,
        made: Made,
        *,
        wanted: Wanted = "taken",
        way: str = "well signed",
        secrets: Sequence[str] | None = None,
        age_s: float = 0.0,
        body: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> Delivery:
        """Send the event once.

        Signed with each of ``secrets`` in turn; ``body`` is what is sent instead of what was signed; ``headers``
        replace those that were made, None leaves one out; ``way`` says in the report how it was sent.
        """
        sent_at = self.clock.now() - timedelta(seconds=age_s)
        made_headers = signatures(secrets or (self.secret,), made, sent_at) | dict(headers or {})
        shown = {name: value for name, value in made_headers.items() if value is not None}
        began = self.clock.monotonic()
        status, error, size = await self._answer(client or self.client, shown, made.item.body if body is None else body)
        took_s = self.clock.monotonic() - began
        delivery = Delivery(check, wanted, made, status, error, took_s, size, way)
        self.deliveries.append(delivery)
        return delivery

    async def _answer(
        self, client: httpx.AsyncClient, headers: Mapping[str, str], body: bytes
    ) -> tuple[int | None, str | None, int]:
        size = 0
        try:
            async with client.stream("POST", self.url, content=body, headers=headers) as answer:
                async for chunk in answer.aiter_raw():
                    size += len(chunk)
                    if size > ANSWER_BYTES_MAX:
                        break
        except httpx.HTTPError as error:
            return None, type(error).__name__, size
        return answer.status_code, None, size


def signatures(secrets: Sequence[str], made: Made, sent_at: datetime) -> dict[str, str | None]:
    """The headers of a delivery that is signed with each of these secrets."""
    signed = [signed_headers(secret, made.item.event_id, sent_at, made.item.body) for secret in secrets]
    return {**signed[0], "webhook-signature": " ".join(each["webhook-signature"] for each in signed)}
