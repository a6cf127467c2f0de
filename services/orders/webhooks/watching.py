"""What is looked after beside sending: tickets that are late, deliveries that are too old, and how many wait."""

from __future__ import annotations

from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool, transaction
from services.orders.webhooks import store_deliveries
from services.orders.webhooks.schedule import TICKET_ALARM_S

_log = get_logger(__name__)


class Watch:
    """Every process looks; what one has told, no other tells."""

    def __init__(self, pool: Pool, clock: Clock, metrics: Metrics) -> None:
        self._pool = pool
        self._clock = clock
        self._metrics = metrics

    async def look(self) -> None:
        """Look once, at everything."""
        now = self._clock.now()
        async with transaction(self._pool) as conn:
            alarms = await store_deliveries.alarms(conn, now)
        async with transaction(self._pool) as conn:
            expired = await store_deliveries.expire(conn, now)
            waiting = await store_deliveries.backlog(conn)
        for endpoint_id in alarms.begun:
            self._metrics.add("webhook_endpoints_total", what="ticket_late")
            _log.error("webhook_ticket_late", endpoint_id=endpoint_id, late_s=TICKET_ALARM_S)
        for branch_id, count in alarms.tickets.items():
            self._metrics.add("webhook_tickets_late_total", count, branch=branch_id)
        for endpoint_id in alarms.over:
            _log.info("webhook_ticket_late_over", endpoint_id=endpoint_id)
        for class_, count in expired.items():
            self._metrics.add("delivery_total", count, **{"class": class_, "outcome": "expired"})
            _log.warning("webhook_deliveries_expired", kind=class_, count=count)
        self._metrics.set("webhook_tickets_waiting", waiting.get("ticket", 0))
        self._metrics.set("webhook_records_waiting", waiting.get("record", 0))
