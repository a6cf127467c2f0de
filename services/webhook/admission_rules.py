"""Whether one more call is given to the agent: the rule, from what is known at this moment.

    judge(limits, room, counts) -> Verdict

Who is not admitted reaches a person of the branch. Only a number that calls without end is sent away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from services.webhook.fleet import Room

QUOTA_SHARE: Final = 0.9
"""Of the model's sessions so many are used; the rest is for calls that go on with a second session."""

Verdict = Literal[
    "admitted", "caller_limit", "no_bridge", "model_down", "no_slot", "model_quota", "branch_limit", "day_limit",
    "no_redis",
]  # fmt: skip

OF_THE_BRIDGES: Final[frozenset[Verdict]] = frozenset({"no_bridge", "model_down", "no_slot", "model_quota"})
"""What another look at the bridges may change."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is too much. 0 means no limit."""

    caller_calls: int = 0
    caller_window_s: int = 600
    branch_calls: int = 0
    model_sessions: int = 0
    day_calls: int = 0
    day_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """What has been admitted, this call included. ``leases`` are the calls that are in no bridge's count yet."""

    leases: int = 0
    of_caller: int = 0
    of_branch: int = 0
    of_day: int = 0
    day_minutes: float = 0


def judge(limits: Limits, room: Room, counts: Counts) -> Verdict:
    """The first reason against this call, if any."""
    if _is_above(counts.of_caller, limits.caller_calls):
        return "caller_limit"
    if (against := judge_room(limits, room, counts.leases)) != "admitted":
        return against
    if _is_above(counts.of_branch, limits.branch_calls):
        return "branch_limit"
    is_spent = limits.day_minutes > 0 and counts.day_minutes >= limits.day_minutes
    return "day_limit" if is_spent or _is_above(counts.of_day, limits.day_calls) else "admitted"


def judge_room(limits: Limits, room: Room, leases: int) -> Verdict:
    """Whether bridges and model can take it; the same for a new call and for another leg of a live one."""
    if not room.bridges:
        return "no_bridge"
    if not room.is_model_up:
        return "model_down"
    if leases > room.free_slots:
        return "no_slot"
    if limits.model_sessions and room.sessions + leases > limits.model_sessions * QUOTA_SHARE:
        return "model_quota"
    return "admitted"


def _is_above(count: int, limit: int) -> bool:
    return 0 < limit < count
