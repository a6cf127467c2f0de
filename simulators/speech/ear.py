"""An ear for one call: PCM in, what was said out.

    ear = Ear(vocabulary)
    await ear.open()                      # optional: load the models before the caller speaks
    for event in await ear.hear(pcm): ... # S16LE mono 16 kHz, pieces of any length, in real time
    ear.close()

An utterance is `agreed` when all listeners wrote down the same order, answer or question. One that is not should be
asked back, never acted upon. A caller in text mode (see marked.py) is understood as well, and from their first message
on nothing else is listened to.
"""

import asyncio
import atexit
import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass

from simulators.speech.endpoint import Began, Continued, Detector, Ended, Endpointer, Timing, best_detector
from simulators.speech.listeners import ListenersLost, Pool, Recogniser
from simulators.speech.marked import MarkedDecoder
from simulators.speech.models import models_for
from simulators.speech.vocabulary import Vocabulary
from simulators.speech.words import gist, normalise

_RATE = 16_000
_HOLD_BYTES = 2 * _RATE * 7 // 10
"""Speech waits this long (0.7 s) for the recogniser: by then a text caller's first packet has been read."""
_TAIL_MS = 200  # the second copies behind a complete message


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody has begun to speak; an Utterance follows, if only an empty one."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Utterance:
    """`text` in normal form (words.py), or as it was sent when `marked`. "" and not agreed: a noise, or too unclear.

    `alternatives` are what other listeners understood instead. Times count from the first sample this ear was fed.
    """

    text: str
    alternatives: tuple[str, ...]
    agreed: bool
    marked: bool
    start_ms: int
    end_ms: int


EarEvent = SpeechStarted | Utterance


def judge(hypotheses: tuple[str, ...]) -> tuple[str, tuple[str, ...], bool]:
    """(text, alternatives, agreed) from what several listeners wrote down, the most trusted one first."""
    texts = [normalise(hypothesis) for hypothesis in hypotheses]
    said = [text for text in texts if text]
    if not said:
        return "", (), False
    others = {gist(text): text for text in reversed(said[1:]) if gist(text) != gist(said[0])}
    return said[0], tuple(reversed(others.values())), len(said) == len(texts) and not others


class Ear:
    """Use from one task or thread at a time. `recogniser` and `detector` are for tests; both are closed over once."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        timing: Timing | None = None,
        detector: Detector | None = None,
        recogniser: Callable[[], Recogniser] | None = None,
    ) -> None:
        self._open_recogniser = recogniser or functools.partial(_Pooled, vocabulary)
        self._detector = detector or best_detector()
        self._timing = timing
        self._frame_bytes = 2 * self._detector.frame_samples
        self._endpointer = Endpointer(self._detector.frame_samples, timing)
        self._marked = MarkedDecoder(_RATE)
        self._recogniser: Recogniser | None = None
        self._rest = b""
        self._clock_ms = 0.0
        self._held: bytearray | None = None
        self._deciphering = False
        self._text_call = False
        self._receiving = False
        self._announced_ms: int | None = None
        self._deaf_until_ms = 0.0
        self._lock = threading.Lock()

    async def open(self) -> None:
        """Loads the models now (seconds for a new vocabulary) instead of at the caller's first words."""
        await asyncio.to_thread(self.load)

    def load(self) -> None:
        """`open` for those who have no event loop."""
        with self._lock:
            self._ready_recogniser()

    async def hear(self, pcm: bytes) -> list[EarEvent]:
        """`feed` off the event loop."""
        return await asyncio.to_thread(self.feed, pcm)

    def feed(self, pcm: bytes) -> list[EarEvent]:
        """The events that this piece brings about, in order. May block for some milliseconds at an utterance's end."""
        events: list[EarEvent] = []
        with self._lock:
            self._rest += pcm
            while len(self._rest) >= self._frame_bytes:
                frame, self._rest = self._rest[: self._frame_bytes], self._rest[self._frame_bytes :]
                self._clock_ms += self._detector.frame_samples * 1000 / _RATE
                events += self._text_events(frame)
                events += self._speech_events(frame)
        return events

    def close(self) -> None:
        """Idempotent. The recogniser goes back to the pool, or ends if an utterance was running."""
        with self._lock:
            if self._recogniser is not None:
                self._recogniser.close()
                self._recogniser = None

    def _text_events(self, frame: bytes) -> list[EarEvent]:
        messages = self._marked.feed(frame)
        was_receiving, self._receiving = self._receiving, self._marked.receiving
        if not (messages or was_receiving or self._receiving):
            return []
        self._text_call = True
        events = self._announce(round(self._clock_ms))
        if messages or not self._receiving:
            start_ms, self._announced_ms = self._announced_ms or 0, None
            end_ms = round(self._clock_ms)
            # Without a message: a transmission that broke off.
            events += [Utterance(message, (), True, True, start_ms, end_ms) for message in messages] or [
                Utterance("", (), False, True, start_ms, end_ms)
            ]
            # A new transmission is a new beginning: forget this one's, and do not take its tail for the next.
            self._endpointer = Endpointer(self._detector.frame_samples, self._timing)
            self._deaf_until_ms = self._clock_ms + _TAIL_MS
        return events

    def _speech_events(self, frame: bytes) -> list[EarEvent]:
        voiced = self._detector.is_voiced(frame)
        if self._clock_ms < self._deaf_until_ms:
            return []
        events: list[EarEvent] = []
        for segment in self._endpointer.push(frame, voiced):
            match segment:
                case Began(start_ms, pcm):
                    events += self._announce(start_ms)
                    self._held = bytearray(pcm)
                case Continued(pcm):
                    self._pass_on(pcm)
                case Ended(start_ms, end_ms):
                    events += self._conclude(start_ms, end_ms)
        return events

    def _announce(self, at_ms: int) -> list[EarEvent]:
        if self._announced_ms is not None:
            return []
        self._announced_ms = at_ms
        return [SpeechStarted(at_ms)]

    def _pass_on(self, pcm: bytes) -> None:
        if self._text_call:
            return
        if self._held is not None:
            self._held += pcm
            if len(self._held) >= _HOLD_BYTES:
                self._begin_deciphering()
        elif self._deciphering and self._recogniser is not None:
            try:
                self._recogniser.hear(pcm)
            except ListenersLost:
                self._lose_recogniser()

    def _begin_deciphering(self) -> None:
        held, self._held = bytes(self._held or b""), None
        for attempt in (1, 2):  # one that died while it waited is replaced, once
            try:
                recogniser = self._ready_recogniser()
                recogniser.begin()
                recogniser.hear(held)
                self._deciphering = True
                return
            except ListenersLost:
                self._lose_recogniser()
                if attempt == 2:
                    return

    def _conclude(self, start_ms: int, end_ms: int) -> list[EarEvent]:
        if self._text_call and (self._receiving or self._announced_ms is None):
            return []
        if self._held is not None and not self._text_call:  # shorter than the hold
            self._begin_deciphering()
        hypotheses: tuple[str, ...] = ()
        if self._deciphering and self._recogniser is not None:
            try:
                hypotheses = self._recogniser.end()
            except ListenersLost:
                self._lose_recogniser()
        self._deciphering = False
        self._announced_ms = None
        text, alternatives, agreed = judge(hypotheses)
        return [Utterance(text, alternatives, agreed, False, start_ms, end_ms)]

    def _ready_recogniser(self) -> Recogniser:
        if self._recogniser is None:
            self._recogniser = self._open_recogniser()
        return self._recogniser

    def _lose_recogniser(self) -> None:
        if self._recogniser is not None:
            self._recogniser.close()
        self._recogniser, self._deciphering = None, False


_pool = Pool()


@atexit.register
def close_idle_listeners() -> None:
    """Ends the processes that wait for the next call."""
    _pool.close()


class _Pooled:
    """Listeners borrowed from the pool; they go back only from between two utterances."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._models = models_for(vocabulary)
        self._listeners = _pool.take(self._models)
        self._whole = True

    def begin(self) -> None:
        self._whole = False
        self._listeners.begin()

    def hear(self, pcm: bytes) -> None:
        self._listeners.hear(pcm)

    def end(self) -> tuple[str, ...]:
        texts = self._listeners.end()
        self._whole = True
        return texts

    def close(self) -> None:
        if self._whole:
            _pool.give_back(self._models, self._listeners)
        else:
            self._listeners.close()
