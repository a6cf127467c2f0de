"""What an attempt means: for its delivery, and for its endpoint. Pure.

verdict = judge(claimed, answer, health, now, chance=0.3, was_probe=False)
verdict.outcome, verdict.health, verdict.disabled_for
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.orders.webhooks.health import (
    SLOW_STATUSES,
    Health,
    after_failure,
    after_success,
    is_hopeless,
    retry_after_s,
    warning_due,
)
from services.orders.webhooks.schedule import next_attempt
from services.orders.webhooks.sending import Answer
from services.orders.webhooks.store_deliveries import Claimed, Outcome

GONE: Final = "the endpoint answered 410 Gone"
HOPELESS: Final = "no delivery has been answered with 2xx for 5 days"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``warned``: people are to be told that so many per cent of the time are over after which it is disabled."""

    outcome: Outcome
    health: Health
    warned: int | None = None
    disabled_for: str | None = None


def judge(
    claimed: Claimed, answer: Answer, health: Health, now: datetime, *, chance: float, was_probe: bool
) -> Verdict:
    """What follows from an attempt that has just ended."""
    attempts = claimed.attempts + 1
    if answer.is_success:
        outcome = Outcome(claimed, now, answer.status, None, answer.duration_ms, "delivered")
        return Verdict(outcome, after_success(health, now))
    asked_s = retry_after_s(answer.retry_after, now) if answer.status in SLOW_STATUSES else None
    is_slow = answer.status in SLOW_STATUSES or answer.error == "timeout"
    health = after_failure(health, now, is_slow=is_slow, retry_after_s=asked_s, was_probe=was_probe)
    warned = warning_due(health, now)
    if warned is not None:
        health = replace(health, warned=warned)
    disabled_for = GONE if answer.error == "gone" else HOPELESS if is_hopeless(health, now) else None
    age_s = (now - claimed.began_at).total_seconds()
    pause_s = next_attempt(claimed.class_, attempts=attempts, age_s=age_s, chance=chance)
    if pause_s is not None and claimed.ticket_since is not None:
        # A ticket waits behind it, and is the first thing to be known: it may not wait for a record's hours.
        ticket_age_s = (now - claimed.ticket_since).total_seconds()
        pause_s = min(pause_s, next_attempt("ticket", attempts=0, age_s=ticket_age_s, chance=chance) or pause_s)
    if pause_s is None:
        outcome = Outcome(claimed, now, answer.status, answer.error, answer.duration_ms, "expired")
    else:
        due_at = now + timedelta(seconds=max(pause_s, asked_s or 0.0))
        outcome = Outcome(claimed, now, answer.status, answer.error, answer.duration_ms, "pending", due_at)
    return Verdict(outcome, health, warned, disabled_for)
