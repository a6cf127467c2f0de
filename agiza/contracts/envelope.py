"""CloudEvents 1.0 (structured JSON) around the events of :mod:`agiza.contracts.events`.

    encode(event, Stamp(...)) -> bytes        decode(bytes) -> Received(envelope, event)

Extension attributes: ``branchid``, ``callid``, ``sequence`` (position in a branch's order feed), ``traceparent``
(W3C Trace Context) and ``dataversion`` (the event's integer version).

Exceptions::

    ContractError
    +-- MalformedEvent      not an event of ours: broken JSON, missing attribute, wrong field
    +-- UnknownEvent        a type or a version that this build does not know (a newer sender)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agiza.contracts.events import EVENTS, Event

TRACEPARENT_PATTERN = r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"


class ContractError(Exception):
    """A message does not keep the contract. ``retryable`` is False: the same bytes will never be right."""

    retryable = False


class MalformedEvent(ContractError):
    """Not an event of ours. The text names the first wrong field and never repeats its content."""


class UnknownEvent(ContractError):
    """An event type or version that this build does not know."""


class Envelope(BaseModel):
    """The CloudEvents attributes. ``data`` is checked by the event's own class."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"]
    id: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    source: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    type: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataversion: int = Field(ge=1)
    branchid: str
    callid: str | None = None
    sequence: str | None = None
    traceparent: Annotated[str, StringConstraints(pattern=TRACEPARENT_PATTERN)]
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the sender adds to an event. ``source`` is the service ("/agiza/orders")."""

    id: str
    source: str
    time: datetime
    traceparent: str
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A checked event with its envelope."""

    envelope: Envelope
    event: Event


_CURRENT: Mapping[str, type[Event]] = {cls.type: cls for cls in EVENTS}

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
_UPGRADES: Mapping[tuple[str, int], Upgrade] = {}
"""(type, version) -> function that turns ``data`` of that version into the next one. Empty while all are at 1."""


def to_envelope(event: Event, stamp: Stamp) -> dict[str, Any]:
    """The event as a CloudEvents dictionary, ready for JSON. Absent attributes are left out."""
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": stamp.id,
        "source": stamp.source,
        "type": event.type,
        "time": stamp.time.isoformat(),
        "datacontenttype": "application/json",
        "dataversion": event.version,
        "branchid": event.branch_id,
        "traceparent": stamp.traceparent,
        "data": event.model_dump(mode="json"),
    }
    if event.call_id is not None:
        attributes["callid"] = event.call_id
    if stamp.sequence is not None:
        # CloudEvents' sequence extension is a string; zero-padding makes its order the numeric one.
        attributes["sequence"] = f"{stamp.sequence:020d}"
    return attributes


def encode(event: Event, stamp: Stamp) -> bytes:
    """The event as CloudEvents JSON."""
    return Envelope.model_validate(to_envelope(event, stamp)).model_dump_json(exclude_none=True).encode()


def decode(raw: bytes | str) -> Received:
    """Check and open an event. Older versions are upgraded step by step.

    Raises :class:`MalformedEvent` or :class:`UnknownEvent`; neither repeats the content, which may be personal.
    """
    try:
        envelope = Envelope.model_validate_json(raw)
    except ValidationError as error:
        raise MalformedEvent(_first_problem("envelope", error)) from None
    return Received(envelope, event_of(envelope))


def event_of(envelope: Envelope) -> Event:
    """The typed event inside a checked envelope."""
    cls = _CURRENT.get(envelope.type)
    if cls is None:
        raise UnknownEvent(f"event type {envelope.type!r} is not known to this build")
    if envelope.dataversion > cls.version:
        raise UnknownEvent(
            f"{envelope.type} version {envelope.dataversion} is newer than {cls.version}: update this service first"
        )
    content = envelope.data
    for version in range(envelope.dataversion, cls.version):
        content = _UPGRADES[(envelope.type, version)](content)
    try:
        return cls.model_validate(content)
    except ValidationError as error:
        raise MalformedEvent(_first_problem(envelope.type, error)) from None


def _first_problem(where: str, error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    path = ".".join(str(part) for part in problem["loc"]) or "the whole message"
    return f"{where}: {path}: {problem['msg'] if problem['type'] != 'value_error' else 'not allowed'}"
