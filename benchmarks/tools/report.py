"""What came out: a line for each way, the bars, and the part of docs/benchmarks.md that keeps both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

BEGIN: Final = "<!-- bench-tools: written by `make bench-tools` -->"
END: Final = "<!-- /bench-tools -->"
P50_MS_MAX: Final = 5.0
P99_MS_MAX: Final = 25.0


@dataclass(frozen=True, slots=True)
class Figures:
    """The times of one way, in milliseconds from the moment at which each was due; infinite where no answer came."""

    way: str
    ms: Sequence[float]
    right: int
    wrong: Mapping[str, int] = field(default_factory=dict)
    """What was not right, and how often."""
    cpu_s: float | None = None
    """CPU time of `orders` for all of them, where it is a process of its own."""

    def percentile(self, share: float) -> float:
        times = sorted(self.ms)
        return times[min(len(times) - 1, int(len(times) * share))]

    @property
    def is_right(self) -> bool:
        """Whether every answer was the right one."""
        return self.right == len(self.ms) > 0

    def line(self) -> str:
        """As a row of the table."""
        shares = " | ".join(f"{self.percentile(share):.1f} ms" for share in (0.5, 0.95, 0.99, 1.0))
        return f"| {self.way} | {self.right} of {len(self.ms)} | {shares} |"


def bars(round_trip: Figures) -> list[tuple[str, str, bool]]:
    """(what, measured, whether met) of each bar."""
    p50, p99 = round_trip.percentile(0.5), round_trip.percentile(0.99)
    return [
        (f"round trip of a function call: p50 <= {P50_MS_MAX:.0f} ms", f"{p50:.1f} ms", p50 <= P50_MS_MAX),
        (f"round trip of a function call: p99 <= {P99_MS_MAX:.0f} ms", f"{p99:.1f} ms", p99 <= P99_MS_MAX),
    ]


def page_part(figures: Sequence[Figures], circumstances: str) -> str:
    """What stands between the markers of the page. The first of ``figures`` is the round trip."""
    judged = bars(figures[0])
    lines = [
        circumstances,
        "",
        "| way | right answers | p50 | p95 | p99 | slowest |",
        "|---|---|---|---|---|---|",
        *(each.line() for each in figures),
        "",
        *(f"- {each.way}: {count} times {what}" for each in figures for what, count in each.wrong.items()),
        *([""] if any(each.wrong for each in figures) else []),
        *(
            f"`orders` spent {each.cpu_s / len(each.ms) * 1000:.1f} ms of CPU on each entry.\n"
            for each in figures
            if each.cpu_s is not None
        ),
        "| bar | measured | |",
        "|---|---|---|",
        *(f"| {what} | {measured} | {'met' if is_met else 'MISSED'} |" for what, measured, is_met in judged),
    ]
    return "\n".join(lines) + "\n"


def is_good(figures: Sequence[Figures]) -> bool:
    """Whether every answer was right and every bar is met."""
    return all(each.is_right for each in figures) and all(is_met for _, _, is_met in bars(figures[0]))
