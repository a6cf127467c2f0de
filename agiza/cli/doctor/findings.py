"""What a check says, and how checks are run: at the same time, each with its limit, none able to hide another.

findings = await examine([Check("Postgres", look), ...])
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

CHECK_S: Final = 12.0
"""More than any single wait inside a check, so that the check itself can say what did not come."""

Level = Literal["ok", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was seen, and what to mend unless all is well.

    A failure means that callers, or the people who are to be rung, would notice. A warning may be meant so.
    """

    subject: str
    level: Level
    seen: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """``look`` may raise whatever it likes and take as long as it likes."""

    subject: str
    look: Callable[[], Awaitable[Sequence[Finding]]]


def ok(subject: str, seen: str) -> Finding:
    return Finding(subject, "ok", seen)


def warning(subject: str, seen: str, mend: str) -> Finding:
    return Finding(subject, "warning", seen, mend)


def failure(subject: str, seen: str, mend: str) -> Finding:
    return Finding(subject, "failure", seen, mend)


async def examine(checks: Sequence[Check], limit_s: float = CHECK_S) -> list[Finding]:
    """All findings, in the order of the checks."""
    found = await asyncio.gather(*(_bounded(check, limit_s) for check in checks))
    return [finding for findings in found for finding in findings]


async def _bounded(check: Check, limit_s: float) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(limit_s):
            return await check.look()
    except TimeoutError:
        return [failure(check.subject, f"no answer within {limit_s:g} s", "look whether it is overloaded, or cut off")]
    except Exception as error:  # its text may hold anything, so only its kind is told
        kind = type(error).__name__
        return [failure(check.subject, f"could not be looked at ({kind})", "this is a fault of the check: report it")]
