"""Branch files, and the people in them whom a machine may have to ring."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from agiza.carrier.numbers import MEANINGS, refusal
from agiza.cli.doctor.findings import Finding, failure, ok, warning
from agiza.domain.menu import BranchFile
from agiza.runtime.branch_files import BranchFilesError, branch_paths, load_branch_file, load_branch_files

_OF_PEOPLE = re.compile(r": branch\.staff\b.*phone: |: branch\.phone: ")


def look_at_files(folder: Path) -> tuple[list[BranchFile], list[Finding]]:
    """The branches whose files can be used, and what there is to say about all of them."""
    try:
        branches = [loaded.file for loaded in load_branch_files(folder)]
    except BranchFilesError as error:
        return _usable(folder), judge_problems(error.problems)
    names = ", ".join(branch.branch.id for branch in branches)
    return branches, [ok("branch files", f"{len(branches)}: {names}"), *judge_people(branches)]


def _usable(folder: Path) -> list[BranchFile]:
    files = []
    for path in branch_paths(folder):
        try:
            files.append(load_branch_file(path).file)
        except BranchFilesError:
            continue  # its problems are told already
    return files


def judge_problems(problems: Sequence[str]) -> list[Finding]:
    """Mistakes of the files; those in people's numbers apart."""
    return [
        failure("numbers of people", problem, "give a mobile or fixed line of the branch's country")
        if _OF_PEOPLE.search(problem)
        else failure("branch files", problem, "correct the file; no service starts with it")
        for problem in problems
    ]


def judge_people(branches: Sequence[BranchFile]) -> list[Finding]:
    """Whether there is somebody to ring for each branch, and whether they may be."""
    findings = []
    people = 0
    for branch in branches:
        name, home = branch.branch.id, branch.branch.phone
        if not branch.contacts:
            findings.append(
                warning("numbers of people", f"{name} has nobody to ring", "name contacts in its file for hand-offs")
            )
        people += len(branch.contacts)
        findings += [
            failure("numbers of people", f"{name}: {contact.id} {MEANINGS[reason]}", "correct the branch file")
            for contact in branch.contacts
            if (reason := refusal(contact.phone, home))
        ]
    return findings or [ok("numbers of people", f"{people} people, all with a number that may be rung")]
