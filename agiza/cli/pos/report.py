"""What a run came to: on the screen, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agiza.cli.errors import CliError
from agiza.cli.pos.evidence import Outcome

_STYLES: Final[dict[Outcome, str]] = {"pass": "green", "warn": "yellow", "fail": "bold red", "not observable": "dim"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was sent, what was seen, what to mend, where it is explained."""

    check: str
    title: str
    outcome: Outcome
    sent: str
    seen: str
    mend: str
    docs: str


@dataclass(frozen=True, slots=True)
class Report:
    """All of them. ``slowest_s`` is the slowest answer."""

    url: str
    findings: Sequence[Finding]
    deliveries: int
    slowest_s: float

    @property
    def failed(self) -> list[str]:
        """The checks that failed."""
        return [finding.check for finding in self.findings if finding.outcome == "fail"]

    @property
    def passed(self) -> bool:
        """Whether none failed. What was not observable is not known to be wrong, and is named."""
        return not self.failed

    def outcome(self, check: str) -> Outcome:
        """How one check came out."""
        return next(finding.outcome for finding in self.findings if finding.check == check)

    def to_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "url": self.url,
            "passed": self.passed,
            "counts": dict(Counter(finding.outcome for finding in self.findings)),
            "deliveries": self.deliveries,
            "slowest_s": self.slowest_s,
            "checks": [asdict(finding) for finding in self.findings],
        }


def show(report: Report, console: Console, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        print(json.dumps(report.to_json(), ensure_ascii=False), flush=True)
        return
    table = Table("", "check", "seen", title=f"{report.url}, {report.deliveries} deliveries", title_justify="left")
    for finding in report.findings:
        table.add_row(Text(finding.outcome, _STYLES[finding.outcome]), finding.title, finding.seen)
    console.print(table)
    for finding in report.findings:
        if finding.outcome == "fail":
            _explain(finding, console)
    counts = Counter(finding.outcome for finding in report.findings)
    line = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    console.print(
        f"{'certified' if report.passed else 'not certified'}: {line}", style="green" if report.passed else "red"
    )


def write(path: Path, report: Report) -> None:
    """Keep it. Raises :class:`CliError` when it cannot be written."""
    try:
        path.write_text(json.dumps(report.to_json(), ensure_ascii=False, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise CliError(f"--report {path}: {error.strerror or error}") from None


def _explain(finding: Finding, console: Console) -> None:
    console.print(Text(f"\n{finding.check}: {finding.title}", "bold red"))
    for name, text in (("sent", finding.sent), ("seen", finding.seen), ("mend", finding.mend), ("docs", finding.docs)):
        console.print(Text(f"  {name}  {text}"), soft_wrap=True)
