"""What is on a line besides the agent: callers, their "mm-hm", and all that is no speech. 16 kHz S16LE mono.

Made from seeds and from the simulators' voices, so that every run hears the same; everything has been through the
300 to 3,400 Hz of a telephone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from simulators.speech.voices import EspeakVoice, PiperVoice, Voice

RATE: Final = 16_000
FRAME: Final = RATE // 50
BACKCHANNELS: Final = (
    "mm-hm", "yeah", "okay", "uh huh", "right", "hmm", "yes", "mhm, okay", "sure", "no", "all right", "I see",
)  # fmt: skip
AGENT_TEXT: Final = (
    "So that is two chicken burgers, one of them without onions, a large portion of masala chips, six wings extra hot "
    "with garlic dip, and two passion juices with no ice, for pickup at the Westlands branch in about twenty minutes."
)
_UTTERANCES: Final = Path(__file__).parents[1] / "utterances" / "tuned.yaml"

Samples = np.ndarray[Any, np.dtype[np.float64]]


@cache
def voices() -> Mapping[str, Voice]:
    """The callers' voices. Loading them takes seconds."""
    return {"piper": PiperVoice(RATE), "piper-fast": PiperVoice(RATE, pace=1.25), "espeak": EspeakVoice(RATE)}


def spoken(voice: str, text: str, dbfs: float) -> Samples:
    """A text as a caller's telephone gives it, its loud parts at about this level."""
    return at_level(telephone(_floats(voices()[voice].synthesize(text))), dbfs)


def agent_speech() -> Samples:
    """Some twelve seconds of the agent, as it is sent."""
    return at_level(_floats(voices()["piper"].synthesize(AGENT_TEXT)), -19)


def utterances(count: int) -> list[str]:
    """What callers say, from the file of utterances, long ones first."""
    lines = [str(line) for line in yaml.safe_load(_UTTERANCES.read_text(encoding="utf-8"))["tune"]]
    return sorted(lines, key=len, reverse=True)[:count]


def noises(seconds: float) -> dict[str, Samples]:
    """Sounds that are nobody's speech (the last one: many people far away), each at the level it is met at."""
    count = int(seconds * RATE)
    chance = np.random.default_rng(11)
    at = np.arange(count) / RATE
    hum = sum(np.sin(2 * np.pi * hz * at) / (n + 1) for n, hz in enumerate((50, 150, 250, 350)))
    return {
        "silence": np.zeros(count),
        "line hiss, -45 dB": at_level(telephone(chance.standard_normal(count)), -45),
        "white noise, -30 dB": at_level(telephone(chance.standard_normal(count)), -30),
        "pink noise, -30 dB": at_level(telephone(_coloured(chance, count, 0.5)), -30),
        "car, -25 dB": at_level(telephone(_coloured(chance, count, 1.0)), -25),
        "gusts of wind, -22 dB": at_level(
            telephone(_coloured(chance, count, 1.0)) * (1 + np.sin(2 * np.pi * 0.7 * at)), -22
        ),
        "mains hum, -35 dB": at_level(np.asarray(hum), -35),
        "ringing tone, -20 dB": at_level(np.sin(2 * np.pi * 440 * at) + np.sin(2 * np.pi * 480 * at), -20),
        "coughs": _bursts(chance, count, every_s=1.7, ms=250, decay_ms=60) * 10_000,
        "keys and clicks": _bursts(chance, count, every_s=0.3, ms=12, decay_ms=3) * 10_000,
        "people far away, -38 dB": at_level(telephone(_babble(chance, count)), -38),
    }


def telephone(samples: Samples) -> Samples:
    """Only what a telephone lets through."""
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum[(hz < 300) | (hz > 3_400)] = 0
    return np.fft.irfft(spectrum, len(samples))


def at_level(samples: Samples, dbfs: float) -> Samples:
    """At this RMS, measured where there is sound at all."""
    loud = np.abs(samples) > 0.02 * max(1e-9, float(np.abs(samples).max()))
    rms = float(np.sqrt(np.square(samples[loud]).mean())) if loud.any() else 1.0
    return samples * (32_768 * 10 ** (dbfs / 20) / max(rms, 1e-9))


def onset_ms(samples: Samples) -> float:
    """Where a person would say that it begins: 30 dB below its loudest 20 ms."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = np.square(frames).mean(axis=1)
    return float(np.argmax(power > power.max() / 1_000)) * 20


def _floats(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def _coloured(chance: np.random.Generator, count: int, power: float) -> Samples:
    hz = np.fft.rfftfreq(count, 1 / RATE)
    hz[0] = 1
    return np.fft.irfft(np.fft.rfft(chance.standard_normal(count)) / hz**power, count)


def _bursts(chance: np.random.Generator, count: int, *, every_s: float, ms: int, decay_ms: float) -> Samples:
    out = np.zeros(count)
    length = ms * RATE // 1000
    shape = np.exp(-np.arange(length) / (decay_ms * RATE / 1000))
    for start in range(RATE // 2, count - length, int(every_s * RATE)):
        out[start : start + length] = chance.standard_normal(length) * shape
    return out / max(1e-9, float(np.abs(out).max()))


def _babble(chance: np.random.Generator, count: int) -> Samples:
    one = np.concatenate([_floats(voice.synthesize(text)) for voice in voices().values() for text in utterances(6)])
    repeated = np.tile(one, count // len(one) + 2)
    return np.asarray(sum(repeated[start : start + count] for start in chance.integers(0, len(one), 8)))
