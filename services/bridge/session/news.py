"""Results that no function call waits for any more, and word of a hand-over.

They came after their call had to be answered with "not confirmed yet", or for a model session that is gone, or for a
call that the model took back although it was carried out. They are told to the model as a text, which makes it speak:
only at a quiet moment, since such a text cuts off what the model is saying.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.bridge.session.inputs import ToolResult
from services.bridge.session.playback import Playback


@dataclass(frozen=True, slots=True)
class _Item:
    result: ToolResult
    cart_version: int | None
    unless_known: bool


class News:
    """Late results, until they are told."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._items: list[_Item] = []

    def add(
        self, results: tuple[ToolResult, ...], cart_version: int | None = None, *, unless_known: bool = False
    ) -> None:
        """Results to tell. ``unless_known``: not when the model has been told this cart or a newer one meanwhile."""
        self._items += [_Item(result, cart_version, unless_known) for result in results]

    def drop(self, function: str) -> None:
        """What was to be told of this function does not matter any more."""
        self._items = [item for item in self._items if item.result.name != function]

    def is_waiting(self) -> bool:
        """Something is to be told."""
        return bool(self._items)

    def take(
        self, now: int, turn_open: bool, cart_version_told: int | None
    ) -> tuple[tuple[ToolResult, ...], int | None]:
        """What is to be told now, with the newest cart version in it; nothing when the moment is not quiet."""
        if not self._items or turn_open or self._playback.is_playing(now):
            return (), None
        items = [item for item in self._items if not (item.unless_known and _is_known(item, cart_version_told))]
        self._items.clear()
        versions = [item.cart_version for item in items if item.cart_version is not None]
        return tuple(item.result for item in items), max(versions, default=None)

    def next_due(self, turn_open: bool) -> int | None:
        """When playing ends, while something waits for that. An open turn ends by itself."""
        if not self._items or turn_open:
            return None
        return int(self._playback.ends_at) + 1


def _is_known(item: _Item, told: int | None) -> bool:
    return item.cart_version is not None and told is not None and told >= item.cart_version
