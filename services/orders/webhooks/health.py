"""How an endpoint is doing, and how much may be sent to it now: a circuit breaker for each. Pure: time comes in.

    health = after_failure(health, now, is_slow=True, retry_after_s=30, was_probe=False)
    permits(health, now, under_way=3)        # 0: nothing before ``open_until``

*Closed*: up to ``at_once`` deliveries at the same time; fewer after it was slow, one more with each success. *Open*:
after five failures in a row nothing is sent for a second, then two, at most :data:`OPEN_S` at a time. *Half open*: when
that is over, one delivery is the probe. It arrives: closed; it fails: open for longer. What was under way when the
breaker opened counts as a failure and lengthens nothing.
"""

from __future__ import annotations

import email.utils
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

AT_ONCE_MAX: Final = 16
FAILURES_TO_OPEN: Final = 5
OPEN_S: Final = (1.0, 60.0)
"""The first wait, and the longest: a ticket is to be tried each minute, whatever else fails."""
SLOW_STATUSES: Final = frozenset((429, 502, 503, 504))
SLOW_S: Final = 1.0
"""After such an answer nothing is sent for so long, if it does not say how long."""
RETRY_AFTER_MAX_S: Final = 300.0
"""Longer than this no answer silences an endpoint: an order would be cold."""
FAILING_MAX: Final = timedelta(days=5)
"""An endpoint that has answered nothing with 2xx for so long is disabled."""
FAILURES_TO_DISABLE: Final = 10
WARNINGS: Final = (50, 70, 90)
"""Per cent of that time at which people are warned."""

_DOUBLINGS_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Health:
    """``failures`` in a row since ``failing_since``; nothing before ``open_until``; opened ``trips`` times in a row;
    ``warned`` is the last warning, in per cent of :data:`FAILING_MAX`."""

    failures: int = 0
    failing_since: datetime | None = None
    open_until: datetime | None = None
    warned: int = 0
    trips: int = 0
    at_once: int = AT_ONCE_MAX

    @property
    def is_open(self) -> bool:
        """Whether at most one delivery is tried at a time."""
        return self.trips > 0


def as_kept(failures: int, failing_since: datetime | None, open_until: datetime | None, warned: int) -> Health:
    """The health of an endpoint that another process has sent to until now."""
    if failures < FAILURES_TO_OPEN:
        return Health(failures, failing_since, open_until, warned)
    return Health(failures, failing_since, open_until, warned, trips=1, at_once=1)


def permits(health: Health, now: datetime, *, under_way: int) -> int:
    """How many more deliveries may begin now, while so many are under way."""
    if health.open_until is not None and now < health.open_until:
        return 0
    return max(0, (1 if health.is_open else health.at_once) - under_way)


def after_success(health: Health, now: datetime) -> Health:
    """A delivery was answered with 2xx. A pause that another answer asked for goes on."""
    pause = health.open_until
    if health.is_open or (pause is not None and pause <= now):
        pause = None
    if health.failures == 0 and health.at_once == AT_ONCE_MAX and pause == health.open_until:
        return health  # nothing new, as nearly always
    return Health(open_until=pause, at_once=min(AT_ONCE_MAX, health.at_once + 1))


def after_failure(
    health: Health, now: datetime, *, is_slow: bool, retry_after_s: float | None, was_probe: bool
) -> Health:
    """A delivery failed. ``is_slow``: in a way that says too much or too quick; ``was_probe``: it began half open."""
    failures = health.failures + 1
    trips = health.trips
    wait_s = 0.0
    if trips == 0 and failures >= FAILURES_TO_OPEN:
        trips = 1
        wait_s = OPEN_S[0]
    elif trips and was_probe:
        trips += 1
        wait_s = min(OPEN_S[1], OPEN_S[0] * 2 ** min(trips - 1, _DOUBLINGS_MAX))
    if is_slow:
        wait_s = max(wait_s, SLOW_S)
    if retry_after_s is not None:
        wait_s = max(wait_s, min(retry_after_s, RETRY_AFTER_MAX_S))
    until = health.open_until
    if wait_s:
        until = max(until or now, now + timedelta(seconds=wait_s))
    at_once = 1 if trips else max(1, health.at_once // 2) if is_slow else health.at_once
    return replace(
        health,
        failures=failures,
        failing_since=health.failing_since or now,
        open_until=until,
        trips=trips,
        at_once=at_once,
    )


def warning_due(health: Health, now: datetime) -> int | None:
    """The warning, in per cent, that has not been given yet."""
    if health.failing_since is None:
        return None
    share = (now - health.failing_since) / FAILING_MAX * 100
    due = max((level for level in WARNINGS if share >= level), default=0)
    return due if due > health.warned else None


def is_hopeless(health: Health, now: datetime) -> bool:
    """Whether it has only failed for so long that it is disabled."""
    return (
        health.failing_since is not None
        and now - health.failing_since >= FAILING_MAX
        and health.failures >= FAILURES_TO_DISABLE
    )


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """What a header Retry-After asks for, in seconds from now, at most :data:`RETRY_AFTER_MAX_S`; None: nothing.

    Whole seconds or an HTTP date (RFC 9110, 10.2.3). What is neither, or is over, asks for nothing.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return min(seconds, RETRY_AFTER_MAX_S) if seconds > 0 else None
