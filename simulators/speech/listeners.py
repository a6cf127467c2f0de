"""The recognisers of one call, in a process of their own: the library holds the interpreter's lock while it decodes.

Three listeners hear each utterance: a little faster and higher, as it is, and a little slower and deeper. All have the
same acoustic and language model, so what they write down differs where the sound does not settle it. The first one
has a second pass over the whole utterance and is the most often right; the others are there to agree or not.

Over the child's standard input: one byte of what, four of length, then the content. L(oad): JSON, B(egin), P(CM),
E(nd): answered with one line of JSON, the three texts.
"""

import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
from typing import Any, BinaryIO, Protocol

import numpy as np
import soxr

from simulators.speech.extra import require
from simulators.speech.models import Models
from simulators.speech.pronounce import model_folder

_RATE = 16_000
_TEMPI = ((0.95, True), (1.0, False), (1.05, False))
"""(samples out per sample in, second pass?) of each listener."""
_HEADER = struct.Struct(">cI")
_IDLE_MAX = 4
_NICENESS = 5  # whoever paces audio on this machine goes first


class ListenersLost(RuntimeError):
    """The recognisers' process died. Worth one retry: open a new one for the next utterance."""


class Recogniser(Protocol):
    """begin, hear any number of times, end; again for the next utterance. One thread at a time."""

    def begin(self) -> None: ...

    def hear(self, pcm: bytes) -> None: ...

    def end(self) -> tuple[str, ...]:
        """What each listener understood, the most trusted one first; empty texts for nothing."""
        ...

    def close(self) -> None: ...


class Listeners:
    """A Recogniser in a child process. The child ends when this process does, however that happens."""

    def __init__(self, models: Models) -> None:
        self._models = models
        command = [sys.executable, "-m", "simulators.speech.listeners"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        files = {"dictionary": str(models.dictionary), "language_model": str(models.language_model)}
        self._send(b"L", json.dumps(files).encode())
        self._answer()

    def begin(self) -> None:
        self._send(b"B")

    def hear(self, pcm: bytes) -> None:
        self._send(b"P", pcm)

    def end(self) -> tuple[str, ...]:
        self._send(b"E")
        return tuple(str(text) for text in self._answer())

    def close(self) -> None:
        """Idempotent."""
        process = self._process
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
        if process.poll() is None:
            process.kill()
            process.wait()

    def _send(self, what: bytes, content: bytes = b"") -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(_HEADER.pack(what, len(content)) + content)
            self._process.stdin.flush()
        except (OSError, ValueError) as lost:
            raise ListenersLost("the recognisers' process is gone") from lost

    def _answer(self) -> list[Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ListenersLost("the recognisers' process ended without an answer")
        return list(json.loads(line))


class Pool:
    """Listeners wait here between calls, as their models take most of a second to load."""

    def __init__(self) -> None:
        self._idle: list[tuple[Models, Listeners]] = []
        self._lock = threading.Lock()

    def take(self, models: Models) -> Listeners:
        with self._lock:
            for at, (known, listeners) in enumerate(self._idle):
                if known is models:
                    del self._idle[at]
                    return listeners
        return Listeners(models)

    def give_back(self, models: Models, listeners: Listeners) -> None:
        """Between two utterances only."""
        with self._lock:
            self._idle.append((models, listeners))
            surplus = self._idle[: max(0, len(self._idle) - _IDLE_MAX)]
            del self._idle[: len(surplus)]
        for _, old in surplus:
            old.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for _, listeners in idle:
            listeners.close()


class _Listener:
    """In the child: one decoder and the tempo at which it hears."""

    def __init__(self, files: dict[str, str], tempo: float, second_pass: bool) -> None:
        self._tempo = tempo
        self._decoder = require("pocketsphinx").Decoder(
            hmm=str(model_folder() / "en-us"),
            dict=files["dictionary"],
            samprate=_RATE,
            fwdflat=second_pass,
            bestpath=False,
            loglevel="FATAL",
        )
        self._decoder.add_lm_file("menu", files["language_model"])
        self._decoder.activate_search("menu")
        self._resampler: soxr.ResampleStream | None = None

    def begin(self) -> None:
        if self._tempo != 1.0:
            self._resampler = soxr.ResampleStream(_RATE, _RATE * self._tempo, 1, dtype="int16")
        self._decoder.start_utt()

    def hear(self, pcm: bytes, *, last: bool = False) -> None:
        if self._resampler is not None:
            pcm = self._resampler.resample_chunk(np.frombuffer(pcm, "<i2"), last=last).tobytes()
        if pcm:
            self._decoder.process_raw(pcm)

    def end(self) -> str:
        self.hear(b"", last=True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Until the requests end."""
    listeners: list[_Listener] = []
    while header := requests.read(_HEADER.size):
        what, length = _HEADER.unpack(header)
        content = requests.read(length)
        answer: list[str] | None = None
        match what:
            case b"L":
                listeners = [_Listener(json.loads(content), *tempo) for tempo in _TEMPI]
                answer = []
            case b"B":
                for listener in listeners:
                    listener.begin()
            case b"P":
                for listener in listeners:
                    listener.hear(content)
            case b"E":
                answer = [listener.end() for listener in listeners]
        if answer is not None:
            answers.write(json.dumps(answer).encode() + b"\n")
            answers.flush()


if __name__ == "__main__":
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve(sys.stdin.buffer, sys.stdout.buffer)
