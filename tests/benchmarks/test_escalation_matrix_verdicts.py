"""The judges of the escalation matrix: what looks like a good end and is none must fail the case."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import pytest

from benchmarks.escalation_matrix.cases import ENDINGS, JOBS, READINGS, Case, Ending, chosen_few, whole_matrix
from benchmarks.escalation_matrix.evidence import told_of
from benchmarks.escalation_matrix.people import is_offer, is_refusal
from benchmarks.escalation_matrix.table import lines
from benchmarks.escalation_matrix.verdict import Ring, Seen, judge
from simulators.carrier.record import CallRecord, Post, TalkLine
from simulators.carrier.settings import StreamEnd


def case_of(ending: Ending) -> Case:
    return Case(7, StreamEnd.ASK_VOICE_URL, ending, "up", doubled=False)


FIRST, SECOND = case_of("answered").staff


def dial(number: str, from_s: float, until_s: float, outcome: str = "answered") -> Ring:
    return Ring(number, True, from_s, until_s, outcome)


GOOD = Seen(True, True, 30.0, 3_000, handoffs=("connected",))
ANSWERED = replace(GOOD, rings=(dial(FIRST, 10, 20),), talks=(FIRST,))
CALLED_BACK = replace(ANSWERED, rings=(replace(ANSWERED.rings[0], by_dial=False),), called_back=(FIRST,))
BUSY = replace(GOOD, rings=(dial(FIRST, 10, 11, "busy"), dial(SECOND, 14, 25)), talks=(SECOND,))
UNHEARD = replace(GOOD, rings=(dial(FIRST, 10, 13, "no_answer"), dial(SECOND, 15, 18, "no_answer")))
ALL_FAIL = replace(UNHEARD, told="We will ring you back on this number.", callbacks=("failed",))
NOBODY = replace(GOOD, told="I am sorry, nobody can come.", handoffs=("failed",))


@pytest.mark.parametrize(
    ("ending", "seen", "end"),
    [
        ("answered", ANSWERED, "talked"),
        ("answered", CALLED_BACK, "called_back"),
        ("busy", BUSY, "talked"),
        ("all_fail", ALL_FAIL, "promised"),
        ("nobody", NOBODY, "told"),
        ("nobody", replace(NOBODY, callbacks=("waiting",)), "promised"),
    ],
)  # fmt: skip
def test_good_ends(ending: Ending, seen: Seen, end: str) -> None:
    verdict = judge(case_of(ending), seen)
    assert (verdict.problems, verdict.end, verdict.double_dials, verdict.is_stranded) == ((), end, 0, False)


@pytest.mark.parametrize(
    ("seen", "problem"),
    [
        (replace(BUSY, rings=(dial(FIRST, 10, 13, "busy"), dial(SECOND, 12, 25))), "rang at once"),
        (replace(BUSY, rings=(dial(FIRST, 10, 11, "busy"), dial(FIRST, 12, 13), dial(SECOND, 14, 25))), "twice"),
        (replace(BUSY, rings=(*BUSY.rings, Ring(FIRST, False, 26, 28, "answered"))), "was rung again"),
        (replace(BUSY, rings=(*BUSY.rings[:1], dial(SECOND, 31, 40))), "after the end"),
        (replace(BUSY, rings=(*BUSY.rings, dial("+254700000099", 26, 28))), "no phone of this branch"),
    ],
)
def test_double_dials_are_counted(seen: Seen, problem: str) -> None:
    verdict = judge(case_of("busy"), seen)
    assert verdict.double_dials == 1
    assert problem in verdict.problems[0]


@pytest.mark.parametrize(
    "seen",
    [replace(ANSWERED, silence_ms=12_001), replace(ANSWERED, has_ended=False), replace(ANSWERED, is_answered=False)],
)
def test_stranded_callers_are_counted(seen: Seen) -> None:
    verdict = judge(case_of("answered"), seen)
    assert verdict.is_stranded
    assert len(verdict.problems) == 1


@pytest.mark.parametrize(
    ("ending", "seen", "problem"),
    [
        ("answered", replace(ANSWERED, talks=()), "0 conversations"),
        ("answered", replace(ANSWERED, talks=(FIRST, FIRST)), "2 conversations"),
        ("busy", replace(BUSY, talks=(FIRST,)), "instead of"),
        ("busy", replace(BUSY, rings=BUSY.rings[1:]), "was not busy"),
        ("no_answer", BUSY, "was not no_answer"),
        ("all_fail", replace(ALL_FAIL, callbacks=()), "no open promise"),
        ("all_fail", replace(ALL_FAIL, callbacks=("closed",)), "no open promise"),
        ("all_fail", replace(ALL_FAIL, told=""), "told nothing"),
        ("all_fail", replace(ALL_FAIL, rings=()), "no phone rang"),
        ("all_fail", replace(ALL_FAIL, talks=(FIRST,)), "though nobody could"),
        ("nobody", replace(NOBODY, told=""), "told nothing"),
        ("nobody", replace(NOBODY, rings=ANSWERED.rings), "off duty"),
        ("answered", replace(ANSWERED, violations=("a second Stream",)), "violation"),
        ("answered", replace(ANSWERED, is_settled=False), "not settled"),
        ("answered", replace(ANSWERED, error="lost"), "lost"),
    ],
)
def test_ends_that_are_none(ending: Ending, seen: Seen, problem: str) -> None:
    assert any(problem in each for each in judge(case_of(ending), seen).problems)


def test_the_matrix_has_every_case_once() -> None:
    cases = whole_matrix()
    assert len({str(case)[8:] for case in cases}) == len(cases) == 140
    assert len({case.branch_phone for case in cases}) == 140
    usual = {(c.reading, c.ending, c.jobs, c.doubled) for c in cases if c.strategy == "stream_stop_dial"}
    assert usual == set(product(READINGS, ENDINGS, JOBS, (False, True)))


def test_the_chosen_few_have_every_pair() -> None:
    usual = [case for case in chosen_few() if case.strategy == "stream_stop_dial"]
    kinds = {"reading": READINGS, "ending": ENDINGS, "jobs": JOBS, "doubled": (False, True)}
    for (one, ones), (other, others) in combinations(kinds.items(), 2):
        met = {(getattr(case, one), getattr(case, other)) for case in usual}
        assert met == set(product(ones, others)), (one, other)
    assert {case.ending for case in chosen_few() if case.strategy == "answer_first"} == set(ENDINGS)


@pytest.mark.parametrize(
    ("said", "is_told"),
    [
        ("I am putting you through to a member of our team now.", False),
        ("I am sorry, nobody of our team can come to the phone just now.", True),
        ("We will ring you back.", True),
    ],
)
def test_what_counts_as_told(said: str, is_told: bool) -> None:
    by_agent = CallRecord("HD_1", "+254711000001", "+254709000001", talk=[TalkLine("agent", said, 0)])
    by_carrier = CallRecord("HD_1", "+254711000001", "+254709000001")
    by_carrier.posts.append(Post("u", "voice", "x", 0, verbs=("Say", "Hangup"), answer=f"<Say>{said}</Say>"))
    by_caller = CallRecord("HD_1", "+254711000001", "+254709000001", talk=[TalkLine("caller", said, 0)])
    assert [bool(told_of(each)) for each in (by_agent, by_carrier, by_caller)] == [is_told, is_told, False]


def test_the_caller_takes_an_offer_for_what_it_is() -> None:
    assert is_offer("nobody can come. shall we ring you back?")
    assert not is_offer("we will ring you back.")
    assert is_refusal("nobody can come")


def test_the_table_names_each_problem_and_counts() -> None:
    good = judge(case_of("answered"), ANSWERED)
    bad = judge(replace(case_of("busy"), number=8, reading=StreamEnd.SILENCE), replace(BUSY, silence_ms=20_000))
    text = "\n".join(lines([good, bad]))
    assert "1 of 2 cases in order" in text
    assert "stranded callers: 1" in text
    assert "20.0 s of silence" in text
    assert "FAIL" in next(line for line in text.splitlines() if line.startswith("R3  busy"))
