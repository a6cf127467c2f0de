"""Where each kind of event travels, told from its class alone.

    address_of(OrderPlaced)      "agiza:orders:{branch_id}"
    address_of(ToolCalled)       "agiza:tools:{partition}"

What depends on the single event (its branch, its call's partition, the bridge that asked) stands in braces.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agiza.contracts import streams
from agiza.contracts.events import EVENTS, Event

FEED_ADDRESS: Final = streams.orders_stream("{branch_id}")
"""The numbered events of a branch: what subscribers get in every form of the feed."""

_PARTITION: Final = f"{streams.TOOLS_PREFIX}{{partition}}"


def address_of(event: type[Event]) -> str:
    """Name of the stream or channel of this kind of event."""
    anyone = event.model_construct(
        None, branch_id="{branch_id}", call_id="{call_id}", reply_to=streams.replies_channel("{bridge_id}")
    )
    address = anyone.stream()
    return _PARTITION if address.startswith(streams.TOOLS_PREFIX) else address


def is_public(event: type[Event]) -> bool:
    """Whether subscribers outside get it. Everything else stays within the network."""
    return address_of(event) == FEED_ADDRESS


def public_events(events: Iterable[type[Event]] = EVENTS) -> tuple[type[Event], ...]:
    """The kinds of events of the branches' feeds."""
    return tuple(event for event in events if is_public(event))
