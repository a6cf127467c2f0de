"""Recordings of what happened in calls, so that a call can be gone through again: off unless it is asked for.

A recording is a file of JSON lines: a head with the call's facts and limits, then one line per input of the session,
with its time and a digest of what the session did about it. Sound is kept as its length only. Everything that was said,
and what functions were asked and answered, stands under ``pii_in``: such a file is personal data, and is treated so.
The newest :attr:`Recordings.calls_max` are kept, each for :data:`KEPT_S` at most.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from agiza.runtime.logs import get_logger
from services.bridge.session import CallFacts, Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.cues import NO_CUES, CueTimes

FORMAT: Final = 1
SUFFIX: Final = ".call.jsonl"
KEPT_S: Final = 24 * 3_600
BYTES_MAX: Final = 32 * 1024 * 1024
BUFFER_BYTES: Final = 64 * 1024
DIGEST_CHARS: Final = 12

_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recordings:
    """A folder with the recordings of the last calls."""

    folder: Path
    calls_max: int

    def begin(self, facts: CallFacts, limits: Limits, cue_times: CueTimes = NO_CUES) -> Recording | None:
        """A recording of this leg. None, with a word in the log, where it cannot be written."""
        name = f"{time.time_ns() // 1_000_000:014d}-{facts.call_id}-{facts.leg_epoch}{SUFFIX}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make_room()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            return Recording(os.open(self.folder / name, flags, 0o600), facts, limits, cue_times)
        except OSError as error:
            _log.error("recording_failed", why=type(error).__name__)
            return None

    def _make_room(self) -> None:
        """Drop what is too old or too many; the name begins with the time."""
        found = sorted(self.folder.glob(f"*{SUFFIX}"), reverse=True)
        too_old = f"{int((time.time() - KEPT_S) * 1000):014d}"
        for place, path in enumerate(found):
            if place >= self.calls_max - 1 or path.name < too_old:
                path.unlink(missing_ok=True)


class Recording:
    """One leg's file. Never raises: what cannot be written is not recorded any further."""

    def __init__(self, file: int, facts: CallFacts, limits: Limits, cue_times: CueTimes) -> None:
        self._file: int | None = file
        self._buffer = bytearray()
        self._written = 0
        lengths = {language: dict(times) for language, times in cue_times.items()}
        self._put({"format": FORMAT, "facts": asdict(facts), "limits": asdict(limits), "cue_times": lengths})

    def add(self, event: i.Input, now: int, actions: Sequence[a.Action]) -> None:
        """One input, when it came, and what the session wants done."""
        if self._file is not None:
            self._put(line_of(event, now, actions))

    def close(self) -> None:
        """The leg has ended."""
        self._flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _put(self, line: dict[str, Any]) -> None:
        self._buffer += _encode(line)
        self._buffer += b"\n"
        if len(self._buffer) >= BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._file is None:
            return
        try:
            os.write(self._file, self._buffer)
        except OSError as error:
            _log.error("recording_failed", why=type(error).__name__)
            self._written = BYTES_MAX
        self._written += len(self._buffer)
        self._buffer.clear()
        if self._written >= BYTES_MAX:
            os.close(self._file)
            self._file = None


def line_of(event: i.Input, now: int, actions: Sequence[a.Action]) -> dict[str, Any]:
    """The line of one input."""
    silent, sounds = _without_sound(event)
    line: dict[str, Any] = {"at": now, "in": type(event).__name__}
    if sounds:
        line["bytes"] = sounds
    if words := {name: value for name, value in msgspec.to_builtins(silent).items() if name not in sounds}:
        line["pii_in"] = words
    if actions:
        line["out"] = digest_of(actions)
    return line


def digest_of(actions: Sequence[a.Action]) -> str:
    """Equal for equal actions; of sound only the length counts."""
    plain = [(type(action).__name__, *_without_sound(action)) for action in actions]
    return hashlib.sha256(_encode(plain)).hexdigest()[:DIGEST_CHARS]


def _without_sound(what: Any) -> tuple[Any, dict[str, int]]:
    """An input or action with empty sound, and how long it was in bytes. Any: a dataclass of either kind."""
    sounds = {each.name: len(value) for each in fields(what) if isinstance(value := getattr(what, each.name), bytes)}
    return (replace(what, **dict.fromkeys(sounds, b"")) if sounds else what), sounds
