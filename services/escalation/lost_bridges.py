"""Calls whose bridge shows no sign of life any more.

A bridge beats every second. One that is missed here for a while, by looks that all succeeded, is gone, and so are the
sockets of its calls. Where Redis itself was away, or has forgotten a call, nothing is concluded.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from redis.exceptions import RedisError

from agiza.contracts import streams
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import Pool
from agiza.runtime.redis_clients import Client
from services.escalation import store_lines
from services.escalation.store_lines import KnownLine

UNTAKEN_S: Final = 5.0
"""A call in no record for so long has no bridge. Where Redis lost its data, the bridges write theirs again before."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A live call and how long its bridge has been missed; None for an offer that no bridge is known to have taken.

    ``was_taken`` is also true while it is too early to say that none has.
    """

    call_id: str
    gone_s: float | None
    was_taken: bool


@dataclass
class LostBridges:
    """Looks once a round. Times are this process' own stopwatch."""

    pool: Pool
    redis: Client
    clock: Clock
    _missed_since: dict[str, float] = field(default_factory=dict)
    _untaken_since: dict[str, float] = field(default_factory=dict)

    async def was_taken(self, call_id: str) -> bool:
        """Whether a bridge is known to have held this call. In doubt: yes."""
        reading: Any = self.redis.hget(streams.session_key(call_id), "bridge_id")  # typed as sync, too
        try:
            return await reading is not None
        except RedisError:
            return True

    async def look(self) -> list[Suspect]:
        """Calls to look at: their bridge is missed, or no bridge has taken them. Raises psycopg's errors."""
        async with self.pool.connection() as conn:
            lines = await store_lines.live_lines(conn, self.clock.now())
        if not lines:
            self._forget()
            return []
        try:
            holders = await self._holders(lines)
            alive = await self._alive({holder for holder in holders.values() if holder is not None})
        except RedisError as error:
            self._forget()
            log.warning("bridges_not_seen", kind=type(error).__name__)
            return []
        now = asyncio.get_running_loop().time()
        missed = {holder for holder in holders.values() if holder is not None and holder not in alive}
        self._missed_since = {holder: self._missed_since.get(holder, now) for holder in missed}
        untaken = [call_id for call_id, holder in holders.items() if holder is None]
        self._untaken_since = {call_id: self._untaken_since.get(call_id, now) for call_id in untaken}
        return [
            Suspect(
                call_id,
                now - self._missed_since[holder] if holder else None,
                holder is not None or now - self._untaken_since[call_id] < UNTAKEN_S,
            )
            for call_id, holder in holders.items()
            if holder is None or holder in missed
        ]

    def _forget(self) -> None:
        self._missed_since.clear()
        self._untaken_since.clear()

    async def _holders(self, lines: list[KnownLine]) -> dict[str, str | None]:
        """The bridge that holds each call, as its session record says."""
        pipe: Any = self.redis.pipeline(transaction=False)
        for known in lines:
            pipe.hmget(streams.session_key(known.call_id), "bridge_id", "leg_epoch")
        records = await pipe.execute()
        held: dict[str, str | None] = {}
        for known, (bridge_id, epoch) in zip(lines, records, strict=True):
            # The record of the leg before says nothing about this one.
            held[known.call_id] = _text(bridge_id) if _text(epoch) == str(known.line.epoch) else None
        return held

    async def _alive(self, holders: set[str]) -> set[str]:
        named = sorted(holders)
        if not named:
            return set()
        beats = await self.redis.mget([streams.bridge_key(name) for name in named])
        return {name for name, beat in zip(named, beats, strict=True) if beat is not None}


def _text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else value
