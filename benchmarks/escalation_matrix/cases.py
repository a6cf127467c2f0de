"""The cases of the matrix, and the chosen few that stand for all of them in the test suite.

A case is one caller of one branch of its own, so that cases can run at once and nobody's phone is rung for another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from agiza.domain.menu_model import Strategy
from simulators.carrier.settings import StreamEnd

Ending = Literal["answered", "busy", "no_answer", "all_fail", "nobody"]
"""What the staff do: the first answers; is busy, or does not pick up, and the second answers; nobody ever picks up;
nobody is on duty."""
Jobs = Literal["up", "killed", "absent"]
"""The job worker of escalation: runs; is killed with -9 in the middle of its jobs; was never started."""

ENDINGS: tuple[Ending, ...] = get_args(Ending)
JOBS: tuple[Jobs, ...] = get_args(Jobs)
READINGS = tuple(StreamEnd)
TALKED: frozenset[Ending] = frozenset({"answered", "busy", "no_answer"})
"""Endings in which the caller must have talked with a person."""


@dataclass(frozen=True, slots=True)
class Case:
    """One call. ``doubled``: the model asks for a person twice, and each request is delivered twice."""

    number: int
    reading: StreamEnd
    ending: Ending
    jobs: Jobs
    doubled: bool
    strategy: Strategy = "stream_stop_dial"

    @property
    def branch_id(self) -> str:
        return f"case-{self.number:03d}"

    @property
    def branch_name(self) -> str:
        """What the model reads in its instruction; it tells it how to behave."""
        return f"Case {self.number:03d}{' doubled' if self.doubled else ''}"

    @property
    def branch_phone(self) -> str:
        return f"+254709{self.number:06d}"

    @property
    def caller(self) -> str:
        return f"+254711{self.number:06d}"

    @property
    def staff(self) -> tuple[str, str]:
        """The phones of the first and the second contact."""
        return f"+254701{self.number:06d}", f"+254702{self.number:06d}"

    @property
    def call_id(self) -> str:
        return f"HD_case{self.number:03d}"

    def __str__(self) -> str:
        twice = ", asked twice" if self.doubled else ""
        return f"{self.branch_id} {self.strategy} {self.reading} {self.ending}, jobs {self.jobs}{twice}"


def whole_matrix() -> tuple[Case, ...]:
    """All 120 of the usual strategy, and 20 of the other."""
    usual = (
        (reading, ending, jobs, doubled, "stream_stop_dial")
        for jobs, reading, ending, doubled in product(JOBS, READINGS, ENDINGS, (False, True))
    )
    other = ((reading, ending, "up", False, "answer_first") for reading, ending in product(READINGS, ENDINGS))
    return _numbered([*usual, *other])  # type: ignore[list-item]  # mypy widens the literals


def chosen_few() -> tuple[Case, ...]:
    """Cases in which every two values of different kinds meet at least once, and each ending of the other strategy."""
    return _numbered([*_pairs(), *_of_answer_first()])


def _pairs() -> Iterator[tuple[StreamEnd, Ending, Jobs, bool, Strategy]]:
    for (row, reading), (column, ending) in product(enumerate(READINGS), enumerate(ENDINGS)):
        place = row + column
        yield reading, ending, JOBS[place % len(JOBS)], place % 2 == 1, "stream_stop_dial"


def _of_answer_first() -> Iterator[tuple[StreamEnd, Ending, Jobs, bool, Strategy]]:
    for column, ending in enumerate(ENDINGS):
        yield READINGS[column % len(READINGS)], ending, "up", False, "answer_first"


def _numbered(values: list[tuple[StreamEnd, Ending, Jobs, bool, Strategy]]) -> tuple[Case, ...]:
    return tuple(Case(number, *each) for number, each in enumerate(values, start=1))
