"""The run as a part of docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.bridge.report import Bar
from benchmarks.kill.figures import Figures, Spread

BEGIN: Final = "<!-- bench-kill: written by `make bench-kill` -->"
END: Final = "<!-- /bench-kill -->"


def page_part(figures: Figures, judged: Sequence[Bar], circumstances: str) -> str:
    """What stands between the markers, as markdown."""
    lines = [
        circumstances,
        "",
        f"{figures.calls} calls, {figures.interruptions} interruptions in {figures.seconds:.0f} s; after "
        f"{figures.with_stale} of them audio of the old turn still arrived. The bridge used "
        f"{figures.bridge_share:.0%} of its core and was kept from it by other work for "
        f"{figures.bridge_waited:.0%} of the time. The load side used {figures.load_share:.0%} of its core and was "
        f"{figures.load_late_p99:.1f} ms late at p99"
        f"{'' if figures.is_load_fit else '; it was too busy, so the times are longer than those of the bridge'}.",
        "",
        "| from `interrupted` to | p50 | p99 | longest |",
        "|---|---|---|---|",
        _line("`killAudio` at the carrier", figures.killed),
        _line("the last byte of the old turn at the carrier", figures.stale),
        _line("the end of the last sound of it that the carrier plays", figures.heard),
        "",
        f"Unplayed audio at the carrier: {figures.ahead_ms_p50:.0f} ms at most in the median call, "
        f"{figures.ahead_ms:.0f} ms in the worst.",
        "",
        "| bar | measured | |",
        "|---|---|---|",
        *(f"| {bar.what} | {bar.measured} | {bar.verdict} |" for bar in judged),
    ]
    return "\n".join(lines) + "\n"


def _line(what: str, spread: Spread) -> str:
    return f"| {what} | {spread.p50:.1f} ms | {spread.p99:.1f} ms | {spread.longest:.1f} ms |"
