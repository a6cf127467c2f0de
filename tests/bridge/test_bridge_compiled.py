"""The compiled form of the bridge: that it is what is tested, and that it is made of the hot path."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
compile_bridge = importlib.import_module("compile_bridge")
NAMES = [str(path.with_suffix("")).replace("/", ".") for path in compile_bridge.modules()]


def test_every_module_of_the_session_is_compiled_and_every_name_is_one() -> None:
    assert "services.bridge.session.session" in NAMES
    assert "services.bridge.driver" in NAMES
    for path in compile_bridge.modules():
        assert (ROOT / path).is_file(), path


@pytest.mark.skipif(os.environ.get("AGIZA_COMPILED") != "yes", reason="make test-compiled runs this")
def test_what_is_tested_is_machine_code() -> None:
    found = {name: str(importlib.import_module(name).__file__) for name in NAMES}
    assert [name for name, file in found.items() if not file.endswith((".so", ".pyd"))] == []


def test_a_folder_of_somebody_else_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept"
    kept.write_text("mine")
    monkeypatch.setattr(sys, "argv", ["compile_bridge.py", "--into", str(tmp_path)])
    assert compile_bridge.main() == 2
    assert kept.read_text() == "mine"


def test_a_machine_without_a_compiler_is_told_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["compile_bridge.py", "--into", str(tmp_path / "new")])
    assert compile_bridge.main() == 3
    assert "no C compiler" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
