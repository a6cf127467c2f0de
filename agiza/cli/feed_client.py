"""A branch's feed as an integrator reaches it: over HTTP, with a key. Waits when told to, gives up after a while.

async with FeedClient.open(url, key, "westlands") as feed:
    async for event in feed.pull(after=0, last=100): ...
    async for event in feed.follow(after=100): ...
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final

import httpx
from httpx_sse import SSEError, aconnect_sse

from agiza.cli.errors import CliError
from agiza.cli.site import is_loopback

TRIES: Final = 6
PAUSE_MAX_S: Final = 15.0
SILENCE_S: Final = 45.0
"""Three comments of the stream that did not come: the line is dead."""
PAGE: Final = 200
_AGAIN: Final = (429, 500, 502, 503, 504)


class FeedRefused(CliError):
    """The API said no: its stable code and members, and a line for a person."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        code = problem.get("code", "")
        detail, remedy = problem.get("detail", "no problem document"), problem.get("remedy", "look at --url")
        super().__init__(f"{status} {code}: {detail}; {remedy}")
        self.status = status
        self.code = str(code)
        self.problem = problem


class FeedClient:
    """One branch."""

    def __init__(self, client: httpx.AsyncClient, branch: str) -> None:
        self._client = client
        self._path = f"/v1/branches/{branch}/events"

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, url: str, key: str, branch: str) -> AsyncIterator[FeedClient]:
        """A client for the length of the block. Raises :class:`CliError` for what is no URL."""
        if not url.startswith(("http://", "https://")):
            raise CliError(f"--url {url!r} is no address: write it as https://orders.example.com")
        async with httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(30, read=SILENCE_S),
            trust_env=not is_loopback(url),
        ) as client:
            yield cls(client, branch)

    async def pull(self, *, after: int, last: int) -> AsyncIterator[dict[str, Any]]:
        """The events behind ``after`` up to number ``last``, or as far as there are any."""
        while after < last:
            page = await self._get(self._path, after=after, limit=min(PAGE, last - after))
            for event in page["events"]:
                yield event
            if not page["events"]:
                return
            after = int(page["events"][-1]["sequence"])

    async def digest(self, *, first: int, last: int | None, seed: str | None = None) -> dict[str, Any]:
        """The endpoint's answer for a range, or the beginning of a long one."""
        asked: dict[str, Any] = {"from": first, "to": last, "seed": seed}
        return await self._get(f"{self._path}/digest", **{name: it for name, it in asked.items() if it is not None})

    async def follow(self, *, after: int) -> AsyncGenerator[dict[str, Any], None]:
        """The events behind ``after`` and then each new one, for as long as it is asked for more.

        A line that is lost is made again from the last number, whatever the reason. Raises :class:`FeedRefused` when
        that is refused for good, or what follows is forgotten.
        """
        failures = 0
        while True:
            try:
                async with aconnect_sse(
                    self._client, "GET", f"{self._path}/stream", headers={"Last-Event-ID": str(after)}
                ) as source:
                    if source.response.status_code != 200:
                        await source.response.aread()
                        raise refused(source.response)
                    async for event in source.aiter_sse():
                        if event.event in ("gap", "end"):
                            raise FeedRefused(410 if event.event == "gap" else 401, json.loads(event.data))
                        if not event.data or int(event.id) <= after:
                            continue
                        if int(event.id) != after + 1:
                            raise CliError(f"after number {after} came {event.id}: the stream has a hole; tell us")
                        failures = 0
                        after += 1
                        yield json.loads(event.data)
            except FeedRefused as error:
                if error.status not in _AGAIN:
                    raise
            except (httpx.HTTPError, SSEError):
                pass
            failures += 1
            await asyncio.sleep(random.uniform(0, min(PAUSE_MAX_S, 0.1 * 2 ** min(failures, 10))))

    async def _get(self, path: str, **params: Any) -> dict[str, Any]:
        for attempt in range(1, TRIES + 1):
            pause = min(PAUSE_MAX_S, 0.2 * 2**attempt)
            try:
                answer = await self._client.get(path, params=params)
            except httpx.HTTPError as error:
                if attempt == TRIES:
                    raise CliError(f"the orders API does not answer ({type(error).__name__}): look at --url") from None
            else:
                if answer.status_code == 200:
                    found: dict[str, Any] = answer.json()
                    return found
                if answer.status_code not in _AGAIN or attempt == TRIES:
                    raise refused(answer)
                with contextlib.suppress(ValueError):
                    pause = min(PAUSE_MAX_S, float(answer.headers.get("retry-after", "")))
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def refused(answer: httpx.Response) -> FeedRefused:
    """What the answer says, if it is a problem of ours."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    return FeedRefused(answer.status_code, problem if isinstance(problem, dict) else {})
