"""What the webhook routes take and give, as types."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.orders.webhooks.endpoints import (
    BRANCHES_MAX,
    DESCRIPTION_CHARS_MAX,
    EVENT_TYPES,
    FORMER_HOURS,
    FORMER_HOURS_MAX,
    URL_CHARS_MAX,
)
from services.orders.webhooks.store_endpoints import EndpointState

SEQUENCE_MAX = 2**53 - 1
"""JSON numbers are exact up to here."""


def _known(type: str) -> str:
    if type not in EVENT_TYPES:
        raise PydanticCustomError("unknown_type", "must be one of {types}", {"types": ", ".join(EVENT_TYPES)})
    return type


WebhookId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["whe_k3fjq2lmv7xw5abc"])]
EventFilter = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Only of this `webhook-id`")]
DeliveryState = Literal["pending", "delivered", "expired"]
DeliveryFilter = Annotated[
    DeliveryState | None, Query(description="`expired`: those that nothing is tried for any more")
]
WebhookCursor = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="`next` of the page before")]
AttemptCursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="`next` of the page before")]
DeliveryCursor = Annotated[
    str | None, Query(pattern=r"^[0-9]{1,16}-[A-Za-z0-9_-]{1,64}$", description="`next` of the page before")
]

Url = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[!-\"$-?A-~]+$", max_length=URL_CHARS_MAX),
    Field(description="https, on port 443, at a public name", examples=["https://pos.example.co.ke/agiza"]),
]
EventType = Annotated[
    str, AfterValidator(_known), Field(json_schema_extra={"enum": list(EVENT_TYPES)}, examples=[EVENT_TYPES[0]])
]
EventTypes = Annotated[
    list[EventType],
    Field(max_length=2 * len(EVENT_TYPES), description="Which events are sent; none: all, later ones too"),
]
BranchName = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9][a-z0-9-]{0,63})$"), Field(examples=["westlands"])]
Description = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=DESCRIPTION_CHARS_MAX), Field(examples=["till 1"])
]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewWebhook(_Request):
    """An endpoint that is to be sent to. Its branches stay as they are; ``*`` is every branch, also later ones."""

    url: Url
    branches: list[BranchName] = Field(min_length=1, max_length=BRANCHES_MAX)
    types: EventTypes = []
    description: Description = ""


class ChangedWebhook(_Request):
    """What is to be changed. What is left out, or null, stays."""

    url: Url | None = None
    types: EventTypes | None = None
    description: Description | None = None
    state: Literal["active", "paused"] | None = Field(
        default=None, description="`paused`: deliveries wait, and expire when their time is over"
    )


class Rotation(_Request):
    """How the old secret ends."""

    former_hours: int = Field(
        default=FORMER_HOURS,
        ge=0,
        le=FORMER_HOURS_MAX,
        description="So long deliveries are signed with the old secret as well; 0: no more from now on",
    )
    drop_former: bool = Field(
        default=False, description="Rotate although the secret before is still good: it ends at once"
    )


class Replay(_Request):
    """Numbers of a branch that are to be sent again, both included."""

    branch_id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", examples=["westlands"])
    first: int = Field(alias="from", ge=1, le=SEQUENCE_MAX)
    last: int = Field(alias="to", ge=1, le=SEQUENCE_MAX)


class Webhook(_Answer):
    """An endpoint. ``failing_since``: no delivery has succeeded since then, in ``failures`` attempts; ``held_until``:
    nothing is tried before. ``former_secret_until``: so long the secret before the last rotation signs as well;
    ``alarm_since``: a ticket has been waiting for too long since then."""

    webhook_id: str
    url: str
    branches: list[str]
    types: list[str]
    description: str
    state: EndpointState
    state_reason: str | None
    failing_since: datetime | None
    failures: int
    held_until: datetime | None
    alarm_since: datetime | None
    former_secret_until: datetime | None
    made_by: str = Field(description="The id of the key that made it")
    created_at: datetime
    updated_at: datetime


class WebhookSecret(Webhook):
    """The endpoint with its new secret, which is shown in this answer and never again."""

    secret: str | None = Field(
        description="`whsec_` and base64. Null in the repetition of a request with the same Idempotency-Key: it was "
        "shown in the first answer; rotate if that was lost"
    )


class Webhooks(_Answer):
    """One page, newest first. ``next`` is the cursor of the page after it, null on the last one."""

    webhooks: list[Webhook]
    next: str | None


class WebhookDeleted(_Answer):
    """It is gone, with its deliveries and attempts."""

    webhook_id: str
    deleted: Literal[True] = True


class Ping(_Answer):
    """A test delivery of type ``agiza.ping`` that goes out now. ``attempts`` is the address where its outcome is."""

    webhook_id: str
    event_id: str = Field(description="The header `webhook-id` of the delivery")
    attempts: str = Field(examples=["/v1/webhooks/whe_k3fjq2lmv7xw5abc/attempts?event_id=EVENT_ID"])


class Replayed(_Answer):
    """What was asked for: of ``events`` in the range, ``queued`` go out again, ``waiting`` were on their way already,
    ``not_subscribed`` are of types that the endpoint does not take."""

    webhook_id: str
    branch_id: str
    first: int = Field(serialization_alias="from", validation_alias="from")
    last: int = Field(serialization_alias="to", validation_alias="to", description="At most the newest that there is")
    events: int
    queued: int
    waiting: int
    not_subscribed: int


class Attempt(_Answer):
    """One request to the endpoint. ``status`` is what it answered; ``error`` a stable word for what went wrong."""

    event_id: str
    attempt: int
    at: datetime
    status: int | None
    error: str | None
    duration_ms: int


class Attempts(_Answer):
    """One page, newest first."""

    attempts: list[Attempt]
    next: str | None


class Delivery(_Answer):
    """One event for the endpoint. ``delivered``: a 2xx came back; ``expired``: nothing is tried any more."""

    event_id: str
    branch_id: str
    sequence: int | None = Field(description="Null for a ping")
    order_id: str | None
    type: str
    delivery_class: Literal["ticket", "record", "ping"] = Field(serialization_alias="class", validation_alias="class")
    state: DeliveryState
    attempts: int
    due_at: datetime | None = Field(description="When the next attempt is; null when there is none")
    began_at: datetime
    settled_at: datetime | None


class Deliveries(_Answer):
    """One page, newest first."""

    deliveries: list[Delivery]
    next: str | None
