"""The command line's refusals: one clear line, exit code 2, nothing started."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from agiza.cli.errors import CliError
from agiza.cli.main import main, moment
from agiza.cli.place import open_hours
from agiza.cli.result import CallResult
from agiza.cli.running import forget_line, running_line, write_line
from agiza.runtime.branch_files import load_branch_file
from agiza.runtime.branch_keys import is_branch_key

ROOT = Path(__file__).parents[2]


@dataclass
class Answer:
    """What a command printed and returned."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def agiza(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Answer]:
    """The command line in this process, in an empty folder, without anything of ours in the environment."""
    for name in ("GEMINI_API_KEY", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("agiza.cli.errors.configure_logging", lambda *_args, **_options: None)

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr("sys.argv", ["agiza", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Answer(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--branch", "nowhere", "--say", "hello"],
            "there is no branch 'nowhere'; there are: cbd, kampala, karen, kilimani, westlands",
        ),
        (["--wav", "missing.wav"], "there is no file missing.wav"),
        ([], "what does the caller say?"),
        (["--say", "  "], "an empty --say"),
        (["--say", "hi", "--wav", "x.wav"], "--wav is the whole caller"),
        (["--say", "hi", "--from", "12"], "is not a number like"),
        (["--say", "hi", "--carrier-mode", "R9"], "none of R1, R2, R3, R4"),
        (["--say", "hi", "--now", "tomorrow"], "is not a moment"),
        (["--say", "hi", "--now", "2026-11-22T12:00:00"], "has no time zone"),
        (["--say", "hi", "--live"], "--live needs the environment variable GEMINI_API_KEY"),
        (["--say", "hi", "--text", "--carrier-url", "http://127.0.0.1:1/voice"], "agiza up"),
        (["--say", "x" * 501], "at most 40 lines of 500 characters"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_call_that_cannot_be_made_says_why_in_one_line(
    arguments: list[str], says: str, agiza: Callable[..., Answer]
) -> None:
    answer = agiza("call", *arguments)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert says in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1, answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_broken_branch_file_is_named_with_its_mistakes(tmp_path: Path, agiza: Callable[..., Answer]) -> None:
    (tmp_path / "broken.yaml").write_text("branch: {id: Bad Id}\ngroups: {}\ncategories: []\n")
    answer = agiza("call", "--branches", str(tmp_path), "--branch", "x", "--say", "hi")
    assert answer.returncode == 2
    assert "broken.yaml" in answer.stderr
    assert "branch.id" in answer.stderr


def test_moments_need_a_zone() -> None:
    assert moment("2026-11-22T12:00:00+03:00") == datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert moment(None) is None
    with pytest.raises(CliError, match="no time zone"):
        moment("2026-11-22T12:00:00")


def test_a_closed_branch_is_called_at_noon_and_told_so() -> None:
    branch = load_branch_file(ROOT / "branches/westlands.yaml").file
    console = Console(record=True, width=200, quiet=False, stderr=True)
    night = datetime(2026, 3, 6, 0, 30, tzinfo=UTC)  # 03:30 in Nairobi
    assert open_hours(branch, night, console) == datetime(2026, 3, 6, 9, tzinfo=UTC)
    assert "is closed at this hour" in console.export_text()
    assert open_hours(branch, datetime(2026, 3, 6, 9, tzinfo=UTC), console) is None


def test_a_running_stack_is_found_by_its_voice_url(tmp_path: Path) -> None:
    from agiza.cli.call import Line
    from agiza.cli.result import Endpoints

    line = Line("http://127.0.0.1:1/carrier/t/voice", Endpoints("w", "o", "e", "token"), "redis://r")
    path = write_line(line, tmp_path)
    assert path.stat().st_mode & 0o077 == 0, "the note holds a token"
    assert running_line(line.voice_url, tmp_path) == line
    with pytest.raises(CliError, match="agiza up"):
        running_line("http://127.0.0.1:2/carrier/t/voice", tmp_path)
    forget_line(tmp_path)
    with pytest.raises(CliError, match="agiza up"):
        running_line(line.voice_url, tmp_path)


def test_the_json_has_exactly_the_documented_keys() -> None:
    result = CallResult("HD_1", "no_order", [], [], [], {}, None)
    documented = json.loads((ROOT / "docs/cli.md").read_text().split("```json")[1].split("```")[0])
    assert set(result.to_json()) == set(documented)
    assert result.to_json()["order"] is None


def test_a_branchs_key_is_printed_for_its_people(agiza: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    branches = str(ROOT / "branches")
    monkeypatch.delenv("AGIZA_SCREEN_SECRET", raising=False)
    assert "AGIZA_SCREEN_SECRET" in agiza("handoffs", "key", "westlands", "--branches", branches).stderr
    monkeypatch.setenv("AGIZA_SCREEN_SECRET", "secret-of-the-screens-0123456789abcdef")
    answer = agiza("handoffs", "key", "westlands", "--branches", branches)
    assert is_branch_key(answer.stdout, "westlands", ["secret-of-the-screens-0123456789abcdef"])
    assert agiza("handoffs", "key", "nowhere", "--branches", branches).returncode == 2
