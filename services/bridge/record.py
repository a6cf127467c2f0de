"""What of a live call lies in Redis, so that others can see it and another replica can go on with it.

Best effort: the record makes a recovery better, and nothing waits for it. One writer for all calls of this process;
what changes within :data:`PAUSE_S` goes out as one write. Each write says whose it is (bridge and leg epoch), and that
of an older leg never goes over that of a newer one. A Redis that has lost its data gets the whole record again with
the next change, or when the heartbeat notices.

No script is needed for that (services may not run any): the records are watched, their epochs read, and all is written
in one transaction, which Redis refuses when another replica was there in between.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from redis.exceptions import RedisError, WatchError

from agiza.contracts import streams
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.redis_clients import Client
from services.bridge.session import CallFacts
from services.bridge.session import actions as a

KEPT_S: Final = 1_800
TURNS_MAX: Final = 40
CALLS_MAX: Final = 2_000
PAUSE_S: Final = 0.2
RETRY_S: Final = 1.0
BATCH_MAX: Final = 25
ATTEMPTS: Final = 3
FINISH_S: Final = 2.0

_log = get_logger(__name__)


@dataclass
class _Kept:
    """One leg: all that its record says, and what of it is still to be written.

    ``unwritten``: so many of the newest ``turns``. ``is_fenced``: a newer leg has the record. ``is_over``: the leg has
    ended, and is forgotten once everything is written.
    """

    facts: CallFacts
    fields: dict[str, str]
    turns: deque[str] = field(default_factory=lambda: deque(maxlen=TURNS_MAX))
    changed: dict[str, str] = field(default_factory=dict)
    unwritten: int = 0
    was_written: bool = False
    is_fenced: bool = False
    is_over: bool = False


class RecordWriter:
    """Writes session records and transcript lines of all calls of this process."""

    def __init__(self, redis: Client, clock: Clock, metrics: Metrics) -> None:
        self._redis = redis
        self._clock = clock
        self._metrics = metrics
        self._kept: dict[str, _Kept] = {}
        self._dirty: dict[str, None] = {}  # call ids, in the order in which they changed
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._is_finishing = False

    def write(self, facts: CallFacts, what: a.SaveTurn | a.SaveRecord) -> None:
        """Leave it to be written. An older leg of a call that this process holds anew is passed over."""
        kept = self._of(facts)
        if kept is None:
            return
        if isinstance(what, a.SaveTurn):
            kept.turns.append(_line(what.turn))
            kept.unwritten = min(kept.unwritten + 1, TURNS_MAX)
        else:
            kept.changed |= what.fields
            if "handle" in what.fields:
                kept.changed["handle_at"] = str(self._now_ms())
                # What was ordered after this is unknown to the session that the handle brings back.
                kept.changed["handle_cart"] = {**kept.fields, **kept.changed}.get("cart_version", "0")
        self._touch(facts.call_id)

    def close(self, facts: CallFacts) -> None:
        """The leg has ended. What is still to be written will be; its record stays for who goes on with the call."""
        kept = self._kept.get(facts.call_id)
        if kept is not None and kept.facts.leg_epoch == facts.leg_epoch:
            kept.is_over = True
            self._touch(facts.call_id)

    def look_again(self) -> None:
        """Redis may have lost what it had: what it lacks of the live calls is written once more."""
        for call_id in self._kept:
            self._touch(call_id)

    async def run(self) -> None:
        """Write until :meth:`finish`; to be supervised."""
        while not self._is_finishing:
            await self._wake.wait()
            self._wake.clear()
            is_written = await self._write_dirty()
            if not self._is_finishing:
                await asyncio.sleep(PAUSE_S if is_written else RETRY_S)
            if self._dirty:
                self._wake.set()

    async def finish(self) -> None:
        """Write what is left, for :data:`FINISH_S` at most, and end :meth:`run`."""
        self._is_finishing = True
        self._wake.set()
        try:
            async with asyncio.timeout(FINISH_S):
                await self._write_dirty()
        except TimeoutError:
            _log.warning("record_not_written", why="finish")

    # -- what is kept --------------------------------------------------------------------------------------------

    def _of(self, facts: CallFacts) -> _Kept | None:
        kept = self._kept.get(facts.call_id)
        if kept is None and len(self._kept) >= CALLS_MAX:
            self._metrics.add("unexpected_error_total", where="record_calls_full")
            return None
        if kept is None or kept.facts.leg_epoch < facts.leg_epoch:
            own = {"bridge_id": facts.bridge_id, "leg_epoch": str(facts.leg_epoch), "opened_at": str(self._now_ms())}
            newer = _Kept(facts, own)
            if kept is not None:
                newer.turns, newer.unwritten = kept.turns, kept.unwritten
            kept = self._kept[facts.call_id] = newer
        return kept if kept.facts.leg_epoch == facts.leg_epoch and not kept.is_fenced else None

    def _touch(self, call_id: str) -> None:
        self._dirty[call_id] = None
        self._wake.set()

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    # -- writing -------------------------------------------------------------------------------------------------

    async def _write_dirty(self) -> bool:
        """Write all that is dirty. False when Redis did not take it; it is kept for the next time."""
        async with self._one_at_a_time:
            while batch := list(self._dirty)[:BATCH_MAX]:
                for call_id in batch:
                    del self._dirty[call_id]
                try:
                    await self._write(batch)
                except RedisError as error:
                    _log.warning("record_not_written", why=type(error).__name__)
                    self._dirty |= dict.fromkeys(batch)
                    return False
        return True

    async def _write(self, call_ids: Sequence[str]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._write_once(call_ids)
                return
            except WatchError:
                if attempt == ATTEMPTS:
                    raise

    async def _write_once(self, call_ids: Sequence[str]) -> None:
        pipe: Any  # redis-py types its pipelines as clients
        async with self._redis.pipeline(transaction=True) as pipe:
            keys = [streams.session_key(call_id) for call_id in call_ids]
            await pipe.watch(*keys)
            epochs = [await pipe.hget(key, "leg_epoch") for key in keys]
            pipe.multi()
            sent = []
            for call_id, epoch in zip(call_ids, epochs, strict=True):
                kept = self._kept.get(call_id)
                if kept is not None and not kept.is_fenced and self._owns(kept, epoch):
                    sent.append((kept, self._add(pipe, kept, None if epoch is None else int(epoch))))
            await pipe.execute()
        for kept, (changed, count) in sent:
            kept.fields |= changed
            kept.changed = {name: value for name, value in kept.changed.items() if changed.get(name) != value}
            kept.unwritten -= count
            kept.was_written = True
        for call_id in call_ids:
            self._forget_if_over(call_id)

    def _owns(self, kept: _Kept, epoch: str | None) -> bool:
        if epoch is not None and int(epoch) > kept.facts.leg_epoch:
            _log.warning("record_of_newer_leg", call_id=kept.facts.call_id, leg_epoch=kept.facts.leg_epoch)
            kept.is_fenced = True
        return not kept.is_fenced

    def _add(self, pipe: Any, kept: _Kept, epoch: int | None) -> tuple[dict[str, str], int]:
        """Put what is to be written into the transaction; what that is, and how many turns of it."""
        call_id = kept.facts.call_id
        key, turns_key = streams.session_key(call_id), streams.session_turns_key(call_id)
        is_whole = epoch is None or epoch < kept.facts.leg_epoch
        is_lost = epoch is None and kept.was_written
        changed, count = dict(kept.changed), len(kept.turns) if is_lost else kept.unwritten
        if is_whole:
            pipe.delete(key)  # what an older leg knew of its own model session says nothing of this one
        own = {name: kept.fields[name] for name in ("bridge_id", "leg_epoch")}
        fields = {**kept.fields, **changed} if is_whole else changed
        pipe.hset(key, mapping={**fields, **own, "at": str(self._now_ms())})
        pipe.expire(key, KEPT_S)
        if is_lost:
            pipe.delete(turns_key)
        if count:
            pipe.rpush(turns_key, *list(kept.turns)[-count:])
            pipe.ltrim(turns_key, -TURNS_MAX, -1)
        pipe.expire(turns_key, KEPT_S)
        return changed, kept.unwritten

    def _forget_if_over(self, call_id: str) -> None:
        kept = self._kept.get(call_id)
        if kept is not None and kept.is_over and (kept.is_fenced or not (kept.changed or kept.unwritten)):
            del self._kept[call_id]


def _line(turn: a.Turn) -> str:
    line: dict[str, object] = {"who": turn.who, "text": turn.pii_text, "at_ms": turn.at_ms}
    if turn.heard_ms is not None:
        line |= {"heard_ms": turn.heard_ms, "length_ms": turn.length_ms}
    return json.dumps(line, ensure_ascii=False)
