"""``agiza call`` as a user types it: its own stack, one JSON object, nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.e2e
@pytest.mark.timeout(240)
def test_one_call_prints_exactly_one_json_object(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "agiza.cli.main", "call", "--text", "--json", "--now", "2026-03-06T12:00:00+03:00",
        "--record", str(tmp_path), "--say", "a large fries and two sodas", "--say", "that's all", "--say", "yes",
    ]  # fmt: skip
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DATABASE_", "REDIS_"))}
    answer = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
    )
    assert answer.returncode == 0, answer.stderr
    (line,) = answer.stdout.splitlines()
    result = json.loads(line)
    assert result["outcome"] == "placed"
    assert result["order"]["total_minor"] == 53_000
    assert [line["quantity"] for line in result["order"]["lines"]] == [1, 2]
    assert {"name", "args", "status", "ms"} == set(result["tool_calls"][0])
    assert {"who", "text"} == set(result["transcript"][0])
    assert list(tmp_path.glob("*.wav")), "--record writes what was heard"
