"""The findings on the screen, one line each, or as one JSON object. Secrets and numbers never pass here in full."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from agiza.cli.doctor.findings import Finding, Level

_STYLES: Final[dict[Level, str]] = {"ok": "green", "warning": "yellow", "failure": "bold red"}
_NUMBER: Final = re.compile(r"\+\d{7,15}")
_SECRET_CHARS_MIN: Final = 6


def scrub(findings: Iterable[Finding], secrets: Iterable[str]) -> list[Finding]:
    """The last door: what a check let through by mistake is taken out here."""
    hidden = sorted((each for each in secrets if len(each) >= _SECRET_CHARS_MIN), key=len, reverse=True)

    def clean(text: str) -> str:
        for secret in hidden:
            text = text.replace(secret, "...")
        return _NUMBER.sub(lambda found: f"{found[0][:4]}...{found[0][-2:]}", text)

    return [replace(each, seen=clean(each.seen), mend=clean(each.mend)) for each in findings]


def show(findings: Sequence[Finding], console: Console) -> None:
    """One line per finding; a terminal may break it."""
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        line = Text(f"{finding.level:<8} ", style=_STYLES[finding.level])
        line.append(f"{finding.subject:<{width}}  ", style="bold")
        line.append(finding.seen, style="default")
        if finding.mend:
            line.append(f" -> {finding.mend}", style="default")
        console.print(line, soft_wrap=True, highlight=False)
    counts = counted(findings)
    told = ", ".join(f"{count} {_named(level, count)}" for level, count in reversed(counts.items()))
    console.print(told, style="bold", highlight=False)


def _named(level: Level, count: int) -> str:
    return level if count == 1 or level == "ok" else f"{level}s"


def to_json(findings: Sequence[Finding]) -> str:
    """``{"ok": bool, "failures": n, "warnings": n, "findings": [{subject, level, seen, mend}]}``."""
    counts = counted(findings)
    document: dict[str, Any] = {
        "ok": counts["failure"] == 0,
        "failures": counts["failure"],
        "warnings": counts["warning"],
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(document, ensure_ascii=False)


def counted(findings: Sequence[Finding]) -> dict[Level, int]:
    """How many of each level."""
    return {level: sum(finding.level == level for finding in findings) for level in _STYLES}
