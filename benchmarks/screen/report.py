"""What came out: a line for each way, the bars, and the part of docs/benchmarks.md that keeps both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

BEGIN: Final = "<!-- bench-screen: written by `make bench-screen` -->"
END: Final = "<!-- /bench-screen -->"
P95_MS_MAX: Final = 500.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Times in ms to the frame in which the page shows it: from having the function call's answer (``answered``, which
    the bar is about; 0 where the page was quicker), and from sending it (``asked``). ``missed`` were never shown."""

    what: str
    calls: int
    asked_ms: Sequence[float]
    answered_ms: Sequence[float]
    missed: int = 0

    @property
    def is_good(self) -> bool:
        """Whether all were shown, and in time."""
        return not self.missed and len(self.asked_ms) > 0 and percentile(self.answered_ms, 0.95) <= P95_MS_MAX

    def line(self) -> str:
        """As a row of the table."""
        answered, asked = (
            " | ".join(f"{percentile(times, share):.0f} ms" for share in (0.5, 0.95, 1.0)) if times else "- | - | -"
            for times in (self.answered_ms, self.asked_ms)
        )
        shown = f"{len(self.asked_ms)} of {len(self.asked_ms) + self.missed}"
        return (
            f"| {self.what} | {self.calls} | {shown} | {answered} | {asked} | {'met' if self.is_good else 'MISSED'} |"
        )


def percentile(times: Sequence[float], share: float) -> float:
    """The time that this share of them do not exceed; no times are no figure."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def page_part(figures: Sequence[Figures], circumstances: str) -> str:
    """What stands between the markers of the page."""
    lines = [
        circumstances,
        "",
        "| what | other calls | shown | p50 | p95 | slowest | from asking: p50 | p95 | slowest |"
        f" p95 <= {P95_MS_MAX:.0f} ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(each.line() for each in figures),
    ]
    return "\n".join(lines) + "\n"
