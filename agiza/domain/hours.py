"""Opening hours: a week of local windows, read from text such as {"mon-fri": "07:00-23:00", "sat": "09:00-02:00"}."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY_MINUTES = 24 * 60
_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)")


class HoursError(ValueError):
    """The text does not say opening hours; the message says why."""


@dataclass(frozen=True, slots=True)
class Window:
    """Open from one minute of a local day to another; a window that ends at or before its start runs past midnight."""

    day: int
    opens_minute: int
    closes_minute: int

    @property
    def length_minutes(self) -> int:
        return (self.closes_minute - self.opens_minute - 1) % _DAY_MINUTES + 1


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """A week of windows in one time zone."""

    timezone: str
    windows: tuple[Window, ...]

    def is_open(self, now: datetime) -> bool:
        """Whether `now` (aware) is inside a window; the closing minute itself is closed."""
        local = self._local(now)
        minute = local.hour * 60 + local.minute
        for window in self.windows:
            days_since = (local.weekday() - window.day) % 7
            passed = days_since * _DAY_MINUTES + minute - window.opens_minute
            if 0 <= passed < window.length_minutes:
                return True
        return False

    def next_opening(self, now: datetime) -> datetime | None:
        """The start of the next window after `now`, in local time; None when the branch never opens."""
        local = self._local(now)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        starts = []
        for window in self.windows:
            days = (window.day - local.weekday()) % 7
            start = midnight + timedelta(days=days, minutes=window.opens_minute)
            starts.append(start if start > local else start + timedelta(days=7))
        return min(starts, default=None)

    def spoken(self) -> str:
        """'Monday to Friday from 7 am to 11 pm, and Saturday from 9 am to 2 am'."""
        by_day: list[tuple[tuple[int, int], ...]] = [
            tuple((w.opens_minute, w.closes_minute) for w in self.windows if w.day == day) for day in range(7)
        ]
        starts = [0, *(day for day in range(1, 7) if by_day[day] != by_day[day - 1]), 7]
        spans = [
            f"{_spoken_days(first, after - 1)} {_spoken_windows(by_day[first])}"
            for first, after in pairwise(starts)
            if by_day[first]
        ]
        return ", and ".join(spans) if spans else "on no day"

    def _local(self, now: datetime) -> datetime:
        if now.tzinfo is None:
            raise ValueError("opening hours are judged at an aware time")
        return now.astimezone(ZoneInfo(self.timezone))


def parse_hours(text: str | Mapping[str, str], timezone: str) -> OpeningHours:
    """Hours of a week. A plain text holds on every day; a mapping names days ('sat') or ranges ('fri-mon').

    A day's text is one window, several with commas between, or 'closed'. Raises HoursError.
    """
    by_key = {"mon-sun": text} if isinstance(text, str) else text
    seen: set[int] = set()
    windows: list[Window] = []
    for key, value in by_key.items():
        for day in _days_of(key):
            if day in seen:
                raise HoursError(f"{DAYS[day]} is given twice")
            seen.add(day)
            windows.extend(_windows_of(day, value))
    if not windows:
        raise HoursError("there is no opening time in the week")
    windows.sort(key=lambda w: (w.day, w.opens_minute))
    _refuse_overlaps(windows)
    return OpeningHours(timezone, tuple(windows))


def _days_of(key: str) -> list[int]:
    first, dash, last = key.strip().lower().partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise HoursError(f"{key!r} is neither a day (mon ... sun) nor a range of days (mon-fri)")
    start = DAYS.index(first)
    count = (DAYS.index(last) - start) % 7 + 1 if dash else 1
    return [(start + offset) % 7 for offset in range(count)]


def _windows_of(day: int, text: str) -> list[Window]:
    if text.strip().lower() == "closed":
        return []
    windows = []
    for part in text.split(","):
        match = _WINDOW.fullmatch(part.strip())
        if match is None:
            raise HoursError(f"{part.strip()!r} is not a window such as 07:00-23:00")
        opens = int(match[1]) * 60 + int(match[2])
        closes = int(match[3]) * 60 + int(match[4])
        if closes > _DAY_MINUTES:
            raise HoursError(f"{part.strip()!r} ends after 24:00")
        if opens == closes:
            raise HoursError(f"{part.strip()!r} is empty; a whole day is 00:00-24:00")
        windows.append(Window(day, opens, closes))
    return windows


def _refuse_overlaps(windows: list[Window]) -> None:
    for window, following in pairwise([*windows, windows[0]]):
        gap_days = (following.day - window.day) % 7
        if gap_days == 0 and following.opens_minute <= window.opens_minute:
            gap_days = 7
        if window.opens_minute + window.length_minutes > gap_days * _DAY_MINUTES + following.opens_minute:
            raise HoursError(f"two windows overlap on {DAYS[following.day]}")


def _spoken_days(first: int, last: int) -> str:
    return _DAY_NAMES[first] if first == last else f"{_DAY_NAMES[first]} to {_DAY_NAMES[last]}"


def _spoken_windows(windows: tuple[tuple[int, int], ...]) -> str:
    return " and ".join(f"from {spoken_minute(opens)} to {spoken_minute(closes)}" for opens, closes in windows)


def spoken_minute(minute: int) -> str:
    """'7 am', '10:30 pm', 'noon', 'midnight' for a minute of the day."""
    hour, rest = divmod(minute % _DAY_MINUTES, 60)
    if rest == 0 and hour in (0, 12):
        return "noon" if hour else "midnight"
    clock = (hour - 1) % 12 + 1
    return f"{clock}{f':{rest:02d}' if rest else ''} {'am' if hour < 12 else 'pm'}"


def spoken_opening(opening: datetime, now: datetime) -> str:
    """'today at 7 am', 'tomorrow at 7 am' or 'on Friday at 7 am'; `opening` is local, as next_opening gives it."""
    days = (opening.date() - now.astimezone(opening.tzinfo).date()).days
    day = {0: "today", 1: "tomorrow"}.get(days, f"on {_DAY_NAMES[opening.weekday()]}")
    return f"{day} at {spoken_minute(opening.hour * 60 + opening.minute)}"
