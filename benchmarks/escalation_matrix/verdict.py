"""What is asked of each case. Pure: from what was seen to what was wrong with it.

    judge(case, seen) -> Verdict

Good ends are three: the caller talked with a person, once; or was rung back and talked then; or nobody could be had,
the caller was told so, and what was promised stands in a row that people see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from benchmarks.escalation_matrix.cases import TALKED, Case

SILENCE_MS_MAX = 12_000
OVERLAP_S = 0.05
"""Two clocks that are read one after the other differ by less than this."""
OPEN_CALLBACKS = frozenset({"waiting", "failed"})

End = Literal["talked", "called_back", "promised", "told", "none"]


@dataclass(frozen=True, slots=True)
class Ring:
    """One phone that rang for this caller: by a Dial of their call, or by a call of ours. Times in Unix seconds."""

    number: str
    by_dial: bool
    from_s: float
    until_s: float
    outcome: str

    def overlaps(self, other: Ring) -> bool:
        return self.from_s < other.until_s - OVERLAP_S and other.from_s < self.until_s - OVERLAP_S


@dataclass(frozen=True, slots=True)
class Seen:
    """What one case left behind. ``talks`` are the staff numbers whose voice reached the caller, one per conversation,
    and ``called_back`` those of them on a call that we placed to the caller.

    ``told`` is what the caller heard about not getting anybody: words of the agent or of the carrier.
    """

    is_answered: bool
    has_ended: bool
    ended_s: float
    silence_ms: int
    rings: Sequence[Ring] = ()
    talks: Sequence[str] = ()
    called_back: Sequence[str] = ()
    told: str = ""
    violations: Sequence[str] = ()
    callbacks: Sequence[str] = ()
    handoffs: Sequence[str] = ()
    is_settled: bool = True
    was_mid_job: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``problems`` is empty for a good case; ``double_dials`` and ``is_stranded`` are counted on their own."""

    case: Case
    seen: Seen
    end: End
    double_dials: int
    is_stranded: bool
    problems: tuple[str, ...]


def judge(case: Case, seen: Seen) -> Verdict:
    """The verdict on one case."""
    doubles = double_dials(case, seen)
    stranded = strandings(seen)
    end = end_of(seen)
    problems = [*doubles, *stranded, *(f"violation: {each}" for each in seen.violations), *wrong_ends(case, seen, end)]
    if seen.error:
        problems.append(seen.error)
    if not seen.is_settled:
        problems.append(f"not settled: hand-offs {list(seen.handoffs)}, calls back {list(seen.callbacks)}")
    return Verdict(case, seen, end, len(doubles), bool(stranded), tuple(problems))


def end_of(seen: Seen) -> End:
    """In which state the caller was left."""
    if seen.called_back:
        return "called_back"
    if seen.talks:
        return "talked"
    if seen.told:
        return "promised" if OPEN_CALLBACKS & set(seen.callbacks) else "told"
    return "none"


def double_dials(case: Case, seen: Seen) -> list[str]:
    """Every way in which one caller made phones ring that should not have."""
    problems = [
        f"{first.number} and {second.number} rang at once"
        for first, second in combinations(seen.rings, 2)
        if first.overlaps(second)
    ]
    dialled = [ring.number for ring in seen.rings if ring.by_dial]
    problems += [f"the call dialled {number} twice" for number in sorted({n for n in dialled if dialled.count(n) > 1})]
    problems += [f"{ring.number} was dialled after the end" for ring in seen.rings if _is_after_end(ring, seen)]
    problems += [f"{ring.number} is no phone of this branch" for ring in seen.rings if ring.number not in case.staff]
    if case.ending in TALKED:
        rung = [ring.number for ring in seen.rings]
        again = [number for number in case.staff if rung.count(number) > 1 >= dialled.count(number)]
        problems += [f"{number} was rung again, though somebody could be had" for number in again]
    return problems


def _is_after_end(ring: Ring, seen: Seen) -> bool:
    return ring.by_dial and seen.has_ended and ring.from_s > seen.ended_s + OVERLAP_S


def strandings(seen: Seen) -> list[str]:
    """A caller who was left alone."""
    problems = []
    if not seen.is_answered:
        problems.append("the call was not answered")
    if not seen.has_ended:
        problems.append("the call did not end")
    if seen.silence_ms > SILENCE_MS_MAX:
        problems.append(f"{seen.silence_ms / 1000:.1f} s of silence")
    return problems


def wrong_ends(case: Case, seen: Seen, end: End) -> list[str]:
    """Where the end is not that of the case."""
    if case.ending in TALKED:
        return _wrong_talk(case, seen)
    problems = [f"somebody talked with the caller, though nobody could: {each}" for each in seen.talks]
    if end == "none":
        problems.append("the caller was told nothing")
    if case.ending == "all_fail":
        if not seen.rings:
            problems.append("no phone rang")
        if end != "promised":
            problems.append(f"no open promise: calls back {list(seen.callbacks)}, hand-offs {list(seen.handoffs)}")
    if case.ending == "nobody" and seen.rings:
        problems.append("a phone rang of somebody who is off duty")
    return problems


def _wrong_talk(case: Case, seen: Seen) -> list[str]:
    first, second = case.staff
    wanted = first if case.ending == "answered" else second
    problems = []
    if len(seen.talks) != 1:
        problems.append(f"{len(seen.talks)} conversations with a person instead of one")
    elif seen.talks[0] != wanted:
        problems.append(f"talked with {seen.talks[0]} instead of {wanted}")
    if case.ending != "answered":
        how = "busy" if case.ending == "busy" else "no_answer"
        if not any(ring.number == first and ring.outcome == how for ring in seen.rings):
            problems.append(f"the first contact was not {how}")
    return problems
