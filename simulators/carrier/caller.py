"""The person on the phone, apart from the line: hears one frame, says one frame, may hang up.

`Caller` is the whole interface. `SilentCaller` and `WavCaller` do not listen; `scripted.ScriptedCaller` does.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from .record import Party, TalkLine
from .sounds import FRAME_MS, LINE_RATE, SILENCE, FrameQueue, to_rate

WAV_BYTES_MAX = 64 * 1024 * 1024


class CallerError(ValueError):
    """The caller cannot make this call; the text is one line for a person."""


@dataclass(frozen=True, slots=True)
class Moment:
    """20 ms of the line as the caller hears it: whole frame of S16LE at `LINE_RATE`, who is connected, line time."""

    heard: bytes
    party: Party
    at_ms: int


class Caller(Protocol):
    async def prepare(self) -> None:
        """Do everything slow (load, synthesise) before the number is dialled; may be awaited more than once."""

    def tick(self, moment: Moment) -> bytes | None:
        """The caller's own next 20 ms (exactly one frame), or None to hang up. Called in line time, never blocks."""

    def talk(self) -> Sequence[TalkLine]:
        """What was said so far, as far as this caller's mind keeps it."""


class SilentCaller:
    """Says nothing and hangs up after `hang_up_after_ms` on the line."""

    def __init__(self, hang_up_after_ms: int = 60_000) -> None:
        self._hang_up_after_ms = hang_up_after_ms
        self._elapsed_ms = 0

    async def prepare(self) -> None:
        return None

    def tick(self, moment: Moment) -> bytes | None:
        self._elapsed_ms += FRAME_MS
        return None if self._elapsed_ms > self._hang_up_after_ms else SILENCE

    def talk(self) -> Sequence[TalkLine]:
        return ()


class WavCaller:
    """Plays a recording into the call from the moment an agent or a person is connected.

    After the recording it stays silent and hangs up `stay_ms` later. Any width of 8, 16, 24 or 32 bit, any rate,
    any number of channels (mixed down); a file that is none of these raises `CallerError`.
    """

    def __init__(self, path: Path, *, stay_ms: int = 8_000) -> None:
        self._path = path
        self._stay_ms = stay_ms
        self._sound: FrameQueue | None = None
        self._after_ms = 0

    async def prepare(self) -> None:
        if self._sound is None:
            self._sound = FrameQueue(await asyncio.to_thread(read_wav, self._path))

    def tick(self, moment: Moment) -> bytes | None:
        assert self._sound is not None, "prepare() comes first"
        if moment.party in ("agent", "staff") and self._sound:
            return self._sound.take()
        if not self._sound:
            self._after_ms += FRAME_MS
        return None if self._after_ms > self._stay_ms else SILENCE

    def talk(self) -> Sequence[TalkLine]:
        return ()


def read_wav(path: Path) -> bytes:
    """A WAV file as line sound: S16LE mono at `LINE_RATE`."""
    try:
        if path.stat().st_size > WAV_BYTES_MAX:
            raise CallerError(f"{path} is larger than {WAV_BYTES_MAX // 1024 // 1024} MiB")
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except OSError as error:
        raise CallerError(f"cannot read {path}: {error.strerror}") from None
    except (wave.Error, EOFError) as error:
        raise CallerError(f"{path} is not a PCM WAV file: {str(error) or 'it is cut short'}") from None
    if not 4_000 <= rate <= 192_000 or not 1 <= channels <= 16 or width not in (1, 2, 3, 4):
        raise CallerError(f"{path} has {channels} channels of {8 * width} bit at {rate} Hz, which is not usable")
    raw = raw[: len(raw) // (channels * width) * channels * width]
    if not raw:
        raise CallerError(f"{path} holds no sound")
    mono = _sixteen_bit(raw, width).reshape(-1, channels).mean(axis=1)
    return to_rate(mono.astype("<i2").tobytes(), rate, LINE_RATE)


def _sixteen_bit(raw: bytes, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    if width == 1:  # the only unsigned width
        return (np.frombuffer(raw, dtype=np.uint8).astype(np.float64) - 128) * 256
    if width == 3:
        triples = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 3)
        return np.frombuffer(triples[:, 1:].tobytes(), dtype="<i2").astype(np.float64)
    if width == 4:
        return np.frombuffer(raw, dtype="<i4").astype(np.float64) / 65536
    return np.frombuffer(raw, dtype="<i2").astype(np.float64)
