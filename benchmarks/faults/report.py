"""What came out: faults by kind, the books side by side, and the part of docs/benchmarks.md that keeps both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from benchmarks.faults.ledger import PLACED, Problem
from benchmarks.faults.plan import TITLES, Fault, Kind
from benchmarks.faults.run import Result

BEGIN: Final = "<!-- bench-faults: written by `make bench-faults` -->"
END: Final = "<!-- /bench-faults -->"
SHOWN_MAX: Final = 30


def page_part(result: Result, circumstances: str) -> str:
    """What stands between the markers of the page."""
    lines = [
        circumstances,
        "",
        "| fault | struck | in which form |",
        "|---|---|---|",
        *(_struck(result.struck, kind) for kind in TITLES),
        f"| all | {len(result.struck)} of {result.options.faults} | |",
        "",
        "| what | figure |",
        "|---|---|",
        *(f"| {what} | {figure} |" for what, figure in figures(result)),
        "",
        f"Placed tickets = confirmed orders, and everything else as it must be: {verdict(result)}.",
    ]
    return "\n".join(lines) + "\n"


def figures(result: Result) -> list[tuple[str, str]]:
    """(what, figure) of everything that was counted."""
    accounts, flaws = result.accounts, Counter(problem.flaw for problem in result.problems)
    heard = [each for account in accounts for each in account.heard]
    confirmed = sum(len(account.confirmed) for account in accounts)
    unheard = sum(len(account.unheard) for account in accounts)
    tickets = [row for row in result.books.outbox if row.type == PLACED]
    entries = [row for stream in result.books.streams.values() for row in stream if row.type == PLACED]
    endings = Counter(account.ending for account in accounts)
    late = sum(each.was_pending for each in heard)
    return [
        ("calls", f"{len(accounts)}"),
        ("calls to their end; to a person, after the ladder; given up after refusals",
         f"{endings['placed']}; {endings['person']}; {endings['refused']}"),
        ("orders that callers were told", f"{confirmed}"),
        ("placed, and the answer never heard (told truly when asked again)", f"{unheard}"),
        ("orders; tickets; tickets in the streams of the branches",
         f"{len(result.books.orders)}; {len(tickets)}; {len(entries)}"),
        ("orders lost; doubled; with a wrong total or content",
         f"{flaws['lost']}; {flaws['doubled']}; {flaws['total'] + flaws['lines']}"),
        ("carts that are not what their caller was shown", f"{flaws['cart']}"),
        ("holes in the order numbers; events that a kitchen's reader missed", f"{flaws['number']}; {flaws['kitchen']}"),
        ("function calls; told \"not confirmed yet\" first; without any answer",
         f"{len(heard)}; {late}; {sum(each.response is None for each in heard)}"),
        ("longest wait for a word to tell the caller; for the answer or a person",
         f"{_longest([each.word_ms for each in heard])}; {_longest([each.end_ms for each in heard])}"),
        ("answers swallowed by the proxies; cut off Redis' file",
         f"{result.swallowed}; {result.bytes_cut / 1000:.0f} kB"),
        ("all feeds whole again and read, after the last question", f"{result.whole_after_s:.1f} s"),
        ("processes that ended although nobody had killed them", f"{result.ended_alone}"),
        ("whole run", f"{result.seconds:.0f} s"),
    ]  # fmt: skip


def _struck(struck: Sequence[Fault], kind: Kind) -> str:
    forms = Counter(fault.form for fault in struck if fault.kind == kind)
    named = ", ".join(f"{count} {form}" for form, count in sorted(forms.items()) if form)
    return f"| {TITLES[kind]} | {forms.total()} | {named} |"


def verdict(result: Result) -> str:
    """In a word or two."""
    return "yes" if result.is_good else f"NO, {len(result.problems)} things are wrong"


def told(problems: Sequence[Problem]) -> list[str]:
    """Each problem in a line; of very many the first ones."""
    lines = [f"  {problem.flaw}: {problem.text}" for problem in problems[:SHOWN_MAX]]
    return lines + ([f"  and {len(problems) - SHOWN_MAX} more"] if len(problems) > SHOWN_MAX else [])


def _longest(times_ms: Sequence[int]) -> str:
    return f"{max(times_ms, default=0) / 1000:.1f} s"
