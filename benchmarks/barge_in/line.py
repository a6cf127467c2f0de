"""One call in virtual time: the bridge's session, detectors, pacer and fader on one side, the carrier's playout, the
caller and their echo on the other. No socket, no clock: the same every time, and much quicker than a call."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from benchmarks.barge_in.sounds import RATE, Samples
from services.bridge.legs.audio import BYTES_PER_MS
from services.bridge.legs.carrier_leg import PUSH_OUT
from services.bridge.legs.judge import Judge
from services.bridge.legs.pacer import Pacer
from services.bridge.legs.voice import CallerVoice
from services.bridge.session import CallFacts, CallSession, Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from simulators.carrier.playback import Playback
from simulators.carrier.sounds import level_dbfs

STEP_MS: Final = 5
FRAME_MS: Final = 20
AUDIBLE_DBFS: Final = -45.0
LONG_MS: Final = 3_600_000


def _clock_s() -> float:
    started = time.process_time()
    for _ in range(1_000):
        time.process_time()
    return (time.process_time() - started) / 1_000


CLOCK_S: Final = _clock_s()
"""What looking at the clock costs: half of what is measured otherwise."""
DuckBy = Literal["volume", "resend"]
"""``resend``: a road not taken, for comparison: killAudio, and what was dropped is sent again at the low volume."""


@dataclass(slots=True)
class Told:
    """What happened, by the clock of the line."""

    ducks: list[float] = field(default_factory=list)
    unducks: list[float] = field(default_factory=list)
    discards: list[float] = field(default_factory=list)
    flushes: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    """Of the agent, by the caller: a frame each 20 ms."""

    def last_audible_ms(self) -> float:
        """When the caller heard the agent last; before the first frame where they heard nothing."""
        frames = [n for n, frame in enumerate(self.heard) if level_dbfs(frame) > AUDIBLE_DBFS]
        return (frames[-1] + 1) * FRAME_MS if frames else 0.0

    def lowered_at_ms(self, sent: bytes) -> float | None:
        """When what they heard was first clearly quieter (3 dB) than ``sent``, which began with the line."""
        whole = b"".join(self.heard)
        start = len(whole) - len(whole.lstrip(b"\0"))
        first = start // 2 * 2
        lead = len(sent) - len(sent.lstrip(b"\0"))
        for at in range(first - first % 640 + 640, len(whole) - 640, 640):
            origin = at - first + lead // 2 * 2
            there, here = level_dbfs(sent[origin : origin + 640]), level_dbfs(whole[at : at + 640])
            if there > AUDIBLE_DBFS and here < there - 3:
                return at / BYTES_PER_MS
        return None


class Line:
    """A call that is talking. ``own_ear`` False: the bridge of before, which only counts what sounds like a voice."""

    def __init__(
        self, judge: Judge | None, *, own_ear: bool = True, echo_db: float | None = None, duck_by: DuckBy = "volume"
    ) -> None:
        self._pacer = Pacer()
        self._voice = CallerVoice(judge, self._pacer.played)
        self._own_ear = own_ear
        self._echo = None if echo_db is None else 10 ** (-echo_db / 20)
        self._duck_by = duck_by
        self._session = CallSession(CallFacts("HD_bench", "bench", 1), Limits(call_ms=LONG_MS))
        self._playback = Playback(RATE)
        self._model: list[tuple[float, i.Input]] = []
        self._pushed = bytearray()
        self.now = 0.0
        self.told = Told()
        self.detection_s = 0.0
        self._feed(i.Opened())
        self._feed(i.ModelReady())
        self._feed(i.ModelAudio(bytes(2), RATE))
        self._feed(i.TurnCompleted())

    def model(self, after_ms: float, *events: i.Input) -> None:
        """The model will send these."""
        self._model += [(self.now + after_ms, event) for event in events]
        self._model.sort(key=lambda due: due[0])

    def run(self, caller: Samples) -> Told:
        """The caller's side of the line, in real time, to its end. All that was told so far."""
        pcm = np.clip(caller, -32_768, 32_767).astype("<i2")
        frames = [pcm[at : at + 320] for at in range(0, len(pcm) - 319, 320)]
        for frame in frames:
            self.told.heard.append(self._playback.tick().pcm)
            self._hear(self._with_echo(frame))
            for _ in range(FRAME_MS // STEP_MS):
                self._step()
        return self.told

    def _with_echo(self, frame: np.ndarray[tuple[int], np.dtype[np.int16]]) -> bytes:
        if self._echo is None:
            return frame.tobytes()
        late = self.told.heard[-8] if len(self.told.heard) >= 8 else bytes(640)  # 140 ms on the way
        mixed = frame + np.frombuffer(late, "<i2") * self._echo
        return np.clip(mixed, -32_768, 32_767).astype("<i2").tobytes()

    def _hear(self, frame: bytes) -> None:
        started = time.process_time()
        voiced_ms = self._voice.feed(frame, self.now if self._own_ear else None)
        closer = self._voice.look(self.now) if voiced_ms and self._wants_closer_look() else None
        self.detection_s += time.process_time() - started - CLOCK_S
        if voiced_ms:
            self._feed(i.CallerSpoke(voiced_ms, *closer) if closer else i.CallerSpoke(voiced_ms))
        self._feed(i.CallerAudio(frame))

    def _wants_closer_look(self) -> bool:
        return self._own_ear and self._session.wants_closer_look(int(self.now))

    def _step(self) -> None:
        while self._model and self._model[0][0] <= self.now:
            self._feed(self._model.pop(0)[1])
        deadline = self._session.next_deadline()
        if deadline is not None and deadline.at <= self.now:
            self._feed(i.Tick())
        while chunk := self._pacer.take(self.now):
            self._playback.receive(chunk)
        self.now += STEP_MS

    def _feed(self, event: i.Input) -> None:
        for action in self._session.handle(event, int(self.now)):
            match action:
                case a.PlayAudio(pcm):
                    self._pushed += pcm
                    self._pacer.push(pcm, self.now)
                case a.EndUtterance():
                    self._pacer.end_utterance()
                case a.FlushPlayback(by_session=by_session):
                    self._kill()
                    self.told.flushes.append(self.now)
                    if by_session:
                        self.told.discards.append(self.now)
                case a.Duck():
                    self._duck()
                    self.told.ducks.append(self.now)
                case a.Unduck():
                    self._pacer.fader.unduck()
                    self.told.unducks.append(self.now)
                case a.TellModel(text):
                    self.told.texts.append(text)

    def _kill(self) -> int:
        self._playback.receive(PUSH_OUT)
        self._playback.kill()
        return self._pacer.flush(self.now)

    def _duck(self) -> None:
        dropped_ms = self._kill() if self._duck_by == "resend" else 0
        self._pacer.fader.duck()
        if dropped_ms:
            self._pacer.push(bytes(self._pushed[-dropped_ms * BYTES_PER_MS :]), self.now)
