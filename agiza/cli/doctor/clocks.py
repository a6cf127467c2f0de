"""This machine's clock against others': signatures and media tokens live by it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from agiza.cli.doctor.findings import Finding, failure, ok, warning
from agiza.cli.site import is_loopback

SUBJECT: Final = "clock"
TIMEOUT_S: Final = 4.0
SKEW_LOW_S: Final = 10.0
SKEW_OUT_S: Final = 60.0
"""A media token is good for so long, and a signature for five times that."""


@dataclass(frozen=True, slots=True)
class Told:
    """By whom, and how far that clock is ahead of ours (negative: behind), in seconds."""

    source: str
    ahead_s: float


async def look(urls: Mapping[str, str | None]) -> list[Finding]:
    """Ask each of these servers, by name, for the time; the first that told it counts."""
    asked = [(name, url) for name, url in urls.items() if url is not None]
    told = await asyncio.gather(*(_ask(name, url) for name, url in asked))
    return [judge([each for each in told if each is not None])]


async def _ask(source: str, url: str) -> Told | None:
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=not is_loopback(url)) as http:
            return told_by(source, await http.get(url))
    except httpx.HTTPError:
        return None


def told_by(source: str, response: httpx.Response, now: datetime | None = None) -> Told | None:
    """From a Date header, which has whole seconds; half of the way to us and back is taken off."""
    try:
        date = parsedate_to_datetime(response.headers["date"])
        way_s = response.elapsed.total_seconds() / 2
    except (KeyError, ValueError, TypeError, RuntimeError):
        return None
    if date.tzinfo is None:
        return None
    ours = (now or datetime.now(UTC)).timestamp() - way_s
    return Told(source, date.timestamp() + 0.5 - ours)


def judge(told: Sequence[Told]) -> Finding:
    """The first one counts."""
    if not told:
        return warning(SUBJECT, "nobody told the time", "reach the carrier's API or the public URL first")
    best = told[0]
    off_s = abs(best.ahead_s)
    seen = f"{off_s:.0f} s {'behind' if best.ahead_s > 0 else 'ahead of'} the {best.source}"
    if off_s > SKEW_OUT_S:
        return failure(SUBJECT, seen, "set this machine's clock (NTP): tokens and signatures are refused")
    if off_s > SKEW_LOW_S:
        return warning(SUBJECT, seen, "set this machine's clock (NTP)")
    return ok(SUBJECT, f"within {max(1.0, off_s):.0f} s of the {best.source}")
