"""The digest of a range of a branch's feed: what a reader compares with the digest of what it holds.

    digest = await prove(door, "westlands", first=1, last=17, seed=NOTHING)

Read and hashed page by page, with the loop and the database free in between; one range at a time in each process.
"""

from __future__ import annotations

import asyncio
from typing import Final

from agiza.contracts.feed_digest import chain
from services.orders.feed.door import FeedDoor

EVENTS_MAX: Final = 10_000
"""Of one request: a longer range is gone on with from the digest of the part before."""


class Hole(Exception):
    """The event after ``after`` is forgotten."""

    retryable = False

    def __init__(self, after: int) -> None:
        super().__init__(f"nothing after {after}")
        self.after = after


async def prove(door: FeedDoor, branch_id: str, *, first: int, last: int, seed: bytes) -> bytes:
    """The end of the chain from ``seed`` over ``first`` to ``last``, which must be there. Raises :class:`Hole`."""
    end, done = seed, first - 1
    while done < last:
        items = [item for item in await door.page(branch_id, after=done) if item.sequence <= last]
        if not items or items[0].sequence != done + 1 or items[-1].sequence != done + len(items):
            raise Hole(done)
        end = chain(end, (item.body for item in items))
        done = items[-1].sequence
        await asyncio.sleep(0)
    return end
