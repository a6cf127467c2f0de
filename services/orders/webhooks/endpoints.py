"""What a webhook endpoint may be: its URL, its event types, its secret. Pure: nothing is looked up.

    check_url("https://pos.example.co.ke/agiza", allowed=AllowList())     # raises EndpointRefused with what to do
    check_types(["agiza.order.placed"])

A name is judged again at each connection, by the addresses that it has then (:mod:`.addresses`); here only what can be
seen in the URL is refused, so that a mistake is told at once and not by a delivery that fails.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from agiza.contracts.events import EVENTS
from agiza.runtime.standard_webhooks import PREFIX
from services.orders.webhooks.addresses import HTTPS_PORT, AllowList, why_refused, why_url_refused, written_address

URL_CHARS_MAX: Final = 1000
DESCRIPTION_CHARS_MAX: Final = 200
BRANCHES_MAX: Final = 50
ENDPOINTS_PER_BRANCH_MAX: Final = 10
"""Of those that name the branch; endpoints of every branch are counted on their own."""
SECRET_BYTES: Final = 32
FORMER_HOURS: Final = 24
FORMER_HOURS_MAX: Final = 7 * 24
REPLAY_SPAN_MAX: Final = 1000
"""Numbers of a branch that one replay may name: what a POS can take in again without being flooded."""
PINGS_MAX: Final = 5
"""Test deliveries of one endpoint without an outcome."""
EVERY_BRANCH: Final = "*"
EVENT_TYPES: Final[tuple[str, ...]] = tuple(event.type for event in EVENTS if event.type.startswith("agiza.order."))
"""What an endpoint can subscribe to: the numbered events of a branch."""

_ID_BYTES: Final = 10
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label of this kind is no domain: whatever has it is meant as an address, or read as one somewhere."""
_INSIDE: Final = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_PORTS: Final = {"https": HTTPS_PORT, "http": 80}

RandomBytes = Callable[[int], bytes]
Reason = Literal[
    "url-not-valid",
    "url-not-https",
    "url-credentials",
    "url-fragment",
    "url-port",
    "url-private",
    "type-unknown",
    "branches-not-valid",
    "too-many-endpoints",
    "rotation-running",
    "not-active",
    "too-many-pings",
    "range-not-valid",
]


class EndpointRefused(ValueError):
    """An endpoint cannot be set up like this. ``reason`` is stable; the text says what to do and repeats no value."""

    retryable = False

    def __init__(self, reason: Reason, text: str, allowed: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.reason: Reason = reason
        self.allowed = tuple(allowed)


def check_url(url: str, *, allowed: AllowList) -> None:
    """Raise :class:`EndpointRefused` for an address that is never sent to.

    Only a host that the operator allows may be inside the network, be spoken to without TLS, or listen on another port
    than 443. What is taken here is taken by the engine too, as far as the URL goes.
    """
    parts, port = _split(url)
    host = parts.hostname or ""
    if parts.username is not None or parts.password is not None:
        raise EndpointRefused("url-credentials", "leave out what stands before the @: deliveries are signed instead")
    if "#" in url:
        raise EndpointRefused("url-fragment", "leave out the # and what follows: it is never sent")
    if allowed.names(host, port):
        return
    if (inside := _why_inside(host, allowed)) is not None:
        raise EndpointRefused(
            "url-private", f"the host is {inside}: give a public name, or have the operator allow the host"
        )
    if parts.scheme != "https":
        raise EndpointRefused("url-not-https", "the URL must begin with https://")
    if why_url_refused(url, allowed) is not None:
        raise EndpointRefused("url-port", f"deliveries go to port {HTTPS_PORT}: leave the port out")


def check_types(types: Iterable[str]) -> tuple[str, ...]:
    """The types in the order of the contract, each once; none is all of them. Raises :class:`EndpointRefused`."""
    wanted = set(types)
    if wanted - set(EVENT_TYPES):
        raise EndpointRefused("type-unknown", f"a type is one of {', '.join(EVENT_TYPES)}", EVENT_TYPES)
    return tuple(each for each in EVENT_TYPES if each in wanted)


def check_branches(branches: Iterable[str]) -> tuple[str, ...]:
    """The branches, sorted, each once. Raises :class:`EndpointRefused`."""
    wanted = tuple(sorted(set(branches)))
    if not wanted or len(wanted) > BRANCHES_MAX:
        raise EndpointRefused("branches-not-valid", f"name 1 to {BRANCHES_MAX} branches, or * for every one")
    if EVERY_BRANCH in wanted and len(wanted) > 1:
        raise EndpointRefused("branches-not-valid", "every branch, or some: not both")
    return wanted


def new_endpoint_id(random_bytes: RandomBytes) -> str:
    """A name for a new endpoint."""
    return f"whe_{base64.b32encode(random_bytes(_ID_BYTES)).decode().lower()}"


def new_secret(random_bytes: RandomBytes) -> str:
    """A signing secret as Standard Webhooks writes it: ``whsec_`` and base64."""
    return f"{PREFIX}{base64.b64encode(random_bytes(SECRET_BYTES)).decode()}"


def former_until(now: datetime, hours: int) -> datetime:
    """Until when the secret that was replaced just now still signs."""
    return now + timedelta(hours=hours)


def _split(url: str) -> tuple[SplitResult, int]:
    """The URL in parts, and its port. Raises :class:`EndpointRefused` for what can be read in two ways."""
    if not 1 <= len(url) <= URL_CHARS_MAX:
        raise EndpointRefused("url-not-valid", f"the URL may have up to {URL_CHARS_MAX} characters")
    if not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\^`{|}'):
        raise EndpointRefused("url-not-valid", "write the URL in ASCII, without spaces: names as xn--, the rest as %XX")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise EndpointRefused("url-not-valid", "the host or the port of the URL cannot be read") from None
    if parts.scheme not in _PORTS:
        raise EndpointRefused("url-not-https", "the URL must begin with https://")
    host = parts.hostname or ""
    if written_address(host) is None and not (len(host) <= 253 and all(map(_LABEL.fullmatch, host.split(".")))):
        raise EndpointRefused("url-not-valid", "the host is not a name of letters, digits, hyphens and dots")
    return parts, _PORTS[parts.scheme] if port is None else port


def _why_inside(host: str, allowed: AllowList) -> str | None:
    """Why the host, as it is written, cannot be one that is sent to; None when it is up to the connection."""
    address = written_address(host)
    if address is not None:
        why = why_refused(address)
        return None if why is None else f"an address that is {why}"
    if _NUMERIC.fullmatch(host.rpartition(".")[2]):
        return "an address in an unusual form"
    if ("." not in host or host.endswith(_INSIDE)) and not allowed.networks:
        return "a name inside a network"
    return None
