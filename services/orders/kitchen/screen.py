"""One screen that follows its branch: a queue of what it is still to be sent, and its end.

What a screen is sent is made once for all screens of the branch. A screen that does not take it in time is cut off: it
comes back by itself and reads the board again, which is less than what it would have to catch up with.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi.sse import format_sse_event

QUEUE_MAX: Final = 500
"""Messages that a screen may be behind."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message in the form of the event stream; ``sequence`` is 0 for what has no number."""

    body: bytes
    sequence: int = 0


def frame(name: str, told: Mapping[str, Any], sequence: int = 0) -> Frame:
    """The message ``name`` with this content, as JSON in one line."""
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return Frame(format_sse_event(data_str=text, event=name, id=str(sequence) if sequence else None), sequence)


class Screen:
    """Takes frames at any time, and gives them in order. ``over`` is set when nothing more will come."""

    def __init__(self, branch_id: str) -> None:
        self.branch_id = branch_id
        self.over = asyncio.Event()
        self.is_cut_off = False
        self._queue: asyncio.Queue[Frame] = asyncio.Queue(QUEUE_MAX)

    def offer(self, told: Frame) -> bool:
        """Put it into the queue. False, and the end, when the screen is too far behind."""
        try:
            self._queue.put_nowait(told)
        except asyncio.QueueFull:
            self.is_cut_off = True
            self.over.set()
            return False
        return True

    async def next(self) -> Frame:
        """The next one, as soon as there is one."""
        return await self._queue.get()
