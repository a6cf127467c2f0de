"""The golden files: one at least of every version of every event, never changed, and all still read by today's code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from test_contracts_events import GOLDEN, known_part

from agiza.contracts import envelope
from agiza.contracts.envelope import Received, Stamp, decode, encode
from agiza.contracts.events import EVENTS, Event
from agiza.contracts.schemas import name_of

MANIFEST = GOLDEN.parent / "golden.sha256"
"""As ``sha256sum golden/*.json`` prints it. A line comes with each new file; none ever changes or goes."""
FILES = sorted(GOLDEN.glob("*.json"))


def line_of(path: Path) -> str:
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  golden/{path.name}"


def stamp_of(received: Received) -> Stamp:
    found = received.envelope
    sequence = None if found.sequence is None else int(found.sequence)
    return Stamp(found.id, found.source, found.time, found.traceparent, sequence)


def test_no_golden_file_was_changed_or_taken_away() -> None:
    listed = MANIFEST.read_text().splitlines()
    there = [line_of(path) for path in FILES]
    gone = [line for line in listed if line not in there]
    assert not gone, f"golden files are of events that are out there, so they stay as they are: {gone}"
    fresh = [line for line in there if line not in listed]
    assert not fresh, f"new golden files: add to {MANIFEST.name}:\n" + "\n".join(fresh)
    assert listed == sorted(set(listed), key=lambda line: line.partition("  ")[2])


def test_every_version_of_every_event_has_one() -> None:
    held = {(golden["type"], golden["dataversion"]) for golden in (json.loads(path.read_text()) for path in FILES)}
    wanted = {(event.type, version) for event in EVENTS for version in range(1, event.version + 1)}
    assert wanted - held == set(), "a version without a golden file can be broken without anybody seeing it"


def test_every_former_version_has_its_step_up() -> None:
    wanted = {(event.type, version) for event in EVENTS for version in range(1, event.version)}
    assert wanted == set(envelope._UPGRADES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_called_what_it_holds(path: Path) -> None:
    golden = json.loads(path.read_text())
    name = name_of(golden["type"], golden["dataversion"])
    assert path.stem == name or path.stem.startswith(f"{name}-"), "further ones of a version: NAME-what-is-special.json"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_read_and_written_again_it_is_the_same(path: Path) -> None:
    """Field by field; what newer fields stand for on top. One of a former version is written as the present one."""
    golden = json.loads(path.read_text())
    received = decode(path.read_bytes())
    again = json.loads(encode(received.event, stamp_of(received)))
    if golden["dataversion"] == received.event.version:
        assert {name: value for name, value in again.items() if name != "data"} == {
            name: value for name, value in golden.items() if name != "data"
        }
        assert known_part(again["data"], golden["data"]) == golden["data"]
    else:
        assert again["dataversion"] == received.event.version
        assert decode(json.dumps(again)).event == received.event


class Reworded(Event):
    """Version 3 of an event, as somebody might make it."""

    type: ClassVar = "agiza.order.rejected"
    version: ClassVar = 3

    order_id: str
    why: str
    is_final: bool

    def stream(self) -> str:
        return "agiza:nowhere"


def test_an_old_event_is_brought_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []

    def rename(data: dict[str, Any]) -> dict[str, Any]:
        steps.append(1)
        return {**data, "why": data["reason"]}

    def decide(data: dict[str, Any]) -> dict[str, Any]:
        steps.append(2)
        return {**data, "is_final": True}

    monkeypatch.setattr(envelope, "_CURRENT", {Reworded.type: Reworded})
    monkeypatch.setattr(envelope, "_UPGRADES", {(Reworded.type, 1): rename, (Reworded.type, 2): decide})
    received = decode((GOLDEN / "agiza.order.rejected.v1.json").read_bytes())
    assert isinstance(received.event, Reworded)
    assert (received.event.why, received.event.is_final, steps) == ("busy", True, [1, 2])
    assert received.envelope.dataversion == 1, "the envelope tells what was sent"


def test_the_events_are_models_whose_versions_count_from_one() -> None:
    assert all(issubclass(event, BaseModel) and event.version >= 1 for event in EVENTS)
    assert len({event.type for event in EVENTS}) == len(EVENTS)
