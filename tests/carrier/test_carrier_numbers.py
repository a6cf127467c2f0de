"""Numbers that a machine may ring, and all the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.carrier.numbers import MEANINGS, refusal, region_of
from agiza.runtime.branch_files import BranchFilesError, load_branch_file, load_branch_files

BRANCHES = Path(__file__).parents[2] / "branches"
HOME = "+254709000002"
US_HOME = "+12025550100"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+254711000001", None),
        ("+254202000000", None),
        ("+254100000001", None),
        ("+254900123456", "invalid"),
        ("+254900000001", "premium"),
        ("+254800720000", "unordinary"),
        ("+447911123456", "foreign"),
        ("+255712345678", "foreign"),
        ("+881612345678", "foreign"),
        ("+870773123456", "foreign"),
        ("+979123456789", "foreign"),
        ("+2540711000001", "malformed"),
        ("0711000001", "malformed"),
        ("+254999", "malformed"),
        ("+25471100000", "invalid"),
        ("+2547110000011", "invalid"),
        ("+254711000001;ext=5", "malformed"),
        ("+٢٥٤٧١١٠٠٠٠٠١", "malformed"),
        ("", "malformed"),
    ],
)
def test_a_number_for_a_kenyan_branch(number: str, expected: str | None) -> None:
    assert refusal(number, HOME) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [("+12125550123", None), ("+18765550123", "foreign"), ("+19005550123", "premium"), ("+18005550123", "unordinary")],
)
def test_a_calling_code_that_many_countries_share(number: str, expected: str | None) -> None:
    assert refusal(number, US_HOME) == expected


@given(st.from_regex(r"\+254900[0-9]{6}", fullmatch=True))
def test_no_premium_number_passes(number: str) -> None:
    assert refusal(number, HOME) in ("premium", "invalid")


@given(st.from_regex(r"\+(?!254)[1-9][0-9]{7,14}", fullmatch=True))
def test_no_foreign_number_passes(number: str) -> None:
    assert refusal(number, HOME) in ("foreign", "malformed")


@given(st.from_regex(r"\+(881|882|883|870|979|808|888)[0-9]{5,12}", fullmatch=True))
def test_no_satellite_or_shared_network_passes_whatever_the_branch(number: str) -> None:
    assert refusal(number, HOME) is not None
    assert refusal(number, number) is not None


@given(st.from_regex(r"\+254[0-9]{5,6}", fullmatch=True))
def test_no_number_of_a_short_length_passes(number: str) -> None:
    assert refusal(number, HOME) is not None


@given(st.from_regex(r"\+2547(0|1[0-9]|2)[0-9]{7}", fullmatch=True).filter(lambda number: len(number) == 13))
def test_ordinary_mobiles_pass(number: str) -> None:
    assert refusal(number, HOME) is None


@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    assert refusal(text, HOME) in (None, *MEANINGS)
    assert refusal(HOME, text) in (None, *MEANINGS)


def test_the_numbers_of_the_shipped_branches_pass() -> None:
    for loaded in load_branch_files(BRANCHES):
        home = loaded.file.branch.phone
        assert region_of(home) == {"KES": "KE", "UGX": "UG"}[loaded.file.branch.currency]
        assert loaded.file.contacts
        assert [refusal(contact.phone, home) for contact in loaded.file.contacts if refusal(contact.phone, home)] == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"+254700000001"', '"+254800720000"', ":22: branch.staff[0].phone: +254800720000 is neither a mobile nor"),
        ('"+254700000002"', '"+254300000002"', ":23: branch.staff[1].phone: +254300000002 is a number that nobody"),
        (f'"{HOME}"', '"+254309000002"', ":11: branch.phone: +254309000002 is a number of no country"),
    ],
)
def test_a_branch_file_with_such_a_number_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "branch.yaml"
    path.write_text((BRANCHES / "westlands.yaml").read_text().replace(old, new))
    with pytest.raises(BranchFilesError) as failure:
        load_branch_file(path)
    [problem] = failure.value.problems
    assert problem.startswith(f"branch.yaml{told}")
