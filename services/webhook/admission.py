"""Lets calls in: counts them in Redis and asks the rule.

A call that is to be given to the agent takes a place first, in one round trip with the count of all who have one. The
place is given back at once when it was one too many. A new leg of a live call is never counted against its caller,
branch or day.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Literal

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout

from agiza.contracts import streams
from agiza.domain.call_state import CallKind, Phase
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import UNAVAILABLE, Pool
from agiza.runtime.redis_clients import UNAVAILABLE as REDIS_UNAVAILABLE
from agiza.runtime.redis_clients import Client
from services.webhook.admission_rules import OF_THE_BRIDGES, Counts, Limits, Verdict, judge, judge_room
from services.webhook.directory import Directory
from services.webhook.fleet import Fleet
from services.webhook.outage import Watched
from services.webhook.side_notes import SideNotes
from services.webhook.store import CALL_HOURS_MAX, CallRow, model_minutes

LEASE_S: Final = 15
"""From the answer to the media socket."""
COUNTED_S: Final = 2
"""A bridge counts a call in its next heartbeat; until then the lease goes on."""
MINUTES_EVERY_S: Final = 10.0
DAY_S: Final = 2 * 86_400

_WITH_AGENT: Final = (Phase.OFFERED, Phase.STREAMING)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of a call in one of the sets: its ``score``, and below which score an entry counts no longer."""

    kind: Literal["lease", "caller", "branch", "day"]
    key: str
    score: float
    older_than: float
    keep_s: int


class Admission:
    """Asked by the switchboard before a Stream is answered. One per process."""

    def __init__(
        self,
        redis: Client,
        *,
        watched: Watched,
        fleet: Fleet,
        notes: SideNotes,
        limits: Limits,
        secret: str,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._redis = redis
        self._watched = watched
        self._fleet = fleet
        self._notes = notes
        self._limits = limits
        self._secret = secret.encode()
        self._metrics = metrics
        self._clock = clock
        self._day_minutes = 0.0

    async def ask(self, row: CallRow) -> Verdict:
        """Whether this new call may have the agent; it has a place then. Asking twice counts once."""
        places = self._places(row, self._clock.now())
        verdict = await self._judged(row, places)
        self._metrics.add("admission_total", verdict=verdict)
        if verdict != "admitted":
            self._leave(row.call_id, [place.key for place in places])
            log.warning("call_not_admitted", call_id=row.call_id, branch_id=row.branch_id, verdict=verdict)
        return verdict

    async def ask_for_leg(self) -> bool:
        """Whether a live call may have another leg."""
        with contextlib.suppress(RedisError):
            await self._fleet.look()
        verdict = judge_room(self._limits, self._fleet.room, leases=1)
        self._metrics.add("admission_total", verdict=verdict)
        return verdict == "admitted"

    def moved(self, before: CallRow, after: CallRow) -> None:
        """Keep the counts in step with what became of a call."""
        now = self._clock.now()
        was, is_now = before.call.phase in _WITH_AGENT, after.call.phase in _WITH_AGENT
        if is_now and after.call.epoch > before.call.epoch:
            self._lease(after.call_id, now + timedelta(seconds=LEASE_S), is_new=True)
        elif after.call.phase is Phase.STREAMING and before.call.phase is Phase.OFFERED:
            self._lease(after.call_id, now + timedelta(seconds=COUNTED_S), is_new=False)
        elif was and not is_now:
            self.ended(after.call_id, after.branch_id)

    def ended(self, call_id: str, branch_id: str) -> None:
        """The call is with the agent no longer; also told by the bridge, lest a lost request cost the branch a line."""
        self._leave(call_id, [streams.ADMISSION_LEASES, streams.calls_of_branch_key(branch_id)])

    async def count_minutes(self, pool: Pool, directory: Directory, stopping: asyncio.Event) -> None:
        """Follow the minutes that the model has been used today, until the service stops."""
        while not stopping.is_set():
            if self._limits.day_minutes:
                with contextlib.suppress(*UNAVAILABLE):
                    await self.count_minutes_once(pool, directory)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), MINUTES_EVERY_S)

    async def count_minutes_once(self, pool: Pool, directory: Directory) -> None:
        """Raises psycopg's errors when the database is away."""
        async with pool.connection() as conn:
            self._day_minutes = await model_minutes(conn, directory.ids(), self._clock.now())

    # --- places ---------------------------------------------------------------------------------------------------

    async def _judged(self, row: CallRow, places: list[Place]) -> Verdict:
        try:
            counts = await self._counted(row.call_id, places)
            verdict = judge(self._limits, self._fleet.room, counts)
            if verdict in OF_THE_BRIDGES:  # what was seen half a second ago is not enough to send a caller away
                verdict = judge(self._limits, await self._fleet.look(), counts)
        except REDIS_UNAVAILABLE:
            return "no_redis"
        except RedisError as error:  # full, or without the rights that we need: no bridge could use it either
            log.error("admission_not_counted", call_id=row.call_id, exc_info=error)
            return "no_redis"
        return verdict

    async def _counted(self, call_id: str, places: list[Place]) -> Counts:
        try:
            numbers = await self._take(call_id, places)
        except RedisTimeout:  # it hangs, and a second wait would be the caller's
            self._watched.suspect()
            raise
        except REDIS_UNAVAILABLE:  # a connection that was lost, or the server
            if not await self._watched.check():
                raise
            numbers = await self._take(call_id, places)
        count = {place.kind: number for place, number in zip(places, numbers, strict=True)}
        return Counts(
            leases=count["lease"],
            of_caller=count.get("caller", 0),
            of_branch=count.get("branch", 0),
            of_day=count.get("day", 0),
            day_minutes=self._day_minutes,
        )

    async def _take(self, call_id: str, places: list[Place]) -> list[int]:
        """Enter the call and count, all in one moment: of two calls for one place, one is the second."""
        pipe: Any = self._redis.pipeline(transaction=True)
        for place in places:
            pipe.zremrangebyscore(place.key, "-inf", place.older_than)
            pipe.zadd(place.key, {call_id: place.score}, nx=True)
            pipe.expire(place.key, place.keep_s)
            pipe.zcard(place.key)
        answers: list[int] = await pipe.execute()
        return answers[3::4]

    def _places(self, row: CallRow, now: datetime) -> list[Place]:
        """Where this call is counted: only what has a limit. We rang who is rung back, so that says nothing of them."""
        limits, at = self._limits, now.timestamp()
        places = [Place("lease", streams.ADMISSION_LEASES, at + LEASE_S, at, DAY_S)]
        if limits.caller_calls and row.pii_caller is not None and row.call.kind is CallKind.INBOUND:
            digest = hmac.digest(self._secret, row.pii_caller.encode(), hashlib.sha256).hex()[:32]
            window_s = limits.caller_window_s
            places.append(Place("caller", streams.calls_of_caller_key(digest), at, at - window_s, window_s))
        if limits.branch_calls:
            live_s = CALL_HOURS_MAX * 3600
            places.append(Place("branch", streams.calls_of_branch_key(row.branch_id), at, at - live_s, live_s))
        if limits.day_calls:
            day = now.astimezone(UTC).date().isoformat()
            places.append(Place("day", streams.calls_of_day_key(day), at, at - DAY_S, DAY_S))
        return places

    def _lease(self, call_id: str, until: datetime, *, is_new: bool) -> None:
        entry = {call_id: until.timestamp()}
        self._notes.add(lambda pipe: pipe.zadd(streams.ADMISSION_LEASES, entry, xx=not is_new))

    def _leave(self, call_id: str, keys: list[str]) -> None:
        for key in keys:
            self._notes.add(partial(_remove, key, call_id))


def _remove(key: str, call_id: str, pipe: Any) -> None:
    pipe.zrem(key, call_id)
