"""The cue files: what the manifest promises is there, can be heard well, and is small."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from services.bridge.cue_book import FOLDER, MANIFEST, CuesUnusable, load_cues, text_mark
from services.bridge.session.actions import CueName

BYTES_MAX = 3_000_000
CUES = json.loads(MANIFEST.read_text(encoding="utf-8"))


def sound(cue: dict[str, str]) -> np.ndarray:
    return np.fromfile(FOLDER / cue["language"] / f"{cue['name']}.pcm", "<i2") / 32_768


def test_every_language_has_every_cue() -> None:
    book = load_cues()
    assert set(book.times) == {"en", "sw"}
    for language, times in book.times.items():
        assert set(times) == set(get_args(CueName))
        for name, ms in times.items():
            assert len(book.sound(language, name)) == ms * 32


def test_no_file_lies_about_that_the_manifest_does_not_name() -> None:
    named = {f"{cue['language']}/{cue['name']}.pcm" for cue in CUES}
    assert {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*.pcm")} == named
    assert sum(file.stat().st_size for file in FOLDER.rglob("*.pcm")) < BYTES_MAX


@pytest.mark.parametrize("cue", CUES, ids=lambda cue: f"{cue['language']}-{cue['name']}")
def test_a_cue_is_of_its_text_and_can_be_heard_well(cue: dict[str, str]) -> None:
    assert cue["text_mark"] == text_mark(cue["voice"], cue["text"]), "run scripts/render_cues.py"
    samples = sound(cue)
    level_dbfs = 20 * np.log10(np.sqrt(np.mean(samples**2)))
    assert -25 <= level_dbfs <= -17, "neither a whisper nor a shout"
    assert -6 <= 20 * np.log10(np.abs(samples).max()) <= -2.5, "nothing clipped"
    heard = np.flatnonzero(np.abs(samples) > 0.02)
    assert heard[0] < 1_600, "it begins at once"
    assert len(samples) - heard[-1] < 3_200, "and ends with its last word"


@pytest.mark.parametrize("damage", ["changed", "missing", "manifest"])
def test_files_that_do_not_fit_are_refused_with_what_to_do(tmp_path: Path, damage: str) -> None:
    shutil.copytree(FOLDER, tmp_path / "cues")
    file = tmp_path / "cues/en/goodbye.pcm"
    match damage:
        case "changed":
            file.write_bytes(file.read_bytes()[:-2] + b"\1\1")
        case "missing":
            file.unlink()
        case "manifest":
            (tmp_path / "cues/manifest.json").write_text('[{"name": "hello"}]')
    with pytest.raises(CuesUnusable, match="render_cues"):
        load_cues(tmp_path / "cues/manifest.json")


def test_a_cue_longer_than_six_seconds_is_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "cues")
    manifest = tmp_path / "cues/manifest.json"
    cues = json.loads(manifest.read_text(encoding="utf-8"))
    cues[0]["ms"] = 6_001
    manifest.write_text(json.dumps(cues))
    with pytest.raises(CuesUnusable, match="6000"):
        load_cues(manifest)
