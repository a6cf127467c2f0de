"""Hears whether the caller speaks. The cheap detector is always on, some 3 µs for a frame that is not quiet.

It takes much for a voice: breath, cars, keys, the agent's own echo. Where that matters (the agent speaks, or a total
waits for its yes), :meth:`CallerVoice.look` looks closer: loud enough not to be the echo, and speech in the ear of
the better detector, which is asked at the beginning of an utterance only, and now and then over a noise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

import webrtcvad

from services.bridge.legs.audio import BYTES_PER_MS, CARRIER_RATE
from services.bridge.legs.judge import WINDOW_MS, Judge
from services.bridge.legs.played import SILENT_DB, Played, level_db

FRAME_MS: Final = 20
_FRAME_BYTES: Final = FRAME_MS * BYTES_PER_MS
_AGGRESSIVENESS: Final = 2
_QUIET_BYTES: Final = b"\x00\xff"
"""Upper bytes of samples between -256 and 255. A frame of nothing else (-42 dBFS) is line noise: the detector alone
takes a faint hum for a voice."""
QUIET_FRAMES_HEARD: Final = 4
"""Of quiet frames it hears one in so many, to get used to the noise of the line; none of them is a voice."""

ECHO_DB_MAX: Final = -15.0
"""What is louder than this, measured from the agent's loudest moment just now, is no echo. The worst lines have
-20 dB; how it is on this one is learned while the agent speaks."""
ECHO_DB_MIN: Final = -32.0
ECHO_MARGIN_DB: Final = 6.0
ECHO_EVERY_FRAMES: Final = 10
ECHO_SAMPLES: Final = 8
"""Frames that are looked at in one stretch of the agent's speech: some 1.6 s."""
ECHO_STRETCHES: Final = 4
ECHO_REST_FRAMES: Final = 500
"""Once that many stretches are known, the next is looked at ten seconds later."""
AGENT_LOUD_DB: Final = -35.0
ECHO_MS: Final = 400
"""So long after it was played the agent's audio may come back."""
ASK_AFTER_MS: Final = 80
ASK_AGAIN_MS: Final = 60
"""Between two questions to the better detector about the same sound."""
ASKS_MAX: Final = 6
ASK_LATER_MS: Final = 1_000
"""Not speech so often: the same sound is asked about so much later. One that never pauses is the noise of this line,
and only what is louder by :data:`LOUDER_DB` is asked about."""
ASKS_SAVED_MAX: Final = 12
ASK_EARNED_MS: Final = 10_000
"""A question costs some 2 ms of CPU. A call has so many to begin with and earns another one in this time, so that a
caller who hums along costs no more than 0.2 ms a second; without one left nobody's voice is lowered for them."""
LOUDER_DB: Final = 6.0
FORGETS_DB_PER_S: Final = 1.0
PAUSE_MS: Final = 600
"""A longer pause ends an utterance."""
SURE_MS: Final = 400
"""Over a noise that never pauses, so much is believed before the better detector is asked again: what follows a "mm-hm"
there is the noise. Elsewhere an utterance is believed to its end."""
STEADY_MS: Final = 2_000
STEADY_SHARE: Final = 0.8
"""Speech pauses: what sounds like a voice for more of the last two seconds may be a noise. A fluent talker has less in
nine of ten moments, and loses nothing by being listened to."""
FAINT_DB: Final = 20.0
"""What is so much fainter than the loudest of an utterance is not of it."""


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
        self._echo = Echo(agent or Played())
        self._own = OwnVoice(judge) if judge is not None else None

    def feed(self, pcm: bytes, now: float | None = None) -> int:
        """Milliseconds of sound like a voice in the frames that are complete now. With ``now`` (the pacer's clock) the
        line's echo is learned on the way."""
        pcm = self._rest + pcm if self._rest else pcm
        whole = len(pcm) - len(pcm) % _FRAME_BYTES
        self._rest = pcm[whole:]
        self._voiced = []
        for start in range(0, whole, _FRAME_BYTES):
            frame = pcm[start : start + _FRAME_BYTES]
            self._window.append(frame)
            is_quiet = not frame[1::2].translate(None, _QUIET_BYTES)
            is_heard = not is_quiet or self._frames % QUIET_FRAMES_HEARD == 0
            is_voiced = is_heard and self._detector.is_speech(frame, CARRIER_RATE) and not is_quiet
            if is_voiced:
                self._voiced.append(frame)
            self._lately.append(is_voiced)
            self._voiced_lately += is_voiced - self._lately.popleft()
            self._frames += 1
            if now is not None and self._frames % ECHO_EVERY_FRAMES == 0:
                self._echo.learn(frame, self._frames, now)
        return len(self._voiced) * FRAME_MS

    def look(self, now: float) -> Closer:
        """Look closer at what :meth:`feed` has just counted. ``now``: the pacer's clock."""
        if not self._voiced:
            return NOTHING
        echo_db = self._echo.at_most_db(now)
        levels = [level for level in map(level_db, self._voiced) if level >= echo_db]
        loud_ms = len(levels) * FRAME_MS
        if self._own is None:
            return Closer(None, loud_ms)
        is_steady = self._voiced_lately > STEADY_SHARE * len(self._lately)
        if not is_steady and echo_db <= SILENT_DB:  # over nothing, and it pauses as speech does
            return Closer(loud_ms, loud_ms)
        own_ms = self._own.take(levels, self._frames * FRAME_MS, self._window, is_steady=is_steady)
        return Closer(own_ms, own_ms if is_steady else loud_ms)


class Echo:
    """How loud the agent may come back on this line.

    Where there is an echo, each stretch of the agent's voice has some of it. So the loudest of a stretch is never less
    than the echo, and the quietest of the last stretches (the caller was silent in it) is the best guess.
    """

    def __init__(self, agent: Played) -> None:
        self._agent = agent
        self._guess_db = ECHO_DB_MAX
        self._stretches: deque[float] = deque(maxlen=ECHO_STRETCHES)
        self._loudest_db = SILENT_DB
        self._samples = 0
        self._rests_until = 0

    def at_most_db(self, now: float) -> float:
        """What is louder is not the agent; -120 when it was silent."""
        agent_db = self._agent.loudest_db(now - ECHO_MS, now)
        return agent_db + self._guess_db if agent_db > SILENT_DB else SILENT_DB

    def learn(self, frame: bytes, number: int, now: float) -> None:
        """One frame of the caller's side, the ``number``-th of the call."""
        if number < self._rests_until:
            return
        agent_db = self._agent.loudest_db(now - ECHO_MS, now)
        if agent_db < AGENT_LOUD_DB:
            return
        self._loudest_db = max(self._loudest_db, level_db(frame) - agent_db)
        self._samples += 1
        if self._samples < ECHO_SAMPLES:
            return
        self._stretches.append(self._loudest_db)
        guess_db = min(self._stretches) + ECHO_MARGIN_DB
        self._guess_db = min(ECHO_DB_MAX, max(ECHO_DB_MIN, guess_db))
        self._loudest_db, self._samples = SILENT_DB, 0
        if len(self._stretches) == ECHO_STRETCHES:
            self._rests_until = number + ECHO_REST_FRAMES


class OwnVoice:
    """Whether what sounds like a voice is one. Times are milliseconds of the caller's audio."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._noise_db = SILENT_DB
        self._noise_at = 0
        self._heard_at = 0
        self._loudest_db = SILENT_DB
        self._was_sure = False
        self._asks_left = float(ASKS_SAVED_MAX)
        self._earned_at = 0
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._candidate_ms = 0
        self._ask_at_ms = ASK_AFTER_MS
        self._refusals = 0
        self._is_sure = False
        self._sure_ms = 0

    def take(self, levels_db: list[float], at: int, window: Iterable[bytes], *, is_steady: bool) -> int:
        """Frames like a voice, by their levels, that ended at ``at``; ``window``: all audio just before. How much is
        surely speech. ``is_steady``: it sounds like that all the time."""
        noise_db = self._noise_db + LOUDER_DB - (at - self._noise_at) / 1000 * FORGETS_DB_PER_S
        if at - self._heard_at > PAUSE_MS:
            self._begin_anew()
            self._was_sure = False
            self._loudest_db = SILENT_DB
        faint_db = max(noise_db, self._loudest_db - FAINT_DB)
        levels_db = [level for level in levels_db if level >= faint_db]
        if not levels_db:
            return 0
        self._heard_at = at
        self._loudest_db = max(self._loudest_db, *levels_db)
        ms = len(levels_db) * FRAME_MS
        if self._is_sure and (not is_steady or self._sure_ms > 0):
            self._sure_ms -= ms
            return ms
        if self._is_sure:
            self._begin_anew()
        self._candidate_ms += ms
        if self._candidate_ms < self._ask_at_ms or not self._may_ask(at, is_steady=is_steady):
            return 0
        if self._judge.is_speech(b"".join(window)):
            ms = self._candidate_ms
            self._begin_anew()
            self._is_sure = self._was_sure = True
            self._sure_ms = SURE_MS
            return ms
        self._refusals += 1
        self._ask_at_ms = self._candidate_ms + ASK_AGAIN_MS
        if self._refusals >= ASKS_MAX:
            self._refusals = 0
            self._ask_at_ms += ASK_LATER_MS
            if is_steady and not self._was_sure:
                self._noise_db, self._noise_at = max(levels_db), at
        return 0

    def _may_ask(self, at: int, *, is_steady: bool) -> bool:
        """Takes a question out of what is left. Over a steady noise, which is learned and then left alone, a caller's
        yes may hang on it: there it is always granted."""
        earned = self._asks_left + (at - self._earned_at) / ASK_EARNED_MS
        self._asks_left, self._earned_at = min(float(ASKS_SAVED_MAX), earned), at
        if is_steady:
            return True
        if self._asks_left < 1:
            return False
        self._asks_left -= 1
        return True
