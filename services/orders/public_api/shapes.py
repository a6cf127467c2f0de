"""What the orders API takes and gives, as types. Money is minor units of the order's currency; times are ISO 8601, UTC.

A field may be added to an answer at any time: read what you know, ignore the rest.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Header, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from agiza.contracts.events import TicketLine, TicketTax
from agiza.domain.acknowledgement import Alarm
from agiza.domain.orders import OrderState

PAGE_MAX = 200
ETA_MINUTES_MAX = 24 * 60

BranchId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", examples=["westlands"])]
MenuVersion = Annotated[int, Path(ge=1, le=2**31 - 1)]
CallId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
OrderId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
BranchFilter = Annotated[str | None, Query(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
CallFilter = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
StateFilter = Annotated[OrderState | None, Query()]
PageSize = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Cursor = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="`next` of the page before")]
After = Annotated[int, Query(ge=0, le=2**63 - 1, description="The last sequence that is known already")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[A-Za-z0-9_.:-]{8,100}$",
        description="Makes a repetition of this request harmless: it gets the first answer. Kept for 7 days.",
    ),
]

CursorName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$", examples=["till-1"])]
From = Annotated[int, Query(alias="from", ge=1, le=2**63 - 1, description="The first sequence of the range")]
To = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="The last one; left out: as far as it goes")]
Seed = Annotated[
    str,
    Query(pattern=r"^[0-9a-f]{64}$", description="`digest` of the range before, to go on with; zeros for none"),
]

Printable = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", min_length=1, max_length=200)]
RejectReason = Literal["busy", "sold_out", "closed", "too_far", "unclear", "duplicate", "other"]
CancelReason = Literal["caller", "sold_out", "closed", "not_collected", "duplicate", "other"]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Branch(_Answer):
    """A branch. ``menu_version`` is its newest menu."""

    id: str
    name: str
    phone: str
    menu_version: int


class Branches(_Answer):
    """The branches of the key."""

    branches: list[Branch]


class Menu(_Answer):
    """One version of a branch's menu. It never changes. ``document`` is the branch file as it was published."""

    branch_id: str
    version: int
    document: dict[str, Any]


class MenuEntry(_Answer):
    """That a version exists."""

    version: int
    published_at: datetime


class MenuVersions(_Answer):
    """A branch's menus, newest first."""

    branch_id: str
    menus: list[MenuEntry]
    next_before: int | None = Field(description="For the next page: send it as `before`")


class Cart(_Answer):
    """A call's cart, of which nothing is certain before it is placed. What is known of the customer is only named."""

    model_config = ConfigDict(frozen=True, extra="allow")

    cart_id: str
    call_id: str


class ToolCall(_Answer):
    """A function call of the model and its answer."""

    id: str
    name: str
    status: str
    response: dict[str, Any]
    cart_version: int


class ToolCalls(_Answer):
    """In the order in which they were carried out."""

    tool_calls: list[ToolCall]


class Customer(_Answer):
    """What the caller told about themselves. Only for those who serve them."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str | None = None
    phone: str | None = None
    address: str | None = None
    note: str | None = None


class OrderStep(_Answer):
    """One state that the order went through, with what was told then."""

    state: OrderState
    at: datetime
    eta_minutes: int | None = None
    reason: str | None = None
    note: str | None = None


class Order(_Answer):
    """A placed order. ``eta_minutes`` is the time that was told last, ``eta_at`` the moment that it meant. ``taxes``
    add up to ``tax_minor``; null for an order that was placed before they were recorded one by one. ``alarm`` says
    which word of the kitchen is missing though its time is over; ``owned``, that a person has taken the order."""

    order_id: str
    branch_id: str
    call_id: str
    order_number: int
    state: OrderState
    fulfilment: str
    currency: str
    items_minor: int
    delivery_fee_minor: int
    tax_minor: int
    taxes: list[TicketTax] | None
    total_minor: int
    eta_minutes: int | None
    eta_at: datetime | None
    reason: str | None
    note: str | None
    supplement_of: str | None
    pii_customer: Customer
    placed_at: datetime
    updated_at: datetime
    alarm: Alarm | None
    alarm_at: datetime | None
    owned: bool
    owned_at: datetime | None
    pii_owned_by: str | None
    lines: list[TicketLine]
    moves: list[OrderStep]


class Orders(_Answer):
    """One page, newest first. ``next`` is the cursor of the page after it, null on the last one."""

    orders: list[Order]
    next: str | None


class Events(_Answer):
    """Order events as CloudEvents, in order, without a hole. Ask again with the last ``sequence`` as ``after``."""

    events: list[dict[str, Any]]


class FeedCursor(_Answer):
    """How far a reader has acknowledged a branch's events. ``lag`` is how many it has not; ``oldest`` and ``newest``
    are what there is."""

    branch_id: str
    name: str
    acknowledged: int
    oldest: int
    newest: int
    lag: int
    made_by: str = Field(description="The key that made it")
    created_at: datetime
    updated_at: datetime


class FeedCursors(_Answer):
    """All cursors of a branch."""

    cursors: list[FeedCursor]


class CursorEvents(_Answer):
    """What a cursor has not acknowledged yet, oldest first. The same again until it is acknowledged."""

    acknowledged: int
    newest: int
    events: list[dict[str, Any]]


class FeedDigest(_Answer):
    """The hash chain over a range of a branch's events. ``complete`` is false when the range was longer than one
    request takes: go on from ``to`` + 1 with this ``digest`` as ``seed``."""

    branch_id: str
    from_: int = Field(alias="from")
    to: int
    count: int
    seed: str
    digest: str
    complete: bool
    newest: int


class _Word(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SayReceived(_Word):
    """The POS has the order."""

    state: Literal["received"]


class SayAccepted(_Word):
    """The kitchen takes it and tells when it will be there, in minutes from now; said again, the time moves."""

    state: Literal["accepted"]
    eta_minutes: int = Field(ge=1, le=ETA_MINUTES_MAX)


class SayRejected(_Word):
    """The kitchen does not take it."""

    state: Literal["rejected"]
    reason: RejectReason
    note: Printable | None = None


class SayPreparing(_Word):
    """It is being made; also after it was ready, when the kitchen takes it back."""

    state: Literal["preparing"]
    eta_minutes: int | None = Field(default=None, ge=1, le=ETA_MINUTES_MAX)


class SayReady(_Word):
    """It is there; also when the caller asked too late to cancel it."""

    state: Literal["ready"]


class SayCompleted(_Word):
    """It was handed over."""

    state: Literal["completed"]


class SayCancelled(_Word):
    """The kitchen dropped it, at the caller's wish or for a reason of its own."""

    state: Literal["cancelled"]
    reason: CancelReason = "caller"
    note: Printable | None = None


Word = Annotated[
    SayReceived | SayAccepted | SayRejected | SayPreparing | SayReady | SayCompleted | SayCancelled,
    Field(discriminator="state"),
]


class TakeOrder(_Word):
    """Somebody looks after the order from now on."""

    by: Annotated[
        str,
        StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$", min_length=1, max_length=64),
        Field(description="Who: a name that the others at the branch know", examples=["Amina"]),
    ]


class SetCursor(_Word):
    """Where a cursor is to stand: everything up to there counts as acknowledged."""

    sequence: int = Field(ge=0, le=2**63 - 1)


class SetStock(_Word):
    """What the branch is out of, or has again. ``until`` left out: until it is taken back."""

    kind: Literal["item", "option"] = "item"
    name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}(/[a-z0-9][a-z0-9-]{0,63})?$"),
        Field(description="An item's id; an option's id, or GROUP/OPTION", examples=["fries"]),
    ]
    sold_out: bool
    until: AwareDatetime | None = None
    reason: Printable | None = None


class StockEntry(_Answer):
    """One thing that the branch is out of: an item's id, or GROUP/OPTION. ``name`` is null when the menu lost it."""

    entry: str
    name: str | None
    until: datetime | None
    reason: str
    set_at: datetime


class Stock(_Answer):
    """All that the branch is out of at this moment. What is not named is there."""

    branch_id: str
    sold_out: list[StockEntry]
