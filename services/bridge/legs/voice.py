"""Hears whether the caller speaks. The cheap detector is always on: some 3 µs a frame, 0.15 ms of CPU a second.

It takes much for a voice: breath, cars, keys, the agent's own echo. Where that matters (the agent speaks, or a total
waits for its yes), :meth:`CallerVoice.look` looks closer: loud enough not to be the echo, and speech in the ear of
the better detector, which is asked once at the beginning of an utterance and about once a second after that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import webrtcvad

from services.bridge.legs.audio import BYTES_PER_MS, CARRIER_RATE
from services.bridge.legs.judge import WINDOW_MS, Judge
from services.bridge.legs.played import SILENT_DB, Played, level_db

FRAME_MS: Final = 20
_FRAME_BYTES: Final = FRAME_MS * BYTES_PER_MS
_AGGRESSIVENESS: Final = 2
_FLOOR: Final = 200
"""Peak below which a frame is line noise, -44 dBFS: the detector alone takes a faint hum for a voice."""

ECHO_DB: Final = 16.0
"""A caller's voice is less than this below the agent's loudest moment just now; an echo of -20 dB is more."""
ECHO_MS: Final = 400
"""So long after it was played the agent's audio may come back."""
ASK_AFTER_MS: Final = 80
ASK_AGAIN_MS: Final = 60
"""Between two questions to the better detector about the same sound."""
ASKS_MAX: Final = 4
"""Not speech so often: it is noise, and only what is louder by :data:`LOUDER_DB` is asked about."""
LOUDER_DB: Final = 6.0
FORGETS_DB_PER_S: Final = 1.0
PAUSE_MS: Final = 300
"""A longer pause ends an utterance."""
SURE_MS: Final = 1_000
"""So much voice is believed before the better detector is asked again."""
STEADY_MS: Final = 2_000
STEADY_SHARE: Final = 0.9
"""Speech pauses: what sounds like a voice for more of the last two seconds is a noise."""


class Closer(NamedTuple):
    """What looking closer found in the sound like a voice, in milliseconds of it.

    ``own_ms``: surely the caller's own voice; None when that cannot be known on this machine. The first time in an
    utterance it holds what had to be heard to be sure. ``answer_ms``: may count as the caller's answer: it is not the
    agent's echo, and not a noise that never pauses (a word over such a noise must be sure).
    """

    own_ms: int | None
    answer_ms: int


NOTHING: Final = Closer(0, 0)


class CallerVoice:
    """Counts voiced milliseconds in 16 kHz S16LE mono audio that is cut anywhere.

    Use: :meth:`feed` for each piece, and right after it :meth:`look` where that is wanted. Without a ``judge`` nothing
    is known of whose voice it is.
    """

    def __init__(self, judge: Judge | None = None, agent: Played | None = None) -> None:
        self._detector = webrtcvad.Vad(_AGGRESSIVENESS)
        self._rest = b""
        self._window: deque[bytes] = deque(maxlen=WINDOW_MS // FRAME_MS)
        self._lately = deque([False] * (STEADY_MS // FRAME_MS))
        self._voiced_lately = 0
        self._voiced: list[bytes] = []
        self._frames = 0
        self._agent = agent or Played()
        self._own = OwnVoice(judge) if judge is not None else None

    def feed(self, pcm: bytes) -> int:
        """Milliseconds of sound like a voice in the frames that are complete now."""
        pcm = self._rest + pcm if self._rest else pcm
        whole = len(pcm) - len(pcm) % _FRAME_BYTES
        self._rest = pcm[whole:]
        self._voiced = []
        for start in range(0, whole, _FRAME_BYTES):
            frame = pcm[start : start + _FRAME_BYTES]
            self._window.append(frame)
            # The detector hears every frame, quiet ones too: it adapts to the noise of the line.
            is_voiced = self._detector.is_speech(frame, CARRIER_RATE) and _peak(frame) >= _FLOOR
            if is_voiced:
                self._voiced.append(frame)
            self._lately.append(is_voiced)
            self._voiced_lately += is_voiced - self._lately.popleft()
        self._frames += whole // _FRAME_BYTES
        return len(self._voiced) * FRAME_MS

    def look(self, now: float) -> Closer:
        """Look closer at what :meth:`feed` has just counted. ``now``: the pacer's clock."""
        if not self._voiced:
            return NOTHING
        echo_db = self._agent.loudest_db(now - ECHO_MS, now) - ECHO_DB
        levels = [level for level in map(level_db, self._voiced) if level >= echo_db]
        loud_ms = len(levels) * FRAME_MS
        if self._own is None:
            return Closer(None, loud_ms)
        is_steady = self._voiced_lately > STEADY_SHARE * len(self._lately)
        if not is_steady and echo_db < SILENT_DB:  # over nothing, and it pauses as speech does
            return Closer(loud_ms, loud_ms)
        own_ms = self._own.take(levels, self._frames * FRAME_MS, self._window)
        return Closer(own_ms, own_ms if is_steady else loud_ms)


class OwnVoice:
    """Whether what sounds like a voice is one. Times are milliseconds of the caller's audio."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._noise_db = SILENT_DB
        self._noise_at = 0
        self._heard_at = 0
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._candidate_ms = 0
        self._ask_at_ms = ASK_AFTER_MS
        self._refusals = 0
        self._sure_ms = 0

    def take(self, levels_db: list[float], at: int, window: Iterable[bytes]) -> int:
        """Frames like a voice, by their levels, that ended at ``at``; ``window``: all audio just before. How much is
        surely speech."""
        noise_db = self._noise_db + LOUDER_DB - (at - self._noise_at) / 1000 * FORGETS_DB_PER_S
        levels_db = [level for level in levels_db if level >= noise_db]
        if not levels_db:
            return 0
        if at - self._heard_at > PAUSE_MS:
            self._begin_anew()
        self._heard_at = at
        ms = len(levels_db) * FRAME_MS
        if self._sure_ms > 0:
            self._sure_ms -= ms
            return ms
        self._candidate_ms += ms
        if self._candidate_ms < self._ask_at_ms:
            return 0
        if self._judge.is_speech(b"".join(window)):
            ms = self._candidate_ms
            self._begin_anew()
            self._sure_ms = SURE_MS
            return ms
        self._refusals += 1
        self._ask_at_ms = self._candidate_ms + ASK_AGAIN_MS
        if self._refusals >= ASKS_MAX:
            self._noise_db, self._noise_at = max(levels_db), at
            self._begin_anew()
        return 0


def _peak(frame: bytes) -> int:
    return int(np.abs(np.frombuffer(frame, "<i2").astype(np.int32)).max())
