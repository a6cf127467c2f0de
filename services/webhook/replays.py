"""Which signed requests have been answered already.

A signature is good for minutes, so whoever has seen a request could send it once more, also to another URL of ours.
What is signed is the body and its time: the same two are the same request. Without a signature nothing can be told
apart, since the carrier sends equal bodies for equal events.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from functools import partial
from typing import Any, Final

from redis.exceptions import RedisError

from agiza.carrier.signature import WINDOW_SECONDS
from agiza.contracts import streams
from agiza.runtime.redis_clients import Client
from services.webhook.outage import Watched
from services.webhook.side_notes import SideNotes

KEPT_S: Final = 2 * WINDOW_SECONDS
"""A signature may be made for a time that is as far ahead of our clock as it may lie behind."""
REMEMBERED_MAX: Final = 10_000

_STAMP: Final = re.compile(r"(?:^|,)\s*t=(\d{1,12})\s*(?:,|$)", re.ASCII)


def digest_of(body: bytes, header: str) -> str:
    """What stands for a request with a good signature, however the header is spelled."""
    stamp = _STAMP.search(header)
    return hashlib.sha256(body + b"." + (stamp[1] if stamp else "").encode()).hexdigest()


class Replays:
    """Remembers requests for all replicas; without Redis those of this process."""

    def __init__(self, redis: Client, watched: Watched, notes: SideNotes) -> None:
        self._redis = redis
        self._watched = watched
        self._notes = notes
        self._own: OrderedDict[str, None] = OrderedDict()

    async def is_known(self, digest: str) -> bool:
        """Whether this request has been answered."""
        if digest in self._own:
            return True
        if not self._watched.is_up:
            return False
        try:
            return bool(await self._redis.exists(streams.request_seen_key(digest)))
        except RedisError:
            self._watched.suspect()
            return False

    def answered(self, digest: str) -> None:
        """Remember it, after its answer only: one that was not answered is heard anew when it is sent again."""
        self._own[digest] = None
        while len(self._own) > REMEMBERED_MAX:
            self._own.popitem(last=False)
        self._notes.add(partial(_remember, streams.request_seen_key(digest)))


def _remember(key: str, pipe: Any) -> None:
    pipe.set(key, "1", ex=KEPT_S)
