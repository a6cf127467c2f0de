"""The page about the simulator says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from simulators.live_api.faults import Faults
from simulators.live_api.script import parse_script

PAGE = (Path(__file__).parents[2] / "docs" / "simulators" / "live-api.md").read_text(encoding="utf-8")


def test_the_example_script_is_one() -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert parse_script(yaml.safe_load(example)).name == "two burgers"


def test_every_fault_is_in_the_table() -> None:
    table = PAGE.split("## Faults")[1].split("## Control API")[0]
    named = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`([^`]+)`", table))))
    assert set(Faults.model_fields) <= named
