"""How many calls the bridges can take, from their heartbeats.

A bridge is alive while its key is there and its time in the sorted set goes on changing. Times are compared with
themselves only, so a bridge whose clock is wrong counts like any other.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import RedisError

from agiza.contracts import streams
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import Client

LOOK_S: Final = 0.5
FRESH_S: Final = 3.0
BRIDGES_MAX: Final = 500
"""Replicas that are looked at, those that were seen last."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Beat:
    """What a bridge says of itself."""

    calls: int
    slots: int
    is_draining: bool
    is_model_up: bool


@dataclass(frozen=True, slots=True)
class Room:
    """What all bridges together can take. ``sessions`` are calls with the model now, also on bridges that drain."""

    bridges: int = 0
    free_slots: int = 0
    sessions: int = 0
    is_model_up: bool = True


def room_of(beats: Sequence[Beat]) -> Room:
    """The sum. A model that one bridge still reaches is not down; without any bridge nobody can tell."""
    taking = [beat for beat in beats if not beat.is_draining]
    return Room(
        bridges=len(taking),
        free_slots=sum(max(0, beat.slots - beat.calls) for beat in taking),
        sessions=sum(beat.calls for beat in beats),
        is_model_up=not taking or any(beat.is_model_up for beat in taking),
    )


def read_beat(text: str | None) -> Beat | None:
    """A heartbeat, or None for what is none. A bridge that says nothing of its model has no trouble with it."""
    try:
        said = json.loads(text or "")
        return Beat(int(said["calls"]), int(said["slots"]), bool(said["draining"]), bool(said.get("model_ok", True)))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


class Fleet:
    """The bridges, looked at twice a second. ``room`` can be read at any time."""

    def __init__(self, redis: Client, metrics: Metrics, clock: Clock) -> None:
        self.room = Room()
        self._redis = redis
        self._metrics = metrics
        self._clock = clock
        self._changed: dict[str, tuple[float, float]] = {}
        self._looking: asyncio.Task[Room] | None = None

    async def watch(self, stopping: asyncio.Event) -> None:
        """Look until the service stops."""
        while not stopping.is_set():
            try:
                await self.look()
            except RedisError as error:
                log.warning("bridges_not_seen", why=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LOOK_S)

    async def look(self) -> Room:
        """Look now, together with all who ask at this moment. Raises redis-py's errors."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="look at the bridges")
        return await asyncio.shield(self._looking)

    async def _look(self) -> Room:
        try:
            seen: list[tuple[str, float]] = await self._redis.zrange(
                streams.BRIDGES_SEEN, -BRIDGES_MAX, -1, withscores=True
            )
            keys = [streams.bridge_key(bridge_id) for bridge_id, _ in seen]
            texts: list[Any] = await self._redis.mget(keys) if keys else []
        finally:
            self._looking = None
        now = self._clock.monotonic()
        self._changed = {bridge_id: self._change(bridge_id, score, now) for bridge_id, score in seen}
        beats = [
            beat
            for (bridge_id, _), text in zip(seen, texts, strict=True)
            if (beat := read_beat(text)) is not None and now - self._changed[bridge_id][1] <= FRESH_S
        ]
        self._take(room_of(beats))
        return self.room

    def _change(self, bridge_id: str, score: float, now: float) -> tuple[float, float]:
        """The score, and when it was first seen; a bridge that is new to us is fresh as long as its key is there."""
        known = self._changed.get(bridge_id)
        return known if known is not None and known[0] == score else (score, now)

    def _take(self, room: Room) -> None:
        before, self.room = self.room, room
        self._metrics.set("model_breaker_open", 0 if room.is_model_up else 1)
        if (before.bridges == 0) is not (room.bridges == 0):
            log.warning("bridges_back" if room.bridges else "no_bridges", bridges=room.bridges)
        if before.is_model_up is not room.is_model_up:
            log.warning("model_back" if room.is_model_up else "model_down")
