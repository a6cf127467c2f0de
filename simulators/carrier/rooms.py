"""Conference rooms: legs that hear each other, each in its own line time.

A frame that one leg says is queued for every other; the hearer mixes what is due. Two lines never tick in step, so a
queue starts with a little ahead and is cut when it grows too long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np

from .record import Meeting, Party, RoomRecord
from .sounds import FRAME_BYTES, FRAME_MS, SILENCE, FrameQueue, is_sound

AHEAD_FRAMES = 2
QUEUED_FRAMES_MAX = 10


class Seat:
    """One leg in a room; a `Route` for its line."""

    def __init__(self, room: Room, number: str, kind: Party, record: RoomRecord, now_ms: Callable[[], int]) -> None:
        self._room = room
        self.number = number
        self.kind = kind
        self.record = record
        self._now_ms = now_ms
        self._from: dict[Seat, _Ear] = {}
        self.closed = asyncio.Event()

    @property
    def party(self) -> Party:
        """Who can be heard: a customer before staff, nobody while alone or before the room has started."""
        kinds = {seat.kind for seat in self._from} if self._room.is_started else set()
        return "customer" if "customer" in kinds else "staff" if kinds else "nobody"

    def hear(self) -> bytes:
        frames = [ear.take() for ear in self._from.values()]
        if len(frames) == 1:
            return frames[0]
        return mixed(frames) if frames else SILENCE

    def say(self, frame: bytes) -> None:
        if self._room.is_started:
            for other in self._room.seats:
                if other is not self:
                    other._from[self].add(frame)

    def meet(self, other: Seat) -> None:
        meeting = Meeting(other.number, self._now_ms())
        self.record.met.append(meeting)
        self._from[other] = _Ear(meeting)

    def part(self, other: Seat) -> None:
        ear = self._from.pop(other, None)
        if ear is not None:
            ear.meeting.until_ms = self._now_ms()

    def leave(self, *, ends: bool) -> None:
        """Out of the room; `ends` closes it for all others. Harmless when repeated."""
        self._room.leave(self)
        self.record.left_ms = self.record.left_ms or self._now_ms()
        if ends:
            self._room.close()


class Room:
    def __init__(self, name: str) -> None:
        self.name = name
        self.seats: list[Seat] = []
        self.is_started = False

    def enter(
        self, number: str, kind: Party, record: RoomRecord, now_ms: Callable[[], int], *, starts: bool = True
    ) -> Seat:
        seat = Seat(self, number, kind, record, now_ms)
        for other in self.seats:
            other.meet(seat)
            seat.meet(other)
        self.seats.append(seat)
        self.is_started = self.is_started or starts
        return seat

    def leave(self, seat: Seat) -> None:
        if seat in self.seats:
            self.seats.remove(seat)
            for other in self.seats:
                other.part(seat)
                seat.part(other)

    def close(self) -> None:
        for seat in list(self.seats):
            seat.closed.set()
            seat.leave(ends=False)


class Rooms:
    """The rooms of one carrier, by name. A room is forgotten when the last one has left."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}

    def named(self, name: str) -> Room:
        for empty in [known for known, room in self._rooms.items() if not room.seats]:
            del self._rooms[empty]
        return self._rooms.setdefault(name, Room(name))


class _Ear:
    """What one seat still has to hear from one other."""

    def __init__(self, meeting: Meeting) -> None:
        self.meeting = meeting
        self._queue = FrameQueue()
        self._is_flowing = False

    def add(self, frame: bytes) -> None:
        if len(self._queue) >= QUEUED_FRAMES_MAX * FRAME_BYTES:
            self._queue.take()
        self._queue.add(frame)

    def take(self) -> bytes:
        self._is_flowing = len(self._queue) >= (FRAME_BYTES if self._is_flowing else AHEAD_FRAMES * FRAME_BYTES)
        if not self._is_flowing:
            return SILENCE
        frame = self._queue.take()
        if is_sound(frame):
            self.meeting.heard_ms += FRAME_MS
        return frame


def mixed(frames: list[bytes]) -> bytes:
    """The sum of frames of equal length, clipped."""
    total = np.sum([np.frombuffer(frame, dtype="<i2") for frame in frames], axis=0, dtype=np.int32)
    return bytes(np.clip(total, -32768, 32767).astype("<i2").tobytes())
