"""What came out: a table, the bars, and the page that keeps both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.bridge.result import KNEE_MS_MAX, Result, Row

PAGE: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN: Final = "<!-- bench-bridge: written by `make bench-bridge` -->"
END: Final = "<!-- /bench-bridge -->"

_COLUMNS: Final = (
    "bridge",
    "calls",
    "CPU ms per call and s",
    "calls per core",
    "up p50 / p99 ms",
    "down p50 / p99 ms",
    "MB per call",
    "load's own CPU",
)

JUDGED_CALLS: Final = 150
LATENCY_CALLS: Final = 100
LATENCY_MS_MAX: Final = 10.0
MEMORY_MB_MAX: Final = 1.0
NODE_FACTOR: Final = 1.25
PIPECAT_FACTOR: Final = 10.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. ``is_met`` is None where the run did not measure what it needs."""

    what: str
    measured: str
    is_met: bool | None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "MISSED", None: "not measured"}[self.is_met]


def bars(results: Mapping[str, Result]) -> list[Bar]:
    """All of them, in this order, whatever was measured."""
    return [
        _more_calls(results, "node", NODE_FACTOR),
        _later_knee(results, "node", NODE_FACTOR),
        _more_calls(results, "pipecat", PIPECAT_FACTOR),
        _later_knee(results, "pipecat", PIPECAT_FACTOR),
        _quick_enough(results, "up"),
        _quick_enough(results, "down"),
        _small_enough(results),
    ]


def is_good(judged: Sequence[Bar]) -> bool:
    """Whether no bar is missed; one that was not measured is no miss."""
    return all(bar.is_met is not False for bar in judged)


def page_part(results: Sequence[Result], judged: Sequence[Bar], circumstances: Sequence[str]) -> str:
    """The part of the page between its markers, as markdown."""
    knees = [f"| {result.subject.title} | {_knee(result)} |" for result in results if result.knee is not None]
    lines = [
        *circumstances,
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "|---" * len(_COLUMNS) + "|",
        *(_line(result, row) for result in results for row in result.rows),
        *(["", "| bridge | knee |", "|---|---|", *knees] if knees else []),
        "",
        "| bar | measured | |",
        "|---|---|---|",
        *(f"| {bar.what} | {bar.measured} | {bar.verdict} |" for bar in judged),
    ]
    return "\n".join(lines) + "\n"


def into_page(page: str, part: str, begin: str = BEGIN, end: str = END) -> str:
    """The page with this part between the markers; everything else stays. Raises :class:`ValueError` without them."""
    before, begins, rest = page.partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"the page needs the lines {begin} and {end}")
    return f"{before}{begin}\n{part}{end}{after}"


def _line(result: Result, row: Row) -> str:
    faults = [
        f"{row.lost_up} frames lost" if row.lost_up else "",
        f"{row.short_down} of {row.utterances} utterances short" if row.short_down else "",
        f"{row.dropped} calls lost" if row.dropped else "",
        "the load side was too busy" if not row.is_load_fit else "",
    ]
    noted = "; ".join(fault for fault in faults if fault)
    return (
        f"| {result.subject.title} | {row.calls} | {row.cpu_ms:.2f} | {row.calls_per_core:.0f} "
        f"| {row.up_p50:.1f} / {row.up_p99:.1f} | {row.down_p50:.1f} / {row.down_p99:.1f} "
        f"| {row.memory_mb:.2f} | {row.load_share:.0%}{f' ({noted})' if noted else ''} |"
    )


def _knee(result: Result) -> str:
    return f"at least {result.knee}, where the load side ended" if result.knee_is_bound else f"{result.knee}"


def _more_calls(results: Mapping[str, Result], peer: str, factor: float) -> Bar:
    ours, other = results.get("ours"), results.get(peer)
    what = f"calls per core by CPU, at {JUDGED_CALLS} calls: at least {factor:g} x {peer}"
    mine = ours.at(JUDGED_CALLS) if ours else None
    if other is not None and peer == "pipecat":
        held = [row for row in other.rows if row.is_whole]
        what += " at the most that it holds"
        theirs = max(held, key=lambda row: row.calls, default=None)
    else:
        theirs = other.at(JUDGED_CALLS) if other else None
    if mine is None or theirs is None:
        return Bar(what, "", None)
    ratio = mine.calls_per_core / theirs.calls_per_core
    measured = f"{mine.calls_per_core:.0f} to {theirs.calls_per_core:.0f} (at {theirs.calls}): {ratio:.2f} x"
    return Bar(what, measured, mine.is_load_fit and theirs.is_load_fit and ratio >= factor)


def _later_knee(results: Mapping[str, Result], peer: str, factor: float) -> Bar:
    what = f"knee (the most calls with p99 up and down <= {KNEE_MS_MAX:g} ms): at least {factor:g} x {peer}"
    ours, other = results.get("ours"), results.get(peer)
    if ours is None or other is None or ours.knee is None or other.knee is None:
        return Bar(what, "", None)
    if other.knee == 0:
        return Bar(what, f"{_knee(ours)} to none: its p99 is above that with every number of calls", ours.knee > 0)
    ratio = ours.knee / other.knee
    if other.knee_is_bound:  # it may carry more than was tried
        return Bar(what, f"{_knee(ours)} to {_knee(other)}", None)
    return Bar(what, f"{_knee(ours)} to {_knee(other)}: {ratio:.2f} x", ratio >= factor)


def _quick_enough(results: Mapping[str, Result], way: str) -> Bar:
    what = f"added latency {way} at {LATENCY_CALLS} calls: p99 <= {LATENCY_MS_MAX:g} ms"
    row = results["ours"].at(LATENCY_CALLS) if "ours" in results else None
    if row is None:
        return Bar(what, "", None)
    p99 = row.up_p99 if way == "up" else row.down_p99
    return Bar(what, f"{p99:.1f} ms", row.is_whole and p99 <= LATENCY_MS_MAX)


def _small_enough(results: Mapping[str, Result]) -> Bar:
    what = f"memory at {LATENCY_CALLS} calls: <= {MEMORY_MB_MAX:g} MB for each"
    row = results["ours"].at(LATENCY_CALLS) if "ours" in results else None
    return Bar(what, "", None) if row is None else Bar(what, f"{row.memory_mb:.2f} MB", row.memory_mb <= MEMORY_MB_MAX)
