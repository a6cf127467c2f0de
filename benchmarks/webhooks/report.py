"""What came out: the table, the bars, and the part of docs/benchmarks.md that keeps both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.webhooks.down import Down
from benchmarks.webhooks.ledger import Verdict

BEGIN: Final = "<!-- bench-webhooks: written by `make bench-webhooks` -->"
END: Final = "<!-- /bench-webhooks -->"
PER_SECOND_MIN: Final = 500.0
P99_RATIO_MAX: Final = 1.2


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the run, after its beginning was left out: deliveries to the endpoints that are well."""

    hangs: bool
    seconds: float
    ms: Sequence[float]
    """Of each delivery: numbered to answered with 2xx."""
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Side:
    """All windows with, or all without the endpoint that hangs."""

    hangs: bool
    windows: Sequence[Window]

    @property
    def ms(self) -> list[float]:
        return sorted(each for window in self.windows for each in window.ms)

    @property
    def seconds(self) -> float:
        return sum(window.seconds for window in self.windows)

    @property
    def per_second(self) -> float:
        """Deliveries."""
        return len(self.ms) / self.seconds

    @property
    def cores(self) -> float:
        """CPU time of the sending process in a second."""
        return sum(window.cpu_s for window in self.windows) / self.seconds

    def percentile(self, share: float) -> float:
        times = self.ms
        return times[min(len(times) - 1, int(len(times) * share))]

    def line(self) -> str:
        """As a row of the table."""
        name = "with a fifth endpoint that hangs" if self.hangs else "all well"
        shares = " | ".join(f"{self.percentile(share):.1f} ms" for share in (0.5, 0.95, 0.99, 1.0))
        return f"| {name} | {self.per_second:.0f} | {shares} | {100 * self.cores:.0f} % |"


@dataclass(frozen=True, slots=True)
class Figures:
    """The whole run. ``drained``: (deliveries, seconds) of a backlog, sent as quickly as it goes."""

    windows: Sequence[Window]
    drained: tuple[int, float]
    verdicts: Sequence[Verdict]
    down: Down
    left_waiting: int
    """Requests that the endpoint that hangs has taken."""

    def side(self, *, hangs: bool) -> Side:
        return Side(hangs, [window for window in self.windows if window.hangs is hangs])

    @property
    def ratio(self) -> float:
        """p99 beside the endpoint that hangs, to p99 without it."""
        return self.side(hangs=True).percentile(0.99) / self.side(hangs=False).percentile(0.99)


def bars(figures: Figures) -> list[tuple[str, str, bool]]:
    """(what, measured, whether met) of each bar."""
    slower = min(figures.side(hangs=hangs).per_second for hangs in (False, True))
    whole = sum(verdict.is_whole for verdict in figures.verdicts)
    down = figures.down
    return [
        (f"deliveries in a second: >= {PER_SECOND_MIN:.0f}", f"{slower:.0f}", slower >= PER_SECOND_MIN),
        (
            f"p99 beside an endpoint that hangs: <= {P99_RATIO_MAX} times p99 without",
            f"{figures.ratio:.2f}",
            figures.ratio <= P99_RATIO_MAX,
        ),
        (
            "ledgers that hold every event, each order's in order, rightly signed",
            f"{whole} of {len(figures.verdicts)}",
            whole == len(figures.verdicts) > 0,
        ),
        (
            "half an hour down: records that arrived, tickets that arrived or can be replayed",
            f"{down.records_arrived + down.tickets_arrived + down.tickets_replayed} of {down.events}",
            down.is_whole,
        ),
    ]


def is_good(figures: Figures) -> bool:
    """Whether every bar is met."""
    return all(is_met for *_, is_met in bars(figures))


def page_part(figures: Figures, circumstances: str) -> str:
    """What stands between the markers of the page."""
    count, seconds = figures.drained
    events = figures.verdicts[0].events if figures.verdicts else 0
    again = sum(verdict.again for verdict in figures.verdicts)
    down = figures.down
    lines = [
        circumstances,
        "",
        "| four endpoints | deliveries/s | p50 | p95 | p99 | slowest | CPU, % of a core |",
        "|---|---|---|---|---|---|---|",
        *(figures.side(hangs=hangs).line() for hangs in (False, True)),
        "",
        f"A backlog of {count} deliveries was sent in {seconds:.1f} s: {count / seconds:.0f}/s. Of {events} events each"
        f" of the {len(figures.verdicts)} ledgers was compared with the feed; {again} deliveries came twice."
        f" The endpoint that hangs was left with {figures.left_waiting} requests.",
        "",
        f"Down for {down.down_min:.0f} min of virtual time, an order every {down.every_s:.0f} s: {down.attempts_down}"
        f" attempts meanwhile, {down.expired} tickets given up after their quarter of an hour; the last of what was"
        f" waiting arrived {down.caught_up_s:.0f} s after it was back, and the {down.tickets_replayed} tickets that had"
        " been given up came with one replay.",
        "",
        "| bar | measured | |",
        "|---|---|---|",
        *(f"| {what} | {measured} | {'met' if is_met else 'MISSED'} |" for what, measured, is_met in bars(figures)),
        "",
    ]
    return "\n".join(lines)
