"""Frames of RFC 6455 by hand: what is the rule is cut out of the bytes, the rest is handed on whole.

Nothing of sockets in here, so that it can be compiled, and be read beside the library's own reading of the same bytes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import Final

try:
    from websockets.speedups import apply_mask
except ImportError:  # no wheel for this machine
    from websockets.utils import apply_mask

TEXT: Final = 0x81
BINARY: Final = 0x82
"""First byte of a frame: a whole message."""
MASKED: Final = 0x80
"""The bit of a frame's second byte."""

MASKS_AT_ONCE: Final = 1024
_FIRST_BYTES: Final = frozenset({0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A})
"""Known opcodes without reserved bits; control frames whole."""
_CONTROL_BYTES_MAX: Final = 125


class FrameReader:
    """Reads one direction of a connection, from a border between two frames on.

    ``take(payload, False)`` gets each whole binary message that came in one frame, masked as it must be (``mask_bit``:
    :data:`MASKED` or 0) and within ``size_max`` bytes. ``other(frames)`` gets all else in its order, always whole
    frames; it returns how many bytes of a message in fragments are there by now (None between two messages). The
    first frame that is wrong ends this: it and every byte after it go to ``other`` as they come.
    """

    def __init__(
        self, mask_bit: int, size_max: int, *, take: Callable[[bytes, bool], None], other: Callable[[bytes], int | None]
    ) -> None:
        self._mask_bit = mask_bit
        self._size_max = size_max
        self.take = take
        """May be set anew; the second argument says that it is not text."""
        self._other = other
        self._held = bytearray()
        """The beginning of a frame whose end has not come."""
        self._underway: int | None = None
        self.is_over = False
        """True when ``other`` sees every byte. May be set from outside, between two frames."""

    @property
    def held_bytes(self) -> int:
        """What has come of a frame that is not whole."""
        return len(self._held)

    def feed(self, data: bytes) -> None:
        """What came of the connection, cut anywhere."""
        if self.is_over:
            self._other(data)
        elif self._held:
            self._held += data
            consumed = self._cut(bytes(self._held))
            del self._held[:consumed]
        else:
            consumed = self._cut(data)
            if consumed < len(data):
                self._held += data[consumed:]

    def _cut(self, data: bytes) -> int:
        """Hand over all whole frames; how many bytes that were."""
        at, size, mask_bit = 0, len(data), self._mask_bit
        while size - at >= 2:
            first, second = data[at], data[at + 1]
            length = second & 0x7F
            if (
                first not in _FIRST_BYTES
                or second & MASKED != mask_bit
                or (first & 0x08 and length > _CONTROL_BYTES_MAX)
            ):
                return self._give_up(data, at)
            start = at + 2
            if length >= 126:
                start = at + (4 if length == 126 else 10)
                if size < start:
                    break
                length = int.from_bytes(data[at + 2 : start], "big")
            underway = self._underway
            if length > self._size_max - (underway or 0):
                return self._give_up(data, at)
            mask_at = start
            if mask_bit:
                start += 4
            end = start + length
            if size < end:
                break
            if first == BINARY and underway is None:
                payload = data[start:end]
                self.take(apply_mask(payload, data[mask_at:start]) if mask_bit else payload, False)
            else:
                self._underway = self._other(data[at:end])
                if self.is_over:
                    return self._give_up(data, end)
            at = end
        return at

    def _give_up(self, data: bytes, at: int) -> int:
        self.is_over = True
        if at < len(data):
            self._other(data[at:])
        return len(data)


def frame(payload: bytes, first_byte: int) -> bytes:
    """A message in one frame, as a server sends it."""
    return _head(first_byte, len(payload), 0) + payload


def masked_frame(payload: bytes, first_byte: int) -> bytes:
    """A message in one frame, as a client sends it."""
    mask = _MASKS.next()
    return _head(first_byte, len(payload), MASKED) + mask + apply_mask(payload, mask)


def _head(first_byte: int, length: int, masked: int) -> bytes:
    if length < 126:
        return bytes((first_byte, masked | length))
    if length < 1 << 16:
        return struct.pack("!BBH", first_byte, masked | 126, length)
    return struct.pack("!BBQ", first_byte, masked | 127, length)


class _Masks:
    """Unpredictable masks, as RFC 6455 5.3 asks for them, fetched from the system by the thousand."""

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def next(self) -> bytes:
        """Four bytes, each time other ones."""
        if self._at == len(self._pool):
            self._pool, self._at = os.urandom(4 * MASKS_AT_ONCE), 0
        self._at += 4
        return self._pool[self._at - 4 : self._at]


_MASKS: Final = _Masks()
