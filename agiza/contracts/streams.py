"""Names of everything in Redis: streams, channels and keys.

A name is built here and nowhere else, so that the access lists of the services (agiza/runtime/roles.py)
and the code that uses a name cannot drift apart.
"""

from __future__ import annotations

import zlib
from typing import Final

TOOL_PARTITIONS: Final = 16
"""Number of tool-call streams. A call's events all lie in one of them, so their order is kept."""

CALLS: Final = "agiza:calls"
HANDOFFS: Final = "agiza:handoffs"

TOOLS_PREFIX: Final = "agiza:tools:"
ORDERS_PREFIX: Final = "agiza:orders:"
SESSION_PREFIX: Final = "agiza:session:"
BRIDGES_PREFIX: Final = "agiza:bridges:"
BRIDGES_SEEN: Final = f"{BRIDGES_PREFIX}seen"
"""Sorted set: the Unix time at which each bridge replica last said that it lives. Kept for an hour."""
NONCE_PREFIX: Final = "agiza:nonce:"
REPLIES_PREFIX: Final = "agiza:replies:"
ALL_BRIDGES: Final = f"{REPLIES_PREFIX}all"
"""Pub/Sub channel that every bridge replica hears."""
DEAD_PREFIX: Final = "agiza:dead:"
LEASES_PREFIX: Final = "agiza:leases:"
CARTS_PREFIX: Final = "agiza:carts:"

FEED_HINTS: Final = "agiza:feed"
"""Pub/Sub channel on which the relay names a branch that has new numbered events, for those who wait for them."""

ADMISSION_PREFIX: Final = "agiza:admission:"
ADMISSION_LEASES: Final = f"{ADMISSION_PREFIX}leases"
"""Sorted set of the calls that were given a Stream and are in no bridge's count yet, by the end of their lease."""

SWITCHES_PREFIX: Final = "agiza:switches:"
DIAL_SWITCH: Final = f"{SWITCHES_PREFIX}dial"
"""Holds ``off`` while nobody may be dialled by machines."""
OUTBOUND_STATE: Final = "agiza:outbound"
"""Holds ``ok`` while escalation can place calls of our own, else why not; gone when nobody says so (expires)."""


def partition_of(call_id: str) -> int:
    """The tool-call partition (0-15) of a call: CRC-32 of its id, so every replica computes the same."""
    return zlib.crc32(call_id.encode()) % TOOL_PARTITIONS


def tools_stream(call_id: str) -> str:
    """Stream of the tool calls, cancellations and take-overs of this call."""
    return tools_stream_of(partition_of(call_id))


def tools_stream_of(partition: int) -> str:
    """Stream of one partition."""
    if not 0 <= partition < TOOL_PARTITIONS:
        raise ValueError(f"partition {partition} is not in 0..{TOOL_PARTITIONS - 1}")
    return f"{TOOLS_PREFIX}{partition}"


def orders_stream(branch_id: str) -> str:
    """Stream of the branch's order events for consumer groups inside the network."""
    return f"{ORDERS_PREFIX}{branch_id}"


def session_key(call_id: str) -> str:
    """Hash with the bridge's session record of a live call (expires)."""
    return f"{SESSION_PREFIX}{call_id}"


def session_turns_key(call_id: str) -> str:
    """List with the last transcript lines of a live call (JSON, bounded, expires)."""
    return f"{SESSION_PREFIX}{call_id}:turns"


def bridge_key(bridge_id: str) -> str:
    """Heartbeat of one bridge replica: JSON with its free slots (expires)."""
    return f"{BRIDGES_PREFIX}{bridge_id}"


def nonce_key(nonce: str) -> str:
    """Set once when a media token is used; its presence means that the token is spent."""
    return f"{NONCE_PREFIX}{nonce}"


def replies_channel(bridge_id: str) -> str:
    """Pub/Sub channel on which one bridge replica receives answers and commands."""
    return f"{REPLIES_PREFIX}{bridge_id}"


def dead_stream(stream: str) -> str:
    """Where entries go that could not be handled after their last attempt."""
    return f"{DEAD_PREFIX}{stream.removeprefix('agiza:')}"


def label(stream: str) -> str:
    """The stream's name as a label of metrics."""
    return stream.removeprefix("agiza:")


def lease_key(stream: str) -> str:
    """Holds the name of the one process that reads this stream now (expires)."""
    return f"{LEASES_PREFIX}{stream}"


def members_key(group: str) -> str:
    """Sorted set of the processes that share a group's streams, by when each last said that it lives (Redis' ms)."""
    return f"{LEASES_PREFIX}members:{group}"


def calls_of_caller_key(digest: str) -> str:
    """Sorted set of one number's recent calls by their start. ``digest`` stands for the number."""
    return f"{ADMISSION_PREFIX}caller:{digest}"


def calls_of_branch_key(branch_id: str) -> str:
    """Sorted set of the calls that are with the agent of this branch now, by their start."""
    return f"{ADMISSION_PREFIX}branch:{branch_id}"


def calls_of_day_key(day: str) -> str:
    """Sorted set of the calls that were given to the agent on this day (``2026-03-06``)."""
    return f"{ADMISSION_PREFIX}day:{day}"


def request_seen_key(digest: str) -> str:
    """There while a signed request of the carrier could still be sent once more by somebody else."""
    return f"{ADMISSION_PREFIX}seen:{digest}"


def carts_channel(branch_id: str) -> str:
    """Pub/Sub channel of a branch's provisional carts, for its screens."""
    return f"{CARTS_PREFIX}{branch_id}"
