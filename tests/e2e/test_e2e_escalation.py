"""The chosen few of the escalation matrix: every pair of reading, staff, jobs and repetition, through all processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.escalation_matrix.cases import chosen_few
from benchmarks.escalation_matrix.run import run

# a stack of its own, whose escalation service is killed
pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(300)]


async def test_every_caller_who_asks_for_a_person_ends_with_one_or_with_a_promise(tmp_path: Path) -> None:
    verdicts = await run(chosen_few(), at_once=15, log_folder=tmp_path, in_a_hurry=True)
    assert [(str(each.case), each.problems, each.seen) for each in verdicts if each.problems] == []
    assert sum(each.double_dials for each in verdicts) == 0
    assert not any(each.is_stranded for each in verdicts)
    assert any(each.seen.was_mid_job for each in verdicts), "no job was running when its worker was killed"
