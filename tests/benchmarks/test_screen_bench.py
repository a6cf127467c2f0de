"""The verdicts of ``make bench-screen``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.bridge.report import into_page
from benchmarks.screen.__main__ import PAGE
from benchmarks.screen.report import BEGIN, END, Figures, page_part

QUICK = Figures("placing an order to its ticket", 20, [100.0] * 95 + [900.0] * 5, [50.0] * 96 + [800.0] * 4)


def test_bar_is_about_the_time_from_the_answer() -> None:
    assert QUICK.is_good
    assert not replace(QUICK, answered_ms=[50.0] * 94 + [501.0] * 6).is_good


def test_what_was_never_shown_or_never_measured_is_not_good() -> None:
    assert not replace(QUICK, missed=1).is_good
    nothing = replace(QUICK, asked_ms=[], answered_ms=[])
    assert not nothing.is_good
    assert "| 0 of 0 | - | - | - | - | - | - | MISSED |" in nothing.line()


def test_table_goes_between_the_markers_of_the_page() -> None:
    part = page_part([QUICK], "`make bench-screen`, a day.")
    assert "| 100 of 100 | 50 ms | 50 ms | 800 ms | 100 ms | 900 ms | 900 ms | met |" in part
    assert part in into_page(PAGE.read_text(), part, BEGIN, END)
