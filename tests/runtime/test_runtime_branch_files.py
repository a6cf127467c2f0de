"""Branch files: every mistake named with file and place."""

from __future__ import annotations

from pathlib import Path

import pytest

from agiza.runtime.branch_files import BranchFilesError, load_branch_file, load_branch_files

BRANCHES = Path(__file__).parents[2] / "branches"


def problems_of(folder: Path) -> tuple[str, ...]:
    with pytest.raises(BranchFilesError) as failure:
        load_branch_files(folder)
    return failure.value.problems


def test_the_branches_of_the_project_can_be_read() -> None:
    loaded = {str(branch.file.branch.id): branch for branch in load_branch_files(BRANCHES)}
    assert "westlands" in loaded
    assert loaded["westlands"].document["branch"]["phone"] == loaded["westlands"].file.branch.phone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("branch: {id: a, id: b}", "line 1, column 17: the key 'id' stands here a second time"),
        ("branch: [unclosed", "line 1, column 18"),
        ("- a list", "must be a mapping"),
        ("", "must be a mapping"),
        ("branch: !!python/object/apply:os.system ['true']", "line 1, column 9"),
        ("branch: {id: .nan}", "has a value that is not text"),
    ],
)
def test_a_broken_file_is_named_with_the_place(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    [problem] = problems_of(tmp_path)
    assert problem.startswith("bad.yaml: ")
    assert expected in problem


def test_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("branch: {}")
    (tmp_path / "two.yaml").write_text("- a list")
    found = problems_of(tmp_path)
    assert len([problem for problem in found if problem.startswith("one.yaml: branch")]) > 1
    assert len([problem for problem in found if problem.startswith("two.yaml: ")]) == 1


def test_words_and_times_stay_words(tmp_path: Path) -> None:
    """YAML 1.1 reads 10:30 as 630, no as false and a date as a date."""
    text = (BRANCHES / "westlands.yaml").read_text().replace('"07:00-23:00"', "07:00-23:00")
    path = tmp_path / "plain.yaml"
    path.write_text(text + "\nextra: [10:30, no, on, 2026-03-06, 0123, true, 12, null]\n")
    with pytest.raises(BranchFilesError) as failure:
        load_branch_file(path)
    assert failure.value.problems == ("plain.yaml: extra: unknown key",) or "extra" in str(failure.value)
    assert "json" not in str(failure.value)


def test_two_files_cannot_be_the_same_branch_or_number(tmp_path: Path) -> None:
    text = (BRANCHES / "westlands.yaml").read_text()
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text(text)
    found = problems_of(tmp_path)
    assert any("b.yaml: branch.id: westlands is already that of a.yaml" in problem for problem in found)
    assert any("b.yaml: branch.phone: " in problem for problem in found)


def test_a_folder_without_branches_is_a_mistake(tmp_path: Path) -> None:
    assert "there is no branch file" in problems_of(tmp_path)[0]


def test_unreadable_files_are_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"branch: {name: caf\xe9}")
    assert problems_of(tmp_path) == ("latin.yaml: cannot be read (UnicodeDecodeError)",)
    monkeypatch.setattr("agiza.runtime.branch_files.FILE_BYTES_MAX", 3)
    assert "larger than 3 bytes" in problems_of(tmp_path)[0]
