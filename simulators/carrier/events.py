"""Call events for the number's events URL, at least once: raw callback bodies, enveloped events, or both.

An event is accepted by any 2xx. Anything else is tried again with the same id; the real schedule runs over days, this
one over seconds. After the last attempt the event is lost, as a dead letter would be.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from .callbacks import BodyKind, CallState
from .posting import Poster
from .record import CallRecord
from .settings import CarrierSettings


class CallEvents:
    """The events of one call; every method does nothing when the number has no events URL."""

    def __init__(self, poster: Poster, settings: CarrierSettings) -> None:
        self._poster = poster
        self._settings = settings

    async def raw(self, state: CallState, extra: Mapping[str, str]) -> None:
        """The body that a voice callback would have had."""
        if self._settings.event_shape != "enveloped":
            await self._deliver(state, self._poster.fields(state, extra), self._settings.body)

    async def enveloped(self, kind: str, record: CallRecord) -> None:
        if self._settings.event_shape == "raw":
            return
        data = {
            "call_id": record.session_id,
            "direction": record.direction,
            "from": record.from_number,
            "to": record.to_number,
            "status": "ringing" if record.ended_ms is None else "completed",
            "duration_seconds": record.duration_s,
        }
        event = {
            "kind": kind,
            "event_id": uuid.uuid4().hex,
            "workspace_id": "ws_simulated",
            "occurred_at": datetime.now(UTC).isoformat(),
            "data": data,
        }
        await self._deliver(kind, event, "json")

    async def _deliver(self, state: str, payload: Mapping[str, object], body: BodyKind) -> None:
        url = self._settings.events_url
        if url is None:
            return
        for _ in range(2 if self._settings.events_repeated else 1):
            for pause_s in (*self._settings.event_retry_s, None):
                if await self._poster.deliver(url, state, payload, body) or pause_s is None:
                    break
                await asyncio.sleep(pause_s)
