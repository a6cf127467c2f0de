"""The bridge's report of each leg, taken from the stream of call events into the call's row."""

from __future__ import annotations

from agiza.contracts.events import CallEnded
from agiza.runtime.consumer import Delivery, Done, Outcome
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool, transaction
from services.webhook.admission import Admission
from services.webhook.store_reports import store_report

log = get_logger(__name__)


class Reports:
    """Handler of ``agiza:calls`` for the group ``webhook``. Our own events pass by unread."""

    def __init__(self, pool: Pool, metrics: Metrics, admission: Admission) -> None:
        self._pool = pool
        self._admission = admission
        self._metrics = metrics

    async def handle(self, delivery: Delivery) -> Outcome:
        """Keep a report; the same one again changes nothing."""
        event = delivery.received.event
        if isinstance(event, CallEnded):
            async with transaction(self._pool) as conn:
                is_stored = await store_report(conn, event)
            if is_stored:
                self._admission.ended(event.call_id, event.branch_id)
                log.info("call_reported", outcome=event.outcome, reason=event.reason, leg_epoch=event.leg_epoch)
            else:  # an older leg's, or of a call that was answered while the database was away
                log.warning("report_without_call", outcome=event.outcome, leg_epoch=event.leg_epoch)
        return Done()
