"""When the agent has finished: sound and silence of the line in, the moments that matter out. Pure, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

from .sounds import FRAME_MS

# A click is not speech: this much sound must have been heard before a silence counts as the end of a turn.
SPEECH_MS_MIN = 120


@dataclass(slots=True)
class TurnEar:
    """Hears one side of the line. `spoken_ms` is sound since `reset`, `quiet_ms` the silence after the last of it."""

    spoken_ms: int = 0
    quiet_ms: int = 0
    running_ms: int = 0

    def feed(self, is_sound: bool) -> None:
        if is_sound:
            self.spoken_ms += FRAME_MS
            self.running_ms += FRAME_MS
            self.quiet_ms = 0
        else:
            self.quiet_ms += FRAME_MS
            if self.quiet_ms >= 300:
                self.running_ms = 0

    def reset(self) -> None:
        """A new turn begins for the other side."""
        self.spoken_ms = 0
        self.quiet_ms = 0
        self.running_ms = 0

    def has_finished(self, pause_ms: int) -> bool:
        """Something was said, and then nothing for `pause_ms`."""
        return self.spoken_ms >= SPEECH_MS_MIN and self.quiet_ms >= pause_ms
