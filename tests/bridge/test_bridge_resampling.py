"""What the resampler does to a tone: nothing within the band of speech, and nothing left of what is above the band."""

from __future__ import annotations

import math

import numpy as np
import pytest

from services.bridge.legs.audio import CARRIER_RATE, Resampler

AMPLITUDE = 12_000
RIPPLE_DB_MAX = 0.5
ALIAS_DB_MAX = -60.0
RATES = (8_000, 11_025, 12_000, 22_050, 24_000, 32_000, 44_100, 48_000)
PASSED = 0.87
"""Of the lower of both Nyquist frequencies: 6.96 kHz from 24 kHz, where telephone speech ends at 3.4 or 7 kHz."""
STOPPED = 1.09
PIECES = (961, 1_920, 2, 15_360, 7)
"""Bytes; odd ones too."""


def after(frequency: float, rate: int) -> np.ndarray:
    """A second of a tone as the caller gets it, in pieces, without its beginning and end."""
    at = np.arange(rate) / rate
    pcm = np.round(np.sin(2 * np.pi * frequency * at) * AMPLITUDE).astype("<i2").tobytes()
    resampler, out, start, turn = Resampler(), b"", 0, 0
    while start < len(pcm):
        size = PIECES[turn % len(PIECES)]
        out += resampler.feed(pcm[start : start + size], rate)
        start, turn = start + size, turn + 1
    out += resampler.flush()
    samples = np.frombuffer(out, "<i2").astype(np.float64)
    assert abs(len(samples) - CARRIER_RATE) <= 1
    return samples[1_600:-1_600]


def level_db(samples: np.ndarray) -> float:
    """Against the tone that went in."""
    return 10 * math.log10(max(np.square(samples).mean(), 1e-9) / (AMPLITUDE**2 / 2))


@pytest.mark.parametrize("rate", RATES)
def test_the_band_of_speech_is_flat(rate: int) -> None:
    edge = PASSED * min(rate, CARRIER_RATE) / 2
    levels = {round(at): level_db(after(at, rate)) for at in np.linspace(100, edge, 12)}
    assert max(abs(level) for level in levels.values()) <= RIPPLE_DB_MAX, levels


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate > CARRIER_RATE])
def test_what_is_above_the_band_does_not_come_back_below_it(rate: int) -> None:
    levels = {round(at): level_db(after(at, rate)) for at in np.linspace(STOPPED * CARRIER_RATE / 2, 0.49 * rate, 12)}
    assert max(levels.values()) <= ALIAS_DB_MAX, levels


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate < CARRIER_RATE])
def test_nothing_is_mirrored_above_what_came_in(rate: int) -> None:
    for frequency in np.linspace(200, PASSED * rate / 2, 6):
        samples = after(frequency, rate)
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        bins = np.fft.rfftfreq(len(samples), 1 / CARRIER_RATE)
        mirrored = spectrum[bins > rate - PASSED * rate / 2].max()
        assert 20 * math.log10(max(mirrored, 1e-9) / spectrum.max()) <= ALIAS_DB_MAX, frequency
