"""Recordings of one call: what the caller heard, what the bridge was sent, what each staff phone heard."""

from __future__ import annotations

import wave
from pathlib import Path

from .record import CallRecord, HeardSegment, Party
from .sounds import FRAME_MS, LINE_RATE, is_sound

# Shorter pauses belong to one stretch of sound: a segment is an utterance, not a syllable.
PAUSE_MS = 200


class Track:
    """One mono WAV file that grows; without a path it only counts."""

    def __init__(self, path: Path | None, rate: int = LINE_RATE) -> None:
        self._file: wave.Wave_write | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = wave.open(str(path), "wb")  # noqa: SIM115 - stays open for the call, closed in close()
            self._file.setnchannels(1)
            self._file.setsampwidth(2)
            self._file.setframerate(rate)

    def write(self, pcm: bytes) -> None:
        if self._file is not None:
            self._file.writeframesraw(pcm)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class Recorder:
    """Writes the tracks of one call into `directory` (none: no files) and notes what was heard into the record."""

    def __init__(self, record: CallRecord, directory: Path | None) -> None:
        self._record = record
        self._directory = directory
        self._tracks: list[Track] = []
        self.caller_heard = self.track("caller-heard")
        self.caller_said = self.track("caller-said")

    def track(self, name: str, rate: int = LINE_RATE) -> Track:
        path = None
        if self._directory is not None:
            path = self._directory / f"{self._record.session_id}-{name}.wav"
            self._record.wavs[name] = path
        track = Track(path, rate)
        self._tracks.append(track)
        return track

    def line_tick(self, heard: bytes, said: bytes, party: Party, at_ms: int) -> None:
        """One frame of the caller's line; `at_ms` is the time at which the frame begins."""
        self.caller_heard.write(heard)
        self.caller_said.write(said)
        if not is_sound(heard):
            return
        last = self._record.heard[-1] if self._record.heard else None
        if last is not None and last.party == party and at_ms - last.end_ms <= PAUSE_MS:
            last.end_ms = at_ms + FRAME_MS
        else:
            self._record.heard.append(HeardSegment(party, at_ms, at_ms + FRAME_MS))

    def close(self) -> None:
        for track in self._tracks:
            track.close()
