"""Render the sentences of services/bridge/cues/manifest.json to sound, where text or voice has changed.

.venv/bin/python scripts/render_cues.py          # --all: everything anew

To change a sentence: edit its text in the manifest, run this, listen, commit manifest and sound together. Needs the
extra `speech`: English is spoken by Piper's voice "joe", Swahili by espeak-ng.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.bridge.cue_book import FOLDER, MANIFEST, RATE, text_mark
from simulators.speech.voices import EspeakVoice, PiperVoice, Voice

VOICES: Final = {"en": "piper joe", "sw": "espeak-ng sw"}
WORDS_PER_MINUTE: Final = 185
RMS_DBFS: Final = -20.0
PEAK_DBFS: Final = -3.0
EDGE_MS: Final = 40
_HEARD: Final = 0.01


def main(*, everything: bool) -> None:
    """Render what is due and write the manifest."""
    cues: list[dict[str, Any]] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    voices: dict[str, Voice] = {}
    for cue in cues:
        cue["voice"] = VOICES[cue["language"]]
        mark = text_mark(cue["voice"], cue["text"])
        file = FOLDER / cue["language"] / f"{cue['name']}.pcm"
        if not everything and cue.get("text_mark") == mark and file.exists():
            continue
        language = cue["language"]
        if language not in voices:
            voices[language] = (
                PiperVoice(RATE)
                if language == "en"
                else EspeakVoice(RATE, language=language, words_per_minute=WORDS_PER_MINUTE)
            )
        pcm = finished(voices[language].synthesize(cue["text"]))
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(pcm)
        cue |= {"ms": len(pcm) * 1000 // (2 * RATE), "sha256": hashlib.sha256(pcm).hexdigest(), "text_mark": mark}
        print(f"{file.relative_to(Path.cwd())}: {cue['ms']} ms")
    MANIFEST.write_text(json.dumps(cues, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def finished(pcm: bytes) -> bytes:
    """Without silence at the edges, as loud as the others, whole milliseconds."""
    sound = np.frombuffer(pcm, "<i2").astype(np.float64) / 32_768
    heard = np.flatnonzero(np.abs(sound) > _HEARD)
    edge = EDGE_MS * RATE // 1000
    sound = sound[max(0, heard[0] - edge) : heard[-1] + edge]
    gain = min(
        10 ** (RMS_DBFS / 20) / float(np.sqrt(np.mean(sound**2))), 10 ** (PEAK_DBFS / 20) / float(np.abs(sound).max())
    )
    samples = np.round(sound * gain * 32_767).astype("<i2")
    return bytes(samples[: len(samples) // (RATE // 1000) * (RATE // 1000)].tobytes())


if __name__ == "__main__":
    main(everything="--all" in sys.argv)
