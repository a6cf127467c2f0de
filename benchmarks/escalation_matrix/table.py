"""The matrix on the screen: a line for each reading and ending, a column for each way of the jobs, then the totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks.escalation_matrix.cases import ENDINGS, JOBS, READINGS, Case
from benchmarks.escalation_matrix.verdict import Verdict

COLUMNS = tuple((jobs, doubled) for jobs in JOBS for doubled in (False, True))


def lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The whole report, line by line."""
    heads = (f"{jobs}{' x2' if doubled else ''}" for jobs, doubled in COLUMNS)
    yield f"{'stream_stop_dial':22}" + "".join(f"{head:>12}" for head in heads) + f"{'answer_first':>14}"
    for reading in READINGS:
        for ending in ENDINGS:
            own = [each for each in verdicts if (each.case.reading, each.case.ending) == (reading, ending)]
            usual = [each for each in own if each.case.strategy == "stream_stop_dial"]
            cells = [_cell([each for each in usual if (each.case.jobs, each.case.doubled) == at]) for at in COLUMNS]
            other = _cell([each for each in own if each.case.strategy == "answer_first"])
            yield f"{reading:4}{ending:18}" + "".join(f"{cell:>12}" for cell in cells) + f"{other:>14}"
    yield from _totals(verdicts)


def _totals(verdicts: Sequence[Verdict]) -> Iterator[str]:
    good = sum(not each.problems for each in verdicts)
    ends = Counter(each.end for each in verdicts)
    killed = [each for each in verdicts if each.case.jobs == "killed"]
    yield ""
    yield f"{good} of {len(verdicts)} cases in order"
    yield "ends: " + ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
    yield f"double dials: {sum(each.double_dials for each in verdicts)}"
    yield f"stranded callers: {sum(each.is_stranded for each in verdicts)}"
    longest = max((each.seen.silence_ms for each in verdicts), default=0)
    yield f"longest silence of a caller: {longest / 1000:.1f} s"
    if killed:
        running = sum(each.seen.was_mid_job for each in killed)
        yield f"worker killed while the case's own job was running: {running} of {_with_job(killed)} that have one"
    for each in verdicts:
        for problem in each.problems:
            yield f"{each.case}: {problem}"


def _with_job(verdicts: Sequence[Verdict]) -> int:
    """Where nobody is on duty nothing is begun, so no job."""
    return sum(each.case.ending != "nobody" for each in verdicts)


def _cell(found: Sequence[Verdict]) -> str:
    if not found:
        return "-"
    return "FAIL" if any(each.problems for each in found) else found[0].end


def one_line(verdict: Verdict, case: Case) -> str:
    """A case as it is done."""
    return f"{'ok  ' if not verdict.problems else 'FAIL'} {case}: {verdict.end}"
