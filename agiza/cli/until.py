"""A moment as staff say it at the command line: ``18:30``, ``opening``, or a whole one with its zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from agiza.cli.errors import CliError
from agiza.domain.menu import Branch

_CLOCK_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def moment_until(text: str, branch: Branch, now: datetime) -> datetime:
    """The aware moment that ``text`` means at this branch, seen from ``now``. Raises :class:`CliError`.

    A time of day is the next one that the branch's clock shows; ``opening`` is when the branch opens the next time.
    """
    if text == "opening":
        opening = branch.hours.next_opening(now)
        if opening is None:
            raise CliError(f"--until opening: {branch.id} never opens; give a time")
        return opening
    if (match := _CLOCK_TIME.fullmatch(text)) is not None:
        local = now.astimezone(ZoneInfo(branch.timezone))
        then = local.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
        return then if then > local else then + timedelta(days=1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(f"--until {text!r} is no time: write 18:30, opening, or 2026-11-22T18:30:00+03:00") from None
    if moment.tzinfo is None:
        raise CliError(f"--until {text!r} has no time zone: add one, such as +03:00, or write only the time of day")
    return moment


def shown(moment: datetime, branch: Branch) -> str:
    """The moment by the branch's clock: 'Fri 6 Mar 18:30'."""
    local = moment.astimezone(ZoneInfo(branch.timezone))
    return f"{local:%a} {local.day} {local:%b %H:%M}"
