"""The audio of both sides, made once: a sentence for the caller, the utterance of the model as Live messages."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.bridge.gauge import FRAME_BYTES, MARK_BYTES
from benchmarks.bridge.wire import BINARY, from_server

MODEL_RATE: Final = 24_000
UTTERANCE_MS: Final = 3_200
CYCLE_MS: Final = 6_000
"""From one utterance to the next of a call. They take turns: the agent speaks for half of the time, the caller for a
third, of which a tenth is an "mm-hm" over the agent."""
TICK_MS: Final = 40
SPEED: Final = 2
"""So much faster than it is spoken the model sends its audio."""
FIRST_MS: Final = 240
"""Sent in one piece at first, so that no bridge has a reason to wait for more before it sends."""
_CALLER_TURN: Final = ((1_600, False), (200, True), (1_900, False), (1_800, True), (500, False))
"""Milliseconds and whether the caller is heard, from the agent's first word on."""
_SENTENCE: Final = Path(__file__).parents[2] / "services" / "bridge" / "cues" / "en" / "long_call.pcm"
_QUIET: Final = 1_000
_TRANSCRIPT: Final = " two chicken burgers"


def caller_bodies() -> list[bytes]:
    """What follows the mark in each frame of a caller during a cycle: a quiet line, an "mm-hm", a sentence."""
    pcm = np.concatenate([(speech if is_heard else hiss)(ms) for ms, is_heard in _CALLER_TURN]).tobytes()
    return [pcm[at + MARK_BYTES : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance as bytes to be written, one item per :data:`TICK_MS`; the last says that the turn is over."""

    steps: tuple[bytes, ...]
    resumption: bytes
    """Follows the last step for a client that asked for session resumption."""


def utterance(part_ms: int, pcm: bytes | None = None) -> Utterance:
    """Audio in parts of ``part_ms``, as the real server sends it: JSON with indent, in binary frames. Without ``pcm``
    (at :data:`MODEL_RATE`) it is a buzz of :data:`UTTERANCE_MS`."""
    pcm = pcm or voice(UTTERANCE_MS, MODEL_RATE).tobytes()
    part_bytes = part_ms * MODEL_RATE * 2 // 1000
    parts = [audio(pcm[at : at + part_bytes]) for at in range(0, len(pcm), part_bytes)]
    first = -(-FIRST_MS // part_ms)
    steps: list[bytes] = []
    sent = 0
    while sent < len(parts):
        due = max(first, (FIRST_MS + len(steps) * TICK_MS * SPEED) // part_ms)
        steps.append(b"".join(parts[sent:due]))
        sent = due
    steps[0] += message({"serverContent": {"outputTranscription": {"text": _TRANSCRIPT}}})
    steps.append(message({"serverContent": {"generationComplete": True}}) + TURN_COMPLETE)
    handle = {"sessionResumptionUpdate": {"newHandle": "h" * 64, "resumable": True}}
    return Utterance(tuple(steps), message(handle))


def audio(pcm: bytes) -> bytes:
    """One message with audio at :data:`MODEL_RATE`."""
    blob = {"mimeType": f"audio/pcm;rate={MODEL_RATE}", "data": base64.b64encode(pcm).decode()}
    return message({"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}}})


def message(content: dict[str, Any]) -> bytes:
    """As the real server sends it."""
    return from_server(BINARY, json.dumps(content, indent=2).encode() + b"\n")


TURN_COMPLETE: Final = message(
    {
        "serverContent": {"turnComplete": True},
        "usageMetadata": {"promptTokenCount": 2_400, "responseTokenCount": 80, "totalTokenCount": 2_480},
    }
)


def voice(ms: int, rate: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """A buzz of 140 Hz with the two lowest formants of a vowel, four syllables in a second. Starts at full strength."""
    t = np.arange(ms * rate // 1000) / rate
    tone = sum(
        np.sin(2 * np.pi * 140 * n * t) * sum(np.exp(-(((140 * n - f) / 300) ** 2)) for f in (600, 1300))
        for n in range(1, 20)
    )
    loudness = 0.6 + 0.4 * np.cos(2 * np.pi * 4 * t)
    samples: np.ndarray[Any, np.dtype[np.int16]] = (tone / np.abs(tone).max() * loudness * 9_000).astype("<i2")
    return samples


def speech(ms: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """The beginning of a sentence, at 16 kHz: what a voice detector takes for speech."""
    samples = np.frombuffer(_SENTENCE.read_bytes(), "<i2")
    begins = int(np.argmax(np.abs(samples) > _QUIET))
    quieter: np.ndarray[Any, np.dtype[np.int16]] = (samples[begins : begins + ms * 16] * 0.4).astype("<i2")
    return quieter


def hiss(ms: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """A quiet line, at 16 kHz."""
    return np.random.default_rng(1).integers(-30, 30, ms * 16).astype("<i2")
