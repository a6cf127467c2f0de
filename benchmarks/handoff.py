"""``make bench-handoff``: how long a caller who wants a person waits for us, piece by piece.

    python -m benchmarks.handoff [--calls 40] [--at-once 4]

Whole calls through the real services, with the matrix' carriers, model and callers; the staff pick up. Measured are

- leaving: from the function call of the model to the closed media socket, without the sentence that the caller hears
  in between; with the job worker and without;
- the Dial: from the carrier's request after the stream to the whole document, as the carrier sees it;
- calling: from the closed socket to the staff phone that rings by a call of ours, where the carrier asks nothing (R3)
  or hangs up (R4).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvloop

from benchmarks.escalation_matrix.cases import Case, Jobs
from benchmarks.escalation_matrix.evidence import carry_out
from benchmarks.escalation_matrix.people import Gate
from benchmarks.escalation_matrix.site import Site, open_site
from benchmarks.escalation_matrix.verdict import judge
from simulators.carrier.carrier import LiveCall
from simulators.carrier.settings import StreamEnd

LEAVE_MS_MAX = 500.0
DIAL_MS_MAX = 50.0
WITHOUT_JOBS_MS_MORE = 2_000.0
CALL_MS_MAX = 25_000.0
CALLS_MAX = 1_000
ASKS_AGAIN = (StreamEnd.ASK_VOICE_URL, StreamEnd.NEXT_VERB)
ASKS_NOTHING = (StreamEnd.SILENCE, StreamEnd.HANG_UP)


@dataclass(slots=True)
class Model:
    """What the model has said about its calls, by the branch's name."""

    asked_s: dict[str, float] = field(default_factory=dict)
    sentence_ms: dict[str, float] = field(default_factory=dict)

    def on_line(self, child: str, fields: Mapping[str, Any]) -> None:
        """A log line of any child; only the model's are looked at."""
        if child == "model" and fields.get("event") == "asked":
            self.asked_s.setdefault(fields["branch"], fields["at"])
        elif child == "model" and fields.get("event") == "told":
            self.sentence_ms.setdefault(fields["branch"], fields["sentence_ms"])


@dataclass(frozen=True, slots=True)
class Times:
    """One call in milliseconds; None is what did not happen."""

    case: Case
    leaving_ms: float | None
    dial_ms: float | None
    calling_ms: float | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table. ``share`` of the calls have to keep to ``ms_max``."""

    name: str
    times: Sequence[float]
    wanted: int
    ms_max: float
    share: float

    def percentile(self, share: float) -> float:
        """The time within which this share was done; endless when nothing was measured."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("inf")

    @property
    def is_good(self) -> bool:
        return len(self.times) == self.wanted and self.percentile(self.share) <= self.ms_max

    def line(self) -> str:
        """As printed."""
        shares = "".join(f"{self.percentile(share):10.1f}" for share in (0.5, 0.95, 0.99, 1.0))
        bound = f"p{self.share * 100:.0f} <= {self.ms_max:.0f}"
        verdict = "ok" if self.is_good else "MISSED"
        return f"{self.name:38}{len(self.times):5}/{self.wanted:<5}{shares}   {bound:14} {verdict}"


def cases_of(calls: int) -> tuple[Case, ...]:
    """``calls`` with the worker and as many without, in the readings that ask again; half as many in the others."""
    kinds: list[tuple[StreamEnd, Jobs]] = [
        *((ASKS_AGAIN[n % 2], "up") for n in range(calls)),
        *((ASKS_NOTHING[n % 2], "up") for n in range(calls // 2)),
        *((ASKS_AGAIN[n % 2], "absent") for n in range(calls)),
    ]
    return tuple(
        Case(number, reading, "answered", jobs, doubled=False) for number, (reading, jobs) in enumerate(kinds, start=1)
    )


def times_of(case: Case, model: Model, inbound: LiveCall, placed: Sequence[LiveCall], problems: Sequence[str]) -> Times:
    """What the records say about one call."""
    record = inbound.record
    ended_ms = record.streams[0].ended_ms if record.streams else None
    left_s = None if ended_ms is None else inbound.started_unix_s + ended_ms / 1000
    asked_s, sentence_ms = model.asked_s.get(case.branch_name), model.sentence_ms.get(case.branch_name)
    leaving_ms = None
    if left_s is not None and asked_s is not None and sentence_ms is not None:
        leaving_ms = (left_s - asked_s) * 1000 - sentence_ms
    rung = [live.started_unix_s for live in placed if live.record.to_number in case.staff]
    return Times(
        case,
        leaving_ms,
        next((post.latency_ms for post in record.posts if "Dial" in post.verbs), None),
        (min(rung) - left_s) * 1000 if rung and left_s is not None else None,
        tuple(problems),
    )


def figures_of(times: Sequence[Times]) -> list[Figures]:
    """The table's lines."""
    again = {
        jobs: [t for t in times if t.case.reading in ASKS_AGAIN and t.case.jobs == jobs] for jobs in ("up", "absent")
    }
    leaving = Figures(
        "asked to left, without the sentence", _known(again["up"], "leaving_ms"), len(again["up"]), LEAVE_MS_MAX, 0.95
    )
    without_ms = (leaving.percentile(0.95) if leaving.times else LEAVE_MS_MAX) + WITHOUT_JOBS_MS_MORE
    lines = [
        leaving,
        Figures("request to Dial", _known(again["up"], "dial_ms"), len(again["up"]), DIAL_MS_MAX, 0.99),
        Figures(
            "asked to left, no job worker",
            _known(again["absent"], "leaving_ms"),
            len(again["absent"]),
            without_ms,
            0.95,
        ),
        Figures(
            "request to Dial, no job worker",
            _known(again["absent"], "dial_ms"),
            len(again["absent"]),
            DIAL_MS_MAX + WITHOUT_JOBS_MS_MORE,
            0.99,
        ),
    ]
    for reading in ASKS_NOTHING:
        own = [each for each in times if each.case.reading is reading]
        lines.append(
            Figures(f"{reading}: left to ringing staff phone", _known(own, "calling_ms"), len(own), CALL_MS_MAX, 0.95)
        )
    return lines


def _known(times: Sequence[Times], name: str) -> list[float]:
    return [value for value in (getattr(each, name) for each in times) if value is not None]


async def measure(site: Site, model: Model, cases: Sequence[Case], at_once: int) -> list[Times]:
    """These calls, so many at once; each asks as soon as it was greeted."""
    room = asyncio.Semaphore(at_once)
    gate = Gate()
    gate.opened.set()

    async def one(case: Case) -> Times:
        async with room:
            seen = await carry_out(site, case, gate)
        calls = site.carriers[case.reading].calls
        placed = [live for live in calls.values() if live.record.from_number == case.branch_phone]
        return times_of(case, model, calls[case.call_id], placed, judge(case, seen).problems)

    return list(await asyncio.gather(*map(one, cases)))


async def main() -> int:
    """Exit code 0 only when every call reached its person and every bar was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--at-once", type=int, default=4)
    chosen = parser.parse_args()
    if not (2 <= chosen.calls <= CALLS_MAX and 1 <= chosen.at_once <= CALLS_MAX):
        parser.error(f"2 to {CALLS_MAX} calls")
    began = time.monotonic()
    model, times = Model(), list[Times]()
    cases = cases_of(chosen.calls)
    for jobs in ("up", "absent"):
        own = [case for case in cases if case.jobs == jobs]
        async with open_site(own, jobs=jobs == "up", listener=model.on_line) as site:
            times += await measure(site, model, own, chosen.at_once)
        model = Model()
    for each in times:
        for problem in each.problems:
            print(f"{each.case}: {problem}")
    print(f"{'milliseconds':38}{'measured':>11}{'p50':>10}{'p95':>10}{'p99':>10}{'slowest':>10}")
    figures = figures_of(times)
    for line in figures:
        print(line.line())
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if all(each.is_good for each in figures) and not any(each.problems for each in times) else 1


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
