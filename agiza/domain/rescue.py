"""Callers whose line fell silent: who is waiting for nothing, and what is done about it.

    judge_handoff(waiting, line, now) -> Rescue        judge_leg(leg, now) -> Rescue

The carrier is known to behave in four ways when our side ends a stream. In two of them it asks again, and the webhook
answers. In the others it stays silent (R3) or hangs up (R4), and nobody asks anybody: what is decided here takes the
caller out of the silence by REST and has them rung back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from agiza.domain.call_state import CallKind, CallOutcome, Phase
from agiza.domain.handoff import PENDING, HandoffState

SILENT = timedelta(seconds=4)
"""A carrier that asks again does so within a second; after this one it is taken to be silent."""
LOST = timedelta(seconds=8)
"""A bridge that should have left and has not said so this long after is gone."""
REPORT = timedelta(seconds=3)
"""After the end of a call, the bridge's word about it may take so long."""
BRIDGE_GONE_S = 8.0
"""A bridge without a heartbeat for so long holds no call any more."""
OFFER_LOST = timedelta(seconds=15)
"""A Stream that no bridge has taken after this will not be taken."""
OFFER_FORGOTTEN = timedelta(seconds=60)
"""Older offers are not judged: then it is we who may have forgotten that a bridge took one."""
TALK_MAX = timedelta(minutes=30)
"""A conversation with a person that was dialled for a caller is ended after this: a limit for toll fraud."""

ALONE_MAX = timedelta(seconds=5)
"""A caller in a room that the other one has left hears nothing any more."""
TALK_MIN = timedelta(seconds=15)
"""Two who have been in a room together for so long have talked."""

CALLER_LEFT = "caller_hung_up"
"""The bridge's word for a media socket that the carrier closed."""


class Rescue(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"
    SETTLED = "settled"
    """Nothing, and it need not be looked at again."""
    CLOSE = "close"
    """The caller has left; nobody waits."""
    HANG_UP = "hang_up"
    """End the call: there is nothing more to hear on it."""
    CALL_BACK = "call_back"
    """The call is over and the customer has a right to another one."""
    FETCH = "fetch"
    """End the call, then call the customer back."""


@dataclass(frozen=True, slots=True)
class Line:
    """The caller's call, as its row tells. `end_reason` is the bridge's word about the newest leg, once it came."""

    kind: CallKind
    phase: Phase
    epoch: int
    ended_at: datetime | None = None
    outcome: CallOutcome | None = None
    end_reason: str | None = None
    offered_at: datetime | None = None
    dialled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A hand-off. `leave_by`: when the bridge must have left; `left_at`: when it said that it had."""

    state: HandoffState
    leave_by: datetime | None
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg that nobody asked a person for.

    `left_at`: when its bridge reported it. `bridge_gone_s`: for how long its bridge has shown no sign of life; None
    while it lives, or nobody can tell. `was_taken`: some bridge is known to have held it.
    """

    line: Line
    left_at: datetime | None = None
    bridge_gone_s: float | None = None
    was_taken: bool = True


def judge_handoff(waiting: Waiting, line: Line | None, now: datetime, *, silent: timedelta = SILENT) -> Rescue:
    """What to do for a caller who was promised a person. `line` is None for a call that was never stored."""
    if waiting.state not in PENDING:
        return Rescue.SETTLED
    if line is None or line.ended_at is not None:
        return _ended_before_the_dial(waiting, line, now)
    if waiting.state is HandoffState.DIAL_SERVED:
        is_over_long = line.dialled_at is not None and now >= line.dialled_at + TALK_MAX
        return Rescue.HANG_UP if is_over_long else Rescue.NOTHING
    if line.phase in (Phase.DIALLING, Phase.CLOSING):
        return Rescue.NOTHING  # the carrier did ask; the webhook's word about it is on its way
    if waiting.left_at is not None:
        return Rescue.FETCH if now >= waiting.left_at + silent else Rescue.NOTHING
    if waiting.leave_by is not None and now >= waiting.leave_by + LOST:
        return Rescue.FETCH
    return Rescue.NOTHING


def _ended_before_the_dial(waiting: Waiting, line: Line | None, now: datetime) -> Rescue:
    if line is None or line.ended_at is None:
        return Rescue.NOTHING
    # Somebody was rung for them, whether or not the word about it has come to us yet.
    was_dialled = waiting.state is HandoffState.DIAL_SERVED or line.dialled_at is not None
    if was_dialled or line.phase is not Phase.ENDED or line.end_reason == CALLER_LEFT:
        return Rescue.CLOSE
    if waiting.left_at is not None or line.end_reason is not None:
        return Rescue.CALL_BACK
    return Rescue.CALL_BACK if now >= line.ended_at + REPORT else Rescue.NOTHING


def judge_room(line: Line | None, alone_since: datetime, now: datetime) -> Rescue:
    """What to do for a caller in a room that the other one has left at `alone_since`."""
    if line is None or line.phase is not Phase.DIALLING or line.dialled_at is None or now < alone_since + ALONE_MAX:
        return Rescue.NOTHING
    have_talked = alone_since - line.dialled_at >= TALK_MIN
    return Rescue.HANG_UP if have_talked else Rescue.FETCH


def judge_leg(leg: Leg, now: datetime, *, silent: timedelta = SILENT) -> Rescue:
    """What to do for a caller whose stream may have ended without anybody having been asked for."""
    line = leg.line
    if line.kind not in (CallKind.INBOUND, CallKind.RING_BACK) or line.dialled_at is not None:
        return Rescue.SETTLED
    if line.ended_at is not None:
        return _once_only(line, _judge_ended(leg, line.ended_at, now))
    if line.phase not in (Phase.OFFERED, Phase.STREAMING):
        return Rescue.SETTLED
    return _once_only(line, _judge_live(leg, now, silent))


def _judge_live(leg: Leg, now: datetime, silent: timedelta) -> Rescue:
    line = leg.line
    if line.end_reason is not None and leg.left_at is not None:
        if now < leg.left_at + silent:
            return Rescue.NOTHING
        # Who heard a goodbye waits for nothing. All others were cut off, whoever closed the socket: their call is live.
        return Rescue.HANG_UP if line.outcome in ("placed", "no_order") else Rescue.FETCH
    if leg.bridge_gone_s is not None and leg.bridge_gone_s >= BRIDGE_GONE_S:
        return Rescue.FETCH
    offered_for = now - line.offered_at if line.offered_at is not None else None
    # Only before the carrier has said that the stream began: a Redis that lost its data knows no bridge either.
    is_open_offer = line.phase is Phase.OFFERED and not leg.was_taken and offered_for is not None
    if is_open_offer and OFFER_LOST <= (offered_for or timedelta(0)) <= OFFER_FORGOTTEN:
        return Rescue.FETCH
    return Rescue.NOTHING


def _judge_ended(leg: Leg, ended_at: datetime, now: datetime) -> Rescue:
    line = leg.line
    if line.offered_at is None or line.outcome in ("placed", "no_order") or line.end_reason == CALLER_LEFT:
        return Rescue.SETTLED
    if line.end_reason is not None:
        return Rescue.CALL_BACK
    if not leg.was_taken:
        return Rescue.SETTLED  # the caller gave up before anybody spoke
    return Rescue.CALL_BACK if now >= ended_at + REPORT else Rescue.NOTHING


def _once_only(line: Line, rescue: Rescue) -> Rescue:
    """A customer whom we rang back is not rung back again."""
    if line.kind is CallKind.INBOUND:
        return rescue
    return {Rescue.FETCH: Rescue.HANG_UP, Rescue.CALL_BACK: Rescue.SETTLED}.get(rescue, rescue)
