"""One reader's Server-Sent Events: a branch's feed from a number on, without a hole, for as long as both sides like.

    return FeedStream(door, door.place(key_id, branch_id), after=17, is_allowed=still_holds)

On the wire: ``id`` is the sequence (a client that comes again sends it as ``Last-Event-ID``), ``event`` the type,
``data`` the event as in every form. A comment each 15 s shows that the line stands. The stream ends by an event without
an id, ``gap`` when what follows is forgotten and ``end`` when the key is no longer good, or without a word: come again.

The stream reads by cursor and holds one page. A client that takes nothing for ``send_s`` is cut off; it has lost
nothing. No database connection is held while it waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, Literal

from fastapi.sse import format_sse_event
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agiza.runtime.http import abort
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE
from agiza.runtime.tasks import end
from services.orders.feed.door import PAGE, FeedDoor, Place
from services.orders.feed.reading import FeedItem, without_hole

CHUNK_BYTES: Final = 16 * 1024
PAUSE_S: Final = 1.0
HEARTBEAT: Final = b":\n"
"""No empty line after it: a widely used client would take that for the end of an event."""
MEDIA_TYPE: Final = "text/event-stream"

IsAllowed = Callable[[], Awaitable[bool]]
Ending = Literal["gone", "slow", "gap", "key", "stopping", "database"]

_log = get_logger(__name__)


class FeedStream(Response):
    """The answer that goes on."""

    media_type = MEDIA_TYPE

    def __init__(self, door: FeedDoor, place: Place, *, after: int, is_allowed: IsAllowed) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._door = door
        self._place = place
        self._after = after
        self._is_allowed = is_allowed
        self._is_gone = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        with self._place as place, self._door.bell.listen(place.branch_id) as rung:
            place.woken = rung
            watch = asyncio.create_task(self._until_gone(receive, rung), name="feed stream watch")
            try:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                ending = await self._serve(_limited(send, self._door.limits.send_s), rung)
                if ending == "slow":
                    abort(scope)  # no end that would look like one
                    await watch
                elif ending != "gone":
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                await end([watch])
        if ending != "gone":
            self._door.metrics.add("feed_streams_cut_total", branch=place.branch_id, reason=ending)
        _log.debug("feed_stream_ended", branch_id=place.branch_id, reason=ending, sequence=self._after)

    async def _serve(self, send: Callable[[bytes], Awaitable[None]], rung: asyncio.Event) -> Ending:
        try:
            await send(b": agiza feed\n")
            async for chunk in self._chunks(rung):
                await send(chunk)
        except TimeoutError:
            return "slow"
        except _Ended as ended:
            if ended.last is not None:
                with contextlib.suppress(TimeoutError):
                    await send(ended.last)
            return ended.ending
        except OSError:
            return "gone"
        return "gone"

    async def _chunks(self, rung: asyncio.Event) -> AsyncIterator[bytes]:
        """What is to be sent, until :class:`_Ended`."""
        loop, limits = asyncio.get_running_loop(), self._door.limits
        beat_due, key_due = loop.time() + limits.heartbeat_s, loop.time() + limits.key_check_s
        away_since: float | None = None
        while True:
            if self._is_gone or self._door.is_closing:
                raise _Ended("gone" if self._is_gone else "stopping")
            rung.clear()
            items: Sequence[FeedItem] = ()
            try:
                if loop.time() >= key_due:
                    if not await self._is_allowed():
                        raise _Ended("key", _word("end", code="not-authenticated", detail="the key is no longer good"))
                    key_due = loop.time() + limits.key_check_s
                items = await self._door.page(self._place.branch_id, after=self._after)
                away_since = None
            except UNAVAILABLE:
                away_since = away_since or loop.time()
                if loop.time() - away_since >= limits.away_s:
                    raise _Ended("database") from None
            whole = without_hole(items, self._after)
            for chunk, last in _wire(whole):
                yield chunk
                self._after = last
                beat_due = loop.time() + limits.heartbeat_s
            self._door.metrics.add("feed_events_sent_total", len(whole), branch=self._place.branch_id, form="sse")
            if len(whole) < len(items):
                raise _Ended("gap", self._gap(items[len(whole)].sequence))
            if loop.time() >= beat_due:
                yield HEARTBEAT
                beat_due = loop.time() + limits.heartbeat_s
            if len(items) < PAGE:
                until = min(beat_due, key_due) if away_since is None else loop.time() + PAUSE_S
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), max(0.0, until - loop.time()))

    def _gap(self, oldest: int) -> bytes:
        return _word(
            "gap",
            code="events-forgotten",
            detail=f"what follows {self._after} is older than what is kept",
            oldest=oldest,
        )

    async def _until_gone(self, receive: Receive, rung: asyncio.Event) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True
        rung.set()


class _Ended(Exception):
    def __init__(self, ending: Ending, last: bytes | None = None) -> None:
        super().__init__(ending)
        self.ending: Ending = ending
        self.last = last


def _limited(send: Send, seconds: float) -> Callable[[bytes], Awaitable[None]]:
    async def limited(chunk: bytes) -> None:
        """Raises TimeoutError when the client does not make room for it."""
        await asyncio.wait_for(send({"type": "http.response.body", "body": chunk, "more_body": True}), seconds)

    return limited


def _wire(items: Sequence[FeedItem]) -> list[tuple[bytes, int]]:
    """The events on the wire in chunks of about :data:`CHUNK_BYTES`, each with the last number in it."""
    chunks: list[tuple[bytes, int]] = []
    waiting: list[bytes] = []
    for item in items:
        waiting.append(format_sse_event(data_str=item.body.decode(), event=item.type, id=str(item.sequence)))
        if sum(map(len, waiting)) >= CHUNK_BYTES:
            chunks.append((b"".join(waiting), item.sequence))
            waiting = []
    if waiting:
        chunks.append((b"".join(waiting), items[-1].sequence))
    return chunks


def _word(event: str, **members: object) -> bytes:
    """A last word of ours. Without an id: it must not become anybody's place."""
    return format_sse_event(event=event, data_str=json.dumps(members, separators=(",", ":")))
