"""Reading the branch's feed: to fill holes that webhooks left, or instead of webhooks, by pull or by SSE.

    await Fetcher(pos, client).run()

Whatever the way, a message is taken like any other: known by its id, kept in the same ledger. Where a reader goes on is
read from the ledger, so it needs no cursor that could be ahead of, or behind, what is really held.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Final

import httpx
from httpx_sse import SSEError, aconnect_sse

from .errors import Malformed
from .messages import canonical, message_of
from .pos import Pos

log = logging.getLogger("pos")

PAGE: Final = 100
FORGOTTEN: Final = 410


class Fetcher:
    """One reader of all branches of the POS (of one branch by SSE)."""

    def __init__(self, pos: Pos, client: httpx.AsyncClient) -> None:
        self._pos = pos
        self._client = client

    async def run(self) -> None:
        """Until cancelled."""
        match self._pos.settings.reading:
            case "sse":
                await self._follow()
            case "pull":
                await self._poll()
            case "webhooks":
                await self._mend()

    async def _mend(self) -> None:
        """Webhooks bring the events; this fetches what they did not bring."""
        pos, waits = self._pos, self._pos.settings.waits
        await self._tail()  # what was sent, and given up, while we were down
        while True:
            try:
                await asyncio.wait_for(pos.to_fetch.wait(), waits.poll_s)
            except TimeoutError:
                await self._tail()
                continue
            pos.to_fetch.clear()
            if any(pos.holds(branch).gaps() for branch in pos.branches()):
                await asyncio.sleep(waits.gap_s)  # deliveries overtake each other: most holes fill themselves
                if not await self._fill():
                    await asyncio.sleep(waits.retry_s)
                    pos.to_fetch.set()

    async def _poll(self) -> None:
        """No webhooks: ask again and again."""
        while True:
            await self._tail()
            await asyncio.sleep(self._pos.settings.waits.poll_s)

    async def _follow(self) -> None:
        """No webhooks: one long answer that goes on, opened again whenever it ends."""
        pos, failures = self._pos, 0
        branch = pos.settings.branch
        assert branch is not None, "settings: reading by SSE needs a branch"
        while True:
            try:
                failures = 0 if await self._read_stream(branch) else failures + 1
            except (httpx.HTTPError, SSEError, Malformed) as error:
                log.warning("stream ended: %s", type(error).__name__)
                failures += 1
            waits = pos.settings.waits
            await asyncio.sleep(min(waits.retry_s * 2 ** min(failures, 20), waits.retry_max_s))

    async def _read_stream(self, branch: str) -> bool:
        """Read until the stream ends; whether it brought anything. ``Last-Event-ID`` is what the ledger holds."""
        headers = {"last-event-id": str(self._pos.whole_to(branch))}
        limits = httpx.Timeout(self._pos.settings.waits.request_s, read=60.0)  # heartbeats come each 15 s
        brought = False
        url = f"/v1/branches/{branch}/events/stream"
        async with aconnect_sse(self._client, "GET", url, headers=headers, timeout=limits) as source:
            if source.response.status_code == FORGOTTEN:
                await source.response.aread()
                return self._skip(branch, self._pos.whole_to(branch), source.response) is not None
            source.response.raise_for_status()
            async for event in source.aiter_sse():
                if event.event == "gap":  # its last word: what follows our number is forgotten
                    return self._skip_to(branch, self._pos.whole_to(branch), _loaded(event.data)) is not None
                if event.event == "end":
                    return False
                if event.data:
                    self._take(_loaded(event.data), event.data.encode())
                    brought = True
        return brought

    async def _tail(self) -> None:
        """Everything behind what is held whole, of every branch: holes, and what is new."""
        pos = self._pos
        for branch in pos.branches():
            is_begun = bool(pos.whole_to(branch)) or pos.settings.first_number is not None
            if is_begun or pos.settings.reading != "webhooks":  # else the first webhook says where we begin
                await self._fetch(branch, pos.whole_to(branch), to=None)

    async def _fill(self) -> bool:
        """Fetch each hole. False: one could not be fetched now."""
        for branch in self._pos.branches():
            for gap in self._pos.holds(branch).gaps():
                if not await self._fetch(branch, gap.first - 1, to=gap.last):
                    return False
        return True

    async def _fetch(self, branch: str, after: int, *, to: int | None) -> bool:
        """Take the events behind ``after``, up to ``to`` or the newest. False: no answer that helps."""
        while to is None or after < to:
            limit = PAGE if to is None else min(PAGE, to - after)
            try:
                params = {"after": after, "limit": limit}
                answer = await self._client.get(f"/v1/branches/{branch}/events", params=params)
                if answer.status_code == FORGOTTEN:
                    oldest = self._skip(branch, after, answer)
                    if oldest is None:
                        return False
                    after = oldest - 1
                    continue
                answer.raise_for_status()
                events = _events(answer)
                for event in events:
                    after = self._take(event, canonical(event))
            except (httpx.HTTPError, Malformed) as error:
                log.warning("feed not read: %s", type(error).__name__)
                return False
            if len(events) < limit:
                return to is None or after >= to
        return True

    def _take(self, event: object, body: bytes) -> int:
        """Take one event of the feed; its number. Raises :class:`Malformed` for what the feed must never hold."""
        if not isinstance(event, dict) or not isinstance(event.get("id"), str):
            raise Malformed("an event of the feed has no id")
        message = message_of(event["id"], body)
        if message.sequence is None:
            raise Malformed("an event of the feed has no number")
        if message.sequence not in self._pos.holds(message.branch):
            self._pos.take(message, by_webhook=False)
        return message.sequence

    def _skip(self, branch: str, after: int, answer: httpx.Response) -> int | None:
        """The sender has forgotten what we ask for, and says from which number on it knows: never a silent hole. That
        number; None if it makes no sense."""
        return self._skip_to(branch, after, _json(answer))

    def _skip_to(self, branch: str, after: int, content: object) -> int | None:
        oldest = content.get("oldest") if isinstance(content, dict) else None
        if not isinstance(oldest, int) or oldest <= after + 1:
            return None
        log.error("numbers %s to %s are lost: the sender has forgotten them", after + 1, oldest - 1)
        self._pos.give_up(branch, after + 1, oldest - 1)
        return oldest


def _events(answer: httpx.Response) -> list[object]:
    content = _json(answer)
    events = content.get("events") if isinstance(content, dict) else None
    if not isinstance(events, list):
        raise Malformed("the feed's answer has no events")
    return events


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise Malformed("an event of the stream is not JSON") from None


def _json(answer: httpx.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        raise Malformed("the feed's answer is not JSON") from None
