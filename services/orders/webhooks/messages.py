"""The bodies of deliveries: read and made once for all endpoints, and kept for a while.

await messages.load(conn, claimed)
messages.body(claimed[0])                # the bytes, or None: the event is older than the outbox
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from agiza.contracts.feed_digest import canonical_json
from agiza.runtime.postgres import Connection
from services.orders.webhooks.schedule import PING_TYPE
from services.orders.webhooks.store_deliveries import Claimed, read_bodies

KEPT_MAX: Final = 1000


class Messages:
    """The newest bodies of one process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def load(self, conn: Connection, claimed: Sequence[Claimed]) -> None:
        """Have the bodies of these at hand."""
        missing = {each.event_id for each in claimed if each.class_ != "ping" and each.event_id not in self._kept}
        if not missing:
            return
        self._kept.update(await read_bodies(conn, missing))
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)

    def body(self, claimed: Claimed) -> bytes | None:
        """The body of a delivery that was loaded; None: there is no such event any more."""
        if claimed.class_ == "ping":
            return ping_body(claimed.event_id, claimed.endpoint_id, claimed.began_at)
        return self._kept.get(claimed.event_id)


def ping_body(event_id: str, endpoint_id: str, at: datetime) -> bytes:
    """A test delivery: like an event, without a number and in no branch's feed."""
    time = at.isoformat().replace("+00:00", "Z")
    return canonical_json(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": "/agiza/orders",
            "type": PING_TYPE,
            "time": time,
            "timestamp": time,
            "datacontenttype": "application/json",
            "dataversion": 1,
            "data": {"endpoint_id": endpoint_id},
        }
    )
