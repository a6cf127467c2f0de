"""What the caller has really heard of the agent, by the clock.

Audio is paced at real time, so what was queued is played one after the other without gaps; what the model sends
too late leaves a gap. Positions count milliseconds of agent audio since the start of the leg.
"""

from __future__ import annotations

BYTES_PER_SAMPLE = 2


class Playback:
    """The play clock of one leg. ``generation`` rises with each flush; older audio is dead."""

    def __init__(self) -> None:
        self.generation = 0
        self._queued_ms = 0.0
        self._ends_at = 0.0

    def queue(self, byte_count: int, rate: int, now: int) -> float:
        """Append S16LE mono audio of ``rate`` Hz; its length in milliseconds."""
        duration = byte_count * 1000 / (BYTES_PER_SAMPLE * rate)
        self._ends_at = max(self._ends_at, now) + duration
        self._queued_ms += duration
        return duration

    def flush(self, now: int) -> None:
        """Forget what is unplayed and begin the next generation."""
        self._queued_ms -= self._remaining(now)
        self._ends_at = float(now)
        self.generation += 1

    @property
    def queued_ms(self) -> float:
        """Position at which audio queued next will stand."""
        return self._queued_ms

    @property
    def ends_at(self) -> float:
        """When all that is queued will have been played."""
        return self._ends_at

    def played_ms(self, now: int) -> float:
        """Position of the sample that is heard now."""
        return self._queued_ms - self._remaining(now)

    def is_playing(self, now: int) -> bool:
        """True while anything queued is unplayed."""
        return self._remaining(now) > 0

    def _remaining(self, now: int) -> float:
        return max(0.0, self._ends_at - now)
