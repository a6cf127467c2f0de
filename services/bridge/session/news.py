"""Results that no function call waits for any more, word of a hand-over, and what became of an order.

They came after their call had to be answered with "not confirmed yet", or for a model session that is gone, or for a
call that the model took back although it was carried out. They are told to the model as a text, which makes it speak:
only at a quiet moment, since such a text cuts off what the model is saying. What nobody has asked for waits until the
caller has finished, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.bridge.session.inputs import ToolResult
from services.bridge.session.playback import Playback

PAUSE_MS: Final = 1_500
"""A caller who has said nothing for so long has finished, or the model has begun to answer them."""


@dataclass(frozen=True, slots=True)
class _Item:
    result: ToolResult
    cart_version: int | None
    unless_known: bool
    in_pause: bool = False
    must_be_heard: bool = False


class News:
    """Late results, until they are told."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._items: list[_Item] = []
        self._spoken_at: int | None = None

    def on_caller_speech(self, now: int) -> None:
        """The caller says something."""
        self._spoken_at = now

    def add(
        self, results: tuple[ToolResult, ...], cart_version: int | None = None, *, unless_known: bool = False
    ) -> None:
        """Results to tell. ``unless_known``: not when the model has been told this cart or a newer one meanwhile."""
        self._items += [_Item(result, cart_version, unless_known) for result in results]

    def add_in_pause(self, result: ToolResult, *, must_be_heard: bool) -> None:
        """A result that nobody has asked for, instead of an earlier one of the same id that was not told yet."""
        self._items = [item for item in self._items if item.result.id != result.id]
        self._items.append(_Item(result, None, False, in_pause=True, must_be_heard=must_be_heard))

    def drop(self, function: str) -> None:
        """What was to be told of this function does not matter any more."""
        self._items = [item for item in self._items if item.result.name != function]

    def must_be_heard(self) -> bool:
        """Something waits without which the caller must not be let go."""
        return any(item.must_be_heard for item in self._items)

    def is_waiting(self) -> bool:
        """Something is to be told."""
        return bool(self._items)

    def take(
        self, now: int, turn_open: bool, cart_version_told: int | None
    ) -> tuple[tuple[ToolResult, ...], int | None]:
        """What is to be told now, with the newest cart version in it; nothing when the moment is not quiet."""
        if not self._items or turn_open or self._playback.is_playing(now):
            return (), None
        pause_over = now >= self._pause_at()
        due = [item for item in self._items if pause_over or not item.in_pause]
        self._items = [item for item in self._items if item not in due]
        told = [item for item in due if not (item.unless_known and _is_known(item, cart_version_told))]
        versions = [item.cart_version for item in told if item.cart_version is not None]
        return tuple(item.result for item in told), max(versions, default=None)

    def next_due(self, turn_open: bool) -> int | None:
        """When playing ends, while something waits for that. An open turn ends by itself."""
        if not self._items or turn_open:
            return None
        played = int(self._playback.ends_at) + 1
        return max(played, self._pause_at()) if all(item.in_pause for item in self._items) else played

    def _pause_at(self) -> int:
        return 0 if self._spoken_at is None else self._spoken_at + PAUSE_MS


def _is_known(item: _Item, told: int | None) -> bool:
    return item.cart_version is not None and told is not None and told >= item.cart_version
