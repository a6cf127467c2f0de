"""Who sends to which endpoint: leases in the rows of ``webhook_endpoints``, shared evenly by the living processes.

    beat = await renew(conn, "orders-host-1a2b", held={"whe_..."}, life_s=6.0)
    beat.kept, beat.taken, beat.surplus

A lane is held by one process at a time, until a time on the database's clock, so the clocks of machines may differ. A
dead process's lanes are free when their time is over. One that was paused may believe for a moment too long that it
still holds a lane; what it sends then arrives twice, which every receiver must bear anyhow.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from agiza.runtime.postgres import Connection
from services.orders.webhooks.health import Health, as_kept

_LANE = "endpoint_id, updated_at, failures, failing_since, open_until, failing_warned"


@dataclass(frozen=True, slots=True)
class LaneRow:
    """A lane that we hold. ``updated_at`` tells whether somebody else has changed the endpoint."""

    endpoint_id: str
    updated_at: datetime
    health: Health


@dataclass(frozen=True, slots=True)
class Beat:
    """What a process holds after it has said that it lives; ``surplus`` of it should go to others."""

    lanes: tuple[LaneRow, ...]
    surplus: int


@dataclass(frozen=True, slots=True)
class HealthChange:
    """The health of an endpoint that is to be kept, if nobody has changed the endpoint since ``updated_at``."""

    endpoint_id: str
    updated_at: datetime
    health: Health


async def renew(conn: Connection, sender: str, held: Collection[str], *, life_s: float) -> Beat:
    """Say that ``sender`` lives, prolong what it holds, and take of what is free up to an even part."""
    cursor = await conn.execute("SELECT count(*) FROM webhook_endpoints WHERE state = 'active'")
    row = await cursor.fetchone()
    assert row is not None
    active = int(row[0])
    if not active and not held:
        return Beat((), 0)  # nobody subscribes: nearly free
    # At a time of the database, and of this transaction's order: whoever comes later sees us, or we see them.
    await conn.execute(
        "INSERT INTO webhook_senders VALUES (%(me)s, clock_timestamp() + make_interval(secs => %(life)s))"
        " ON CONFLICT (sender) DO UPDATE SET until = excluded.until",
        {"me": sender, "life": life_s},
    )
    cursor = await conn.execute(
        "WITH gone AS (DELETE FROM webhook_senders WHERE sender IN"
        " (SELECT sender FROM webhook_senders WHERE until < clock_timestamp() - interval '1 minute'"
        " FOR UPDATE SKIP LOCKED))"
        " SELECT count(*) FROM webhook_senders WHERE until > clock_timestamp()"
    )
    row = await cursor.fetchone()
    assert row is not None
    share = -(-active // max(1, int(row[0])))
    kept = await _lease(
        conn,
        "lane_holder = %(me)s AND endpoint_id = ANY(%(held)s)",
        {"me": sender, "life": life_s, "held": list(held), "limit": len(held)},
    )
    taken: Sequence[LaneRow] = ()
    if len(held) < share:
        taken = await _lease(
            conn,
            "lane_holder IS DISTINCT FROM %(me)s AND (lane_holder IS NULL OR lane_until < clock_timestamp())"
            " OR lane_holder = %(me)s AND NOT endpoint_id = ANY(%(held)s)",
            {"me": sender, "life": life_s, "held": list(held), "limit": share - len(held)},
        )
    return Beat((*kept, *taken), max(0, len(kept) - share))


async def let_go(conn: Connection, sender: str, endpoints: Collection[str]) -> None:
    """Give lanes up, so that others need not wait for their end."""
    await conn.execute(
        "UPDATE webhook_endpoints SET lane_holder = NULL, lane_until = NULL"
        " WHERE lane_holder = %s AND endpoint_id = ANY(%s)",
        (sender, list(endpoints)),
    )


async def leave(conn: Connection, sender: str) -> None:
    """Say that ``sender`` sends nothing any more."""
    await conn.execute("DELETE FROM webhook_senders WHERE sender = %s", (sender,))
    await conn.execute(
        "UPDATE webhook_endpoints SET lane_holder = NULL, lane_until = NULL WHERE lane_holder = %s", (sender,)
    )


async def keep_health(conn: Connection, sender: str, changes: Sequence[HealthChange]) -> None:
    """Keep how endpoints are doing, for people and for the next holder. One that was changed meanwhile is left."""
    await conn.execute(
        """
        UPDATE webhook_endpoints AS lane SET failures = h.failures, failing_since = h.failing_since,
            open_until = h.open_until, failing_warned = h.warned
        FROM unnest(%s::text[], %s::timestamptz[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::smallint[])
            AS h (endpoint_id, updated_at, failures, failing_since, open_until, warned)
        WHERE lane.endpoint_id = h.endpoint_id AND lane.updated_at = h.updated_at AND lane.lane_holder = %s
        """,
        (
            [each.endpoint_id for each in changes],
            [each.updated_at for each in changes],
            [each.health.failures for each in changes],
            [each.health.failing_since for each in changes],
            [each.health.open_until for each in changes],
            [each.health.warned for each in changes],
            sender,
        ),
    )


async def _lease(conn: Connection, which: str, values: dict[str, object]) -> list[LaneRow]:
    """Lease active lanes; one whose row somebody is just changing is left for the next time."""
    cursor = await conn.execute(
        f"UPDATE webhook_endpoints SET lane_holder = %(me)s,"  # noqa: S608 - the texts are ours
        f" lane_until = clock_timestamp() + make_interval(secs => %(life)s)"
        f" WHERE endpoint_id IN (SELECT endpoint_id FROM webhook_endpoints WHERE state = 'active' AND ({which})"
        f" LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED) RETURNING {_LANE}",
        values,
    )
    return [LaneRow(row[0], row[1], as_kept(*row[2:])) for row in await cursor.fetchall()]
