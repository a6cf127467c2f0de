"""Calls that are recorded and gone through again: the same inputs give the same actions."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from bridge_world import open_world
from session_script import FACTS, Script
from typer.testing import CliRunner

from agiza.cli.main import app
from services.bridge.recording import SUFFIX, Recordings, digest_of
from services.bridge.replay import NotARecording, Step, replay
from services.bridge.session import Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i

SECRET_WORDS = "my number is four one two"
PLAIN = {"at", "in", "bytes", "out", "pii_in"}


class Recorded(Script):
    """A script whose inputs are recorded."""

    def __init__(self, folder: Path, *, calls_max: int = 3, limits: Limits | None = None) -> None:
        super().__init__(limits=limits)
        recording = Recordings(folder, calls_max).begin(FACTS, limits or Limits())
        assert recording is not None
        self.recording = recording

    def feed(self, *events: i.Input) -> list[a.Action]:
        done: list[a.Action] = []
        for event in events:
            actions = super().feed(event)
            self.recording.add(event, self.now, actions)
            done += actions
        return done


def a_whole_call(folder: Path, **options: Any) -> Recorded:
    script = Recorded(folder, **options)
    script.talking()
    script.feed(i.CallerSpoke(400), i.CallerWords(SECRET_WORDS))
    script.call("addItem", name="fries", quantity=2)
    script.answer(1, ("c1", "addItem", {"status": "ok", "message": SECRET_WORDS, "cart": {"lines": [1]}}))
    script.feed(i.ResumptionOffered("h1"), i.UsageReported(1, 2, 3, {"prompt_audio": 4}))
    script.feed(i.ToolsCancelled(("c9",)), i.ModelAudio(bytes(480), 24_000), i.ModelInterrupted(), i.TurnCompleted())
    script.call("escalate", start=5, reason="caller_asked")
    script.wait(3_000)
    script.feed(i.CarrierClosed(1006))
    script.recording.close()
    return script


def only_file(folder: Path) -> Path:
    (path,) = folder.glob(f"*{SUFFIX}")
    return path


def steps_of(path: Path) -> list[Step]:
    return list(replay(path.read_bytes()))


def test_same_inputs_give_the_same_actions(tmp_path: Path) -> None:
    script = a_whole_call(tmp_path)
    steps = steps_of(only_file(tmp_path))
    assert all(step.is_as_recorded for step in steps)
    again = [action for step in steps for action in step.actions]
    assert digest_of(again) == digest_of(script.log)
    assert len(again) > 10
    assert steps[-1].phase == "ended"
    assert steps[0].at_ms == 0


def test_what_would_be_done_otherwise_today_is_seen(tmp_path: Path) -> None:
    a_whole_call(tmp_path)
    path = only_file(tmp_path)
    lines = path.read_text().splitlines()
    place = next(n for n, line in enumerate(lines) if '"CallerWords"' in line) - 1
    changed = json.loads(lines[place + 2])
    assert changed["in"] == "ToolsRequested"
    changed["pii_in"]["calls"][0]["args"]["quantity"] = 3
    lines[place + 2] = json.dumps(changed)
    path.write_text("\n".join(lines) + "\n")
    others = [step for step in steps_of(path) if not step.is_as_recorded]
    assert isinstance(others[0].event, i.ToolsRequested)


def test_words_stand_under_their_own_name_and_sound_is_not_kept(tmp_path: Path) -> None:
    a_whole_call(tmp_path)
    text = only_file(tmp_path).read_text()
    assert SECRET_WORDS in text
    for line in map(json.loads, text.splitlines()[1:]):
        assert set(line) <= PLAIN
        line.pop("pii_in", None)
        assert SECRET_WORDS not in json.dumps(line)
    audio = next(json.loads(line) for line in text.splitlines() if '"ModelAudio"' in line)
    assert audio["bytes"]["pcm"] > 0
    assert audio["pii_in"] == {"rate": 24_000, "is_audible": True}


def test_file_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    a_whole_call(folder)
    assert stat.S_IMODE(only_file(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_only_the_last_calls_are_kept_and_none_for_longer_than_a_day(tmp_path: Path) -> None:
    (tmp_path / f"00000000001000-HD_old-0{SUFFIX}").write_text("{}\n")
    for _ in range(5):
        a_whole_call(tmp_path, calls_max=3)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 3
    assert not any("HD_old" in name for name in names)


def test_recording_that_broke_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    a_whole_call(tmp_path)
    path = only_file(tmp_path)
    whole = len(steps_of(path))
    path.write_bytes(path.read_bytes()[:-5])
    assert len(steps_of(path)) == whole - 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not the head"),
        (b"hello\n", "not the head"),
        (b'{"format": 99, "facts": {}, "limits": {}}\n', "format 99"),
        (b'{"format": 1, "facts": {"call_id": "c", "branch_id": "b", "menu_version": 1}, "limits": {}, '
         b'"cue_times": {}}\n{"in": "X"}\n', "line 2"),
    ],
    ids=["empty", "other file", "newer format", "unknown input"],
)  # fmt: skip
def test_other_file_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(NotARecording, match=words):
        list(replay(content))


def test_every_input_can_be_recorded_and_read_again(tmp_path: Path) -> None:
    """A new input without fields of a plain kind would be found out here."""
    from pydantic import TypeAdapter

    for kind in get_args(i.Input):
        assert TypeAdapter(kind).json_schema() is not None


def test_folder_that_cannot_be_written_costs_no_call(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Recordings(tmp_path / "file", 3).begin(FACTS, Limits()) is None


def test_command_shows_inputs_actions_and_phases_without_words(tmp_path: Path) -> None:
    a_whole_call(tmp_path)
    runner = CliRunner()
    shown = runner.invoke(app, ["replay", FACTS.call_id, "--folder", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "ToolsRequested -> " in shown.output
    assert "handing_over" in shown.output
    assert "all as recorded, ended in phase ended" in shown.output
    assert SECRET_WORDS not in shown.output
    assert SECRET_WORDS in runner.invoke(app, ["replay", str(only_file(tmp_path)), "--words"]).output
    path = only_file(tmp_path)
    path.write_text(path.read_text().replace('"out":"', '"out":"x', 1))
    assert runner.invoke(app, ["replay", str(path)]).exit_code == 1


@pytest.mark.integration
async def test_bridge_records_when_it_is_asked_to(
    redis_url: str, redis_urls: Mapping[str, str], tmp_path: Path
) -> None:
    steps: list[object] = ["wait_for_prompt", {"say": "Hello."}, {"wait_for_text": "burger"},
                           {"call": {"name": "addItem"}}, {"say": "Added."}, "end_turn"]  # fmt: skip
    kept = {"agiza_record_calls": 5, "agiza_record_folder": str(tmp_path)}
    async with open_world(redis_url, redis_urls["bridge"], steps, **kept) as world:
        line = await world.call()
        await line.until_heard("Hello")
        line.say("a burger")
        await line.until_heard("Added")
        await line.hang_up()
        await world.around.ended()
    again = steps_of(only_file(tmp_path))
    assert all(step.is_as_recorded for step in again)
    assert again[-1].phase == "ended"
    assert any(isinstance(step.event, i.ToolsAnswered) for step in again)
