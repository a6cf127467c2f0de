"""Results that came after their call had to be answered with "not confirmed yet", and word of a hand-over that no
call waits for.

Their ids are spent, so they are told to the model as a text, which makes it speak: only at a quiet moment, since
such a text cuts off what the model is saying.
"""

from __future__ import annotations

import json

from services.bridge.session.inputs import ToolResult
from services.bridge.session.playback import Playback


class News:
    """Late results, until they are told."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._late: list[ToolResult] = []

    def add(self, results: tuple[ToolResult, ...]) -> None:
        """Results to tell."""
        self._late += results

    def drop(self, function: str) -> None:
        """What was to be told of this function does not matter any more."""
        self._late = [result for result in self._late if result.name != function]

    def take(self, now: int, turn_open: bool) -> str | None:
        """The text for the model, if there is something to tell and the moment is quiet."""
        if not self._late or turn_open or self._playback.is_playing(now):
            return None
        told = [{"function": result.name, "result": dict(result.response)} for result in self._late]
        self._late.clear()
        return f"[These functions have an answer now; tell the caller: {json.dumps(told, ensure_ascii=False)}]"

    def next_due(self, turn_open: bool) -> int | None:
        """When playing ends, while something waits for that. An open turn ends by itself."""
        if not self._late or turn_open:
            return None
        return int(self._playback.ends_at) + 1
