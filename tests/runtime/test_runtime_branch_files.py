"""Branch files: every mistake named with file and place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    ("name", "text", "expected"),
    [
        (
            "bad.yaml",
            "\nbranch: {id: .nan}\nx: !!set {a}\n",
            [":2: branch.id: has a value that", ":3: x: has a"],
        ),
        ("bad.yaml", "branch: [unclosed\n", [":2: "]),
        ("bad.yaml", "- a list", [":1: must be a mapping"]),
        ("bad.yaml", "", [":1: must be a mapping"]),
        ("bad.yaml", "\nbranch: !!python/object/apply:os.system ['true']", [":2: could not determine a constructor"]),
        ("bad.yaml", "a: " + "9" * 5000, [":1: "]),
        ("bad.yaml", "[" * 3000, [":1: lists and mappings stand too deep"]),
        ("bad.yaml", "&a [*a]", [":1: lists and mappings stand too deep"]),
        ("bad.json", '{"branch": {},\n "a": [1, 2,]}', [":2: "]),
        ("bad.json", "[" * 3000, [":1: lists and mappings stand too deep"]),
        ("bad.json", '{"branch": NaN, "x": "\\ud83c\\udf55 \\/"}', [":1: branch: has a value that"]),
        ("bad.json", "[1]", [":1: must be a mapping"]),
    ],
)
def test_a_broken_file_is_named_with_the_line(tmp_path: Path, name: str, text: str, expected: list[str]) -> None:
    (tmp_path / name).write_text(text)
    found = problems_of(tmp_path)
    assert len(found) == len(expected), found
    assert all(problem.startswith(f"{name}{start}") for problem, start in zip(found, expected, strict=True)), found


def test_every_mistake_has_its_line(tmp_path: Path) -> None:
    lines = (BRANCHES / "westlands.yaml").read_text().splitlines()
    at = {"branch.currency: is missing: must be a text": 1 + lines.index("branch:")}
    for old, new, place in (
        ("currency: KES", "curency: KES", "branch.curency: is not known here: did you mean currency?"),
        ("id: front", "id: Front", "branch.staff[0].id: must be an id"),
        ("    quantity_max: 3", "    quantity_max: yes", "groups.dip.quantity_max: must be a whole number"),
        ("kitchen: TEA, ", "", "categories[3].items[5].kitchen: is missing: must be a text"),
        ("id: samosa", "id: fries", "categories[2].items[7].id: item 'fries' is given twice"),
        ("name: mandazi, ", "name: mandazi, name: mahamri, ", "the key 'name' stands here a second time"),
    ):
        [number] = [number for number, line in enumerate(lines, start=1) if old in line]
        lines[number - 1] = lines[number - 1].replace(old, new)
        at[place] = number
    (tmp_path / "bad.yaml").write_text("\n".join(lines))
    found = problems_of(tmp_path)
    assert len(found) == len(at), found
    for place, number in at.items():
        assert any(problem.startswith(f"bad.yaml:{number}: {place}") for problem in found), (place, number, found)
    assert list(found) == sorted(found, key=lambda problem: int(problem.split(":")[1]))


def test_json_is_the_same_branch_with_lines_of_its_own(tmp_path: Path) -> None:
    loaded = load_branch_file(BRANCHES / "westlands.yaml")
    text = json.dumps(loaded.document, indent="\t")  # a tab, which YAML forbids
    path = tmp_path / "a.json"
    path.write_text(text)
    [same] = load_branch_files(tmp_path)
    assert (same.document, same.file) == (loaded.document, loaded.file)
    wrong = text.replace('"kitchen": "TEA"', '"kitchen": 7').replace('"min": 0', '"min": 9', 1)
    path.write_text(wrong)
    lines = [1 + wrong[: wrong.index(part)].count("\n") for part in ('"min": 9', '"kitchen": 7')]
    assert [problem.split(" ")[0] for problem in problems_of(tmp_path)] == [f"a.json:{line}:" for line in lines]
    path.write_text(text.replace('"id": "front",', '"id": "front", "id": "front",'))
    [problem] = problems_of(tmp_path)
    assert problem.endswith("the key 'id' stands here a second time: take one out")


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
@given(text=st.text(alphabet="{}[]:,\"\\ab1-\n\t &*!<>|#'?%@", max_size=60))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, name: str, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_text(text)
    with pytest.raises(BranchFilesError) as failure:
        load_branch_file(path)
    assert all(problem.startswith(f"{name}:") for problem in failure.value.problems)


def test_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("branch: {}")
    (tmp_path / "two.yaml").write_text("- a list")
    found = problems_of(tmp_path)
    assert len([problem for problem in found if problem.startswith("one.yaml:1: branch")]) > 1
    assert len([problem for problem in found if problem.startswith("two.yaml:1: ")]) == 1


def test_words_and_times_stay_words(tmp_path: Path) -> None:
    """YAML 1.1 reads 10:30 as 630, no as false and a date as a date."""
    text = (BRANCHES / "westlands.yaml").read_text().replace('"07:00-23:00"', "07:00-23:00")
    path = tmp_path / "plain.yaml"
    path.write_text(text + "\nextra: [10:30, no, on, 2026-03-06, 0123, true, 12, null]\n")
    with pytest.raises(BranchFilesError) as failure:
        load_branch_file(path)
    [problem] = failure.value.problems
    assert problem.endswith("extra: is not known here: take it out")


def test_two_files_cannot_be_the_same_branch_or_number(tmp_path: Path) -> None:
    text = (BRANCHES / "westlands.yaml").read_text()
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text(text)
    found = problems_of(tmp_path)
    assert any("b.yaml:9: branch.id: westlands is already that of a.yaml" in problem for problem in found)
    assert any("b.yaml:11: branch.phone: " in problem for problem in found)


def test_a_folder_without_branches_is_a_mistake(tmp_path: Path) -> None:
    assert "there is no branch file" in problems_of(tmp_path)[0]


def test_unreadable_files_are_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"branch: {name: caf\xe9}")
    assert problems_of(tmp_path) == ("latin.yaml: cannot be read (UnicodeDecodeError)",)
    monkeypatch.setattr("agiza.runtime.branch_files.FILE_BYTES_MAX", 3)
    assert "larger than 3 bytes" in problems_of(tmp_path)[0]
