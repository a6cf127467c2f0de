"""The spoken cues of this process: sound that was rendered beforehand, so that a caller hears a word without a model.

``cues/manifest.json`` names each sentence with its language, voice, length and hash; the sound lies beside it as
S16LE mono at 16 kHz. Written by ``scripts/render_cues.py``, read once when the process starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from services.bridge.session.actions import CueName
from services.bridge.session.cues import CueTimes

RATE: Final = 16_000
FOLDER: Final = Path(__file__).parent / "cues"
MANIFEST: Final = FOLDER / "manifest.json"
CUE_MS_MAX: Final = 6_000
"""Nobody listens to a machine for longer that cannot answer."""
_BYTES_PER_MS: Final = RATE * 2 // 1000


class CuesUnusable(Exception):
    """The cue files are not what their manifest says; the text names the file and what to do."""

    retryable = False


class Cue(msgspec.Struct, frozen=True):
    """One line of the manifest. ``text_mark`` tells of which voice and text the sound is."""

    language: str
    name: CueName
    text: str
    voice: str
    ms: int
    sha256: str
    text_mark: str


@dataclass(frozen=True, slots=True)
class CueBook:
    """``times`` is what a session needs to know, ``sounds`` what is played: by language, then by name."""

    times: CueTimes
    sounds: Mapping[str, Mapping[CueName, bytes]]

    def sound(self, language: str, name: CueName) -> bytes:
        """The PCM of a cue that ``times`` has. Raises KeyError for any other."""
        return self.sounds[language][name]


def text_mark(voice: str, text: str) -> str:
    """Changes when a sentence has to be rendered anew."""
    return hashlib.sha256(f"{voice}\n{text}".encode()).hexdigest()[:16]


def load_cues(manifest: Path = MANIFEST) -> CueBook:
    """Read and check everything. Raises :class:`CuesUnusable`."""
    sounds: dict[str, dict[CueName, bytes]] = {}
    try:
        cues = msgspec.json.decode(manifest.read_bytes(), type=list[Cue])
        for cue in cues:
            sounds.setdefault(cue.language, {})[cue.name] = _read(manifest.parent, cue)
    except (OSError, msgspec.DecodeError) as error:
        raise CuesUnusable(f"{manifest}: {error}; run scripts/render_cues.py") from error
    times = {
        language: {name: len(pcm) // _BYTES_PER_MS for name, pcm in by_name.items()}
        for language, by_name in sounds.items()
    }
    return CueBook(times, sounds)


def _read(folder: Path, cue: Cue) -> bytes:
    file = folder / cue.language / f"{cue.name}.pcm"
    pcm = file.read_bytes()
    if hashlib.sha256(pcm).hexdigest() != cue.sha256:
        raise CuesUnusable(f"{file} is not the sound of the manifest; run scripts/render_cues.py")
    if not 0 < cue.ms <= CUE_MS_MAX or len(pcm) != cue.ms * _BYTES_PER_MS:
        raise CuesUnusable(f"{file} has not the {cue.ms} ms of the manifest, or more than {CUE_MS_MAX}")
    return pcm
