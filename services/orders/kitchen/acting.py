"""What a click on a ticket does: a kitchen's word, said through :func:`services.orders.moves.tell`.

Each click carries its own id and is carried out once. A word that does not fit any more (another screen was quicker,
the caller has cancelled) is refused with where the order is; one that was said already is no refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from agiza.domain.orders import OrderState
from agiza.runtime.postgres import Connection
from services.orders.moves import Moved, NotMoved, Told, tell
from services.orders.public_api.shapes import CancelReason, RejectReason

ETA_MINUTES_MAX: Final = 180
SHOWN_MAX: Final = 50
RequestId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,100}$")]
ScreenId = Annotated[str, Field(pattern=r"^[a-z0-9]{4,16}$")]


class Click(BaseModel):
    """Where and which: ``screen`` is made once by each browser, ``request_id`` once for each click."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    screen: ScreenId
    request_id: RequestId


class Accept(Click):
    """The kitchen takes it and will have it in so many minutes; said again, the time moves."""

    act: Literal["accept"]
    minutes: int = Field(ge=1, le=ETA_MINUTES_MAX)


class Reject(Click):
    """The kitchen does not take it."""

    act: Literal["reject"]
    reason: RejectReason


class Cancel(Click):
    """The kitchen drops it, at the caller's wish or for a reason of its own."""

    act: Literal["cancel"]
    reason: CancelReason = "caller"


class Simple(Click):
    """Being made (also again, after it was ready), ready, handed over."""

    act: Literal["preparing", "ready", "completed"]


Action = Annotated[Accept | Reject | Cancel | Simple, Field(discriminator="act")]


class Shown(BaseModel):
    """Tickets that a screen shows to somebody now."""

    model_config = ConfigDict(extra="forbid")

    screen: ScreenId
    orders: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]] = Field(min_length=1, max_length=SHOWN_MAX)


@dataclass(frozen=True, slots=True)
class Sayer:
    """Who says it, where and when."""

    branch_id: str
    screen: str
    now: datetime
    traceparent: str


async def carry_out(conn: Connection, order_id: str, action: Action, sayer: Sayer) -> Moved | NotMoved | None:
    """Do it in the caller's transaction; None when the branch has no such order."""
    told = _told(action)
    outcome = await _say(conn, order_id, told, sayer)
    if isinstance(outcome, NotMoved) and outcome.order.state is OrderState.ACCEPTED and told.state is OrderState.READY:
        # One touch takes a ticket off: nobody has to say that it is being made before it is there.
        first = await _say(conn, order_id, Told(OrderState.PREPARING), sayer)
        then = await _say(conn, order_id, told, sayer)
        assert isinstance(first, Moved), "its row is locked by us"
        assert isinstance(then, Moved), "its row is locked by us"
        return Moved(first.order, (*first.steps, *then.steps))
    return outcome


async def note_shown(conn: Connection, orders: Sequence[str], sayer: Sayer) -> list[Moved]:
    """Say ``received`` of each that nobody has said anything of yet: somebody has it before their eyes."""
    moved: list[Moved] = []
    for order_id in sorted(set(orders)):  # two screens that show the same lock in one order
        outcome = await _say(conn, order_id, Told(OrderState.RECEIVED), sayer)
        if isinstance(outcome, Moved) and outcome.steps:
            moved.append(outcome)
    return moved


async def _say(conn: Connection, order_id: str, told: Told, sayer: Sayer) -> Moved | NotMoved | None:
    return await tell(
        conn,
        order_id,
        told,
        branches=(sayer.branch_id,),
        said_by=f"kitchen:{sayer.screen}",
        now=sayer.now,
        traceparent=sayer.traceparent,
    )


def _told(action: Action) -> Told:
    match action:
        case Accept():
            return Told(OrderState.ACCEPTED, eta_minutes=action.minutes)
        case Reject():
            return Told(OrderState.REJECTED, reason=action.reason)
        case Cancel():
            return Told(OrderState.CANCELLED, reason=action.reason)
        case Simple():
            return Told(OrderState(action.act))
