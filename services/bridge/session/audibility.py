"""Agent audio that nobody can hear: some turns of real models come at full length and near zero amplitude.

Quiet audio at the head of a turn is held back until something audible comes, so a turn without any is a turn in which
nothing was said. Within a turn a pause is let through up to a limit.
"""

from __future__ import annotations

from typing import Final

from services.bridge.session.facts import Limits

_BYTES_PER_SAMPLE: Final = 2


class Audibility:
    """Decides of each chunk of a turn what of it is played."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = b""
        self._quiet_ms = 0.0
        self._dropped = False
        self.heard = False
        """Whether this turn had anything that can be heard."""

    def pass_on(self, pcm: bytes, rate: int, *, is_audible: bool) -> bytes:
        """What is to be played now: S16LE mono of ``rate``, empty for audio that is held back or dropped."""
        if is_audible:
            head, self._held = self._held, b""
            self.heard, self._quiet_ms = True, 0.0
            return head + pcm if head else pcm
        self._quiet_ms += len(pcm) * 1000 / (_BYTES_PER_SAMPLE * rate)
        if self.heard:
            if self._quiet_ms <= self._limits.quiet_audio_ms:
                return pcm
            self._dropped = True
            return b""
        kept = self._limits.quiet_head_ms * rate // 1000 * _BYTES_PER_SAMPLE
        self._dropped = self._dropped or len(self._held) + len(pcm) > kept
        self._held = (self._held + pcm)[-kept:]
        return b""

    def on_turn_over(self) -> bool:
        """The turn is over; what is still held is nothing. True when audio was taken away as inaudible."""
        dropped, self._dropped = self._dropped, False
        self._held, self._quiet_ms, self.heard = b"", 0.0, False
        return dropped
