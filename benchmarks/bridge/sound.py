"""The audio of both sides, made once: a voice-like tone for the caller, the utterance of the model as Live messages."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchmarks.bridge.gauge import FRAME_BYTES, MARK_BYTES
from benchmarks.bridge.wire import BINARY, from_server

MODEL_RATE: Final = 24_000
UTTERANCE_MS: Final = 3_200
CYCLE_MS: Final = 4_000
"""From one utterance to the next of a call: four fifths of the time the agent speaks."""
TICK_MS: Final = 40
SPEED: Final = 2
"""So much faster than it is spoken the model sends its audio."""
FIRST_MS: Final = 240
"""Sent in one piece at first, so that no bridge has a reason to wait for more before it sends."""
_CALLER_CYCLE_MS: Final = 2_000
_CALLER_VOICED_MS: Final = 1_200
_TRANSCRIPT: Final = " two chicken burgers"


def caller_bodies() -> list[bytes]:
    """What follows the mark in each frame of a caller, to be repeated: 1.2 s of voice, 0.8 s of a quiet line."""
    samples = np.concatenate((_voice(_CALLER_VOICED_MS, 16_000), _hiss(_CALLER_CYCLE_MS - _CALLER_VOICED_MS, 16_000)))
    pcm = samples.tobytes()
    return [pcm[at + MARK_BYTES : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance as bytes to be written, one item per :data:`TICK_MS`; the last says that the turn is over."""

    steps: tuple[bytes, ...]
    resumption: bytes
    """Follows the last step for a client that asked for session resumption."""


def utterance(part_ms: int) -> Utterance:
    """Audio in parts of ``part_ms``, as the real server sends it: JSON with indent, in binary frames."""
    pcm = _voice(UTTERANCE_MS, MODEL_RATE).tobytes()
    part_bytes = part_ms * MODEL_RATE * 2 // 1000
    parts = [_audio(pcm[at : at + part_bytes]) for at in range(0, len(pcm), part_bytes)]
    first = -(-FIRST_MS // part_ms)
    steps: list[bytes] = []
    sent = 0
    while sent < len(parts):
        due = max(first, (FIRST_MS + len(steps) * TICK_MS * SPEED) // part_ms)
        steps.append(b"".join(parts[sent:due]))
        sent = due
    steps[0] += _message({"serverContent": {"outputTranscription": {"text": _TRANSCRIPT}}})
    usage = {"promptTokenCount": 2_400, "responseTokenCount": 80, "totalTokenCount": 2_480}
    steps.append(
        _message({"serverContent": {"generationComplete": True}})
        + _message({"serverContent": {"turnComplete": True}, "usageMetadata": usage})
    )
    handle = {"sessionResumptionUpdate": {"newHandle": "h" * 64, "resumable": True}}
    return Utterance(tuple(steps), _message(handle))


def _audio(pcm: bytes) -> bytes:
    blob = {"mimeType": f"audio/pcm;rate={MODEL_RATE}", "data": base64.b64encode(pcm).decode()}
    return _message({"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}}})


def _message(content: dict[str, Any]) -> bytes:
    return from_server(BINARY, json.dumps(content, indent=2).encode() + b"\n")


def _voice(ms: int, rate: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """A buzz of 140 Hz with the two lowest formants of a vowel, four syllables in a second. Starts at full strength."""
    t = np.arange(ms * rate // 1000) / rate
    tone = sum(
        np.sin(2 * np.pi * 140 * n * t) * sum(np.exp(-(((140 * n - f) / 300) ** 2)) for f in (600, 1300))
        for n in range(1, 20)
    )
    loudness = 0.6 + 0.4 * np.cos(2 * np.pi * 4 * t)
    samples: np.ndarray[Any, np.dtype[np.int16]] = (tone / np.abs(tone).max() * loudness * 9_000).astype("<i2")
    return samples


def _hiss(ms: int, rate: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    hiss = np.random.default_rng(1).integers(-30, 30, ms * rate // 1000)
    return hiss.astype("<i2")
