"""Holds caller audio back for a moment while a blocking function runs.

New caller audio that reaches the model during a blocking call cancels it, so a "mhm" would undo a mutation.
"""

from __future__ import annotations


class CallerHold:
    """At most ``hold_ms`` of audio per call, then everything flows again until :meth:`begin`."""

    def __init__(self, hold_ms: int) -> None:
        self._hold_ms = hold_ms
        self._until: int | None = None
        self._kept: list[bytes] = []

    @property
    def until(self) -> int | None:
        """When the audio must be let go, or None while it flows."""
        return self._until

    def begin(self, now: int) -> None:
        """A blocking call began. One that begins during a hold does not lengthen it."""
        if self._until is None:
            self._until = now + self._hold_ms

    def pass_on(self, pcm: bytes) -> bytes:
        """What of this may go to the model now."""
        if self._until is None:
            return pcm
        self._kept.append(pcm)
        return b""

    def release(self) -> bytes:
        """End the hold; what was kept, oldest first."""
        kept = b"".join(self._kept)
        self._until = None
        self._kept.clear()
        return kept
