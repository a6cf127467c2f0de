"""How the caller's sound is cut into binary messages: one 20 ms frame each, or with the module's habits by switch.

Pure: a frame in, the messages that leave now out. Nothing but the order of bytes matters to a correct receiver, so
the messages of every shape carry the same bytes (except `brace_first_byte`, which alters one sample per frame).
"""

from __future__ import annotations

from .settings import MediaOptions


class FrameShaper:
    def __init__(self, options: MediaOptions) -> None:
        self._options = options
        self._count = 0
        self._waiting = b""

    def feed(self, frame: bytes) -> list[bytes]:
        """The messages to send for this frame; none while frames are being collected or stalled."""
        options = self._options
        self._count += 1
        if options.brace_first_byte:
            frame = b"{" + frame[1:]
        if options.short_first_frame and self._count == 1:
            frame = frame[: len(frame) // 4 * 2]
        self._waiting += frame
        if self._stalled():
            return []
        if self._count % max(1, options.coalesce_frames):
            return []
        messages = [self._waiting]
        self._waiting = b""
        if options.odd_pair and len(messages[0]) >= 2:
            middle = len(messages[0]) // 2 | 1
            messages = [messages[0][:middle], messages[0][middle:]]
        if options.empty_frame_every and self._count % options.empty_frame_every == 0:
            messages.append(b"")
        return messages

    def _stalled(self) -> bool:
        start = self._options.stall_at_frame
        return start is not None and start <= self._count < start + self._options.stall_frames
