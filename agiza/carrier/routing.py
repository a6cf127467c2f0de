"""Where a number's calls go, set at the carrier.

    wanted = Routing(voice_url, voice_url)
    await route(api, number, wanted)          # Routed(dialect) once reading back shows it, else NotRouted

The carrier's own pages disagree about path, verb and field names of this one request. So each spelling is a row of
:data:`DIALECTS`; they are tried in order, and only what reads back afterwards counts. All of them set the same value,
so trying one more does no harm.

``events_url`` is set to the voice URL itself: a different one diverts the edges of a stream to a URL whose answer
nobody carries out.

Exceptions::

    NotRouted           every spelling was refused or changed nothing; ``tried`` says what came of each
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from agiza.carrier.errors import Refused, Unreachable

VOICE_NAMES: Final = ("voice_callback_url", "voice_url", "routing_url")
EVENTS_NAMES: Final = ("events_url",)
HOPELESS: Final = frozenset((401, 402, 403))
"""Statuses that speak of the key or the wallet: another spelling would be refused alike."""


@dataclass(frozen=True, slots=True)
class Routing:
    """None is "not set"."""

    voice_callback_url: str | None
    events_url: str | None


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """A number of the workspace. ``number_id`` is the carrier's."""

    number_id: str
    e164: str
    status: str
    routing: Routing


@dataclass(frozen=True, slots=True)
class RoutingDialect:
    """One spelling of the request: verb, path after ``/v1/numbers/{id}``, names of its two fields."""

    method: Literal["PUT", "PATCH"]
    suffix: str
    voice_name: str
    events_name: str = "events_url"

    def body(self, routing: Routing) -> dict[str, str | None]:
        """The JSON to send."""
        return {self.voice_name: routing.voice_callback_url, self.events_name: routing.events_url}

    def __str__(self) -> str:
        return f"{self.method} /v1/numbers/{{id}}{self.suffix} ({self.voice_name}, {self.events_name})"


DIALECTS: Final = (
    RoutingDialect("PUT", "/routing", "voice_callback_url"),
    RoutingDialect("PATCH", "/routing", "voice_callback_url"),
    RoutingDialect("PATCH", "/routing", "voice_url"),
    RoutingDialect("PATCH", "", "voice_callback_url"),
    RoutingDialect("PATCH", "", "routing_url"),
)
"""The likeliest first: the one that a running application was seen to use."""


@dataclass(frozen=True, slots=True)
class Routed:
    """It reads back as wanted. ``dialect`` is None when it already was so."""

    dialect: RoutingDialect | None
    before: Routing


class NotRouted(Exception):
    """The carrier did not take it. ``tried`` has one line per spelling, without any URL."""

    retryable = False

    def __init__(self, tried: Sequence[str]) -> None:
        super().__init__("; ".join(tried))
        self.tried = tuple(tried)


class NumbersApi(Protocol):
    """The part of the REST client that is needed here."""

    async def numbers(self) -> tuple[OwnNumber, ...]: ...

    async def set_routing(self, number_id: str, routing: Routing, dialect: RoutingDialect) -> None: ...


async def route(
    api: NumbersApi, number: OwnNumber, wanted: Routing, dialects: Sequence[RoutingDialect] = DIALECTS
) -> Routed:
    """Make the number's calls go to ``wanted``. Safe to repeat.

    Raises :class:`NotRouted`, or the client's error when the carrier is away or refuses the key.
    """
    if number.routing == wanted:
        return Routed(None, number.routing)
    tried: list[str] = []
    for dialect in dialects:
        try:
            await api.set_routing(number.number_id, wanted, dialect)
        except Refused as error:
            if error.status in HOPELESS:
                raise
            tried.append(f"{dialect}: {error}")
            continue
        now = await _read_back(api, number.number_id)
        if now == wanted:
            return Routed(dialect, number.routing)
        tried.append(f"{dialect}: taken, but reads back {'only in part' if _half(now, wanted) else 'unchanged'}")
    raise NotRouted(tried)


async def _read_back(api: NumbersApi, number_id: str) -> Routing:
    for number in await api.numbers():
        if number.number_id == number_id:
            return number.routing
    raise Refused("number_gone")


def _half(now: Routing, wanted: Routing) -> bool:
    return now.voice_callback_url == wanted.voice_callback_url or now.events_url == wanted.events_url


def read_numbers(answer: Mapping[str, Any] | None) -> tuple[OwnNumber, ...]:
    """The workspace's numbers in the carrier's list. Raises :class:`Unreachable` for what is no list of numbers."""
    listed = next((answer[name] for name in ("numbers", "data") if name in answer), None) if answer else None
    if not isinstance(listed, list):
        raise Unreachable("unreadable_answer", 200)
    read = [_number(entry) for entry in listed if isinstance(entry, dict)]
    return tuple(number for number in read if number is not None)


def _number(entry: Mapping[str, Any]) -> OwnNumber | None:
    number_id, e164 = _text(entry, ("id", "number_id")), _text(entry, ("e164", "number"))
    if number_id is None or e164 is None:
        return None
    inner = entry.get("routing")
    fields = {**entry, **inner} if isinstance(inner, dict) else entry
    routing = Routing(_text(fields, VOICE_NAMES), _text(fields, EVENTS_NAMES))
    return OwnNumber(number_id, e164, _text(entry, ("status",)) or "unknown", routing)


def _text(entry: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((entry[name] for name in names if isinstance(entry.get(name), str) and entry[name]), None)
