"""Rows of ``webhook_endpoints``: who is sent to, where, what, and whether at this moment.

    async with transaction(pool) as conn:
        await add_endpoint(conn, new)
        row = await read_endpoint(conn, endpoint_id, holder.branches)

An endpoint is seen by whoever sees all of its branches; one of every branch only by whoever sees every branch
(``branches`` None). A secret leaves this module for the one who signs only (:func:`secrets_of`).
"""

# ruff: noqa: S608 - the texts are ours

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from agiza.runtime.postgres import Connection
from services.orders.webhooks.endpoints import ENDPOINTS_PER_BRANCH_MAX, EVERY_BRANCH, EndpointRefused

EndpointState = Literal["active", "paused", "disabled"]
LOCK: Final = 4_812_019_741
"""Taken by whoever adds an endpoint, so that two at once do not both find the last place free."""

_COLUMNS: Final = (
    "endpoint_id, branches, url, description, types, state, state_reason, failing_since, failures, open_until,"
    " former_until, alarm_since, made_by, created_at, updated_at"
)
_SEEN: Final = "deleted_at IS NULL AND (%(seen)s::text[] IS NULL OR branches <@ %(seen)s::text[])"


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint that is to be added, checked already. ``types`` empty: all."""

    endpoint_id: str
    branches: tuple[str, ...]
    url: str
    description: str
    types: tuple[str, ...]
    secret: str
    made_by: str


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """An endpoint without its secrets.

    ``failing_since``: no delivery has succeeded since then, in ``failures`` attempts. ``open_until``: nothing is sent
    before. ``former_until``: so long the secret before the last rotation signs as well.
    ``alarm_since``: a ticket has been waiting for too long since then.
    """

    endpoint_id: str
    branches: tuple[str, ...]
    url: str
    description: str
    types: tuple[str, ...]
    state: EndpointState
    state_reason: str | None
    failing_since: datetime | None
    failures: int
    open_until: datetime | None
    former_until: datetime | None
    alarm_since: datetime | None
    made_by: str
    created_at: datetime
    updated_at: datetime

    def is_for(self, branch_id: str) -> bool:
        """Whether the branch's events are sent to it."""
        return branch_id in self.branches or EVERY_BRANCH in self.branches


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed; None stays as it is."""

    url: str | None = None
    description: str | None = None
    types: tuple[str, ...] | None = None
    state: Literal["active", "paused"] | None = None


async def add_endpoint(conn: Connection, new: NewEndpoint, now: datetime) -> EndpointRow:
    """Add it, active. Raises :class:`EndpointRefused` when one of its branches has as many as may be."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    for branch in new.branches:
        cursor = await conn.execute(
            "SELECT count(*) FROM webhook_endpoints WHERE branches @> %s AND deleted_at IS NULL", ([branch],)
        )
        row = await cursor.fetchone()
        if row is not None and row[0] >= ENDPOINTS_PER_BRANCH_MAX:
            place = "every branch has" if branch == EVERY_BRANCH else f"branch {branch} has"
            raise EndpointRefused(
                "too-many-endpoints", f"{place} {ENDPOINTS_PER_BRANCH_MAX} endpoints already: delete one first"
            )
    cursor = await conn.execute(
        "INSERT INTO webhook_endpoints"
        " (endpoint_id, branches, url, description, types, secret, made_by, created_at, updated_at)"
        f" VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING {_COLUMNS}",
        (
            new.endpoint_id,
            list(new.branches),
            new.url,
            new.description,
            list(new.types),
            new.secret,
            new.made_by,
            now,
            now,
        ),
    )
    return _one(await cursor.fetchone())


async def read_endpoint(
    conn: Connection, endpoint_id: str, seen: Sequence[str] | None, *, for_update: bool = False
) -> EndpointRow | None:
    """The endpoint, if it is there for whoever sees these branches (None: every one)."""
    cursor = await conn.execute(
        f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE endpoint_id = %(id)s AND {_SEEN}"
        + (" FOR NO KEY UPDATE" if for_update else ""),
        {"id": endpoint_id, "seen": _list(seen)},
    )
    row = await cursor.fetchone()
    return None if row is None else _one(row)


async def list_endpoints(
    conn: Connection, seen: Sequence[str] | None, *, branch_id: str | None, before: str | None, limit: int
) -> list[EndpointRow]:
    """Those that are seen, newest first; only those that are sent ``branch_id``'s events; only what is older than
    the endpoint ``before``."""
    cursor = await conn.execute(
        f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE {_SEEN}"
        " AND (%(branch)s::text IS NULL OR branches && ARRAY[%(branch)s, '*'])"
        " AND (%(before)s::text IS NULL OR (created_at, endpoint_id) <"
        " (SELECT created_at, endpoint_id FROM webhook_endpoints WHERE endpoint_id = %(before)s))"
        " ORDER BY created_at DESC, endpoint_id DESC LIMIT %(limit)s",
        {"seen": _list(seen), "branch": branch_id, "before": before, "limit": limit},
    )
    return [_one(row) for row in await cursor.fetchall()]


async def change_endpoint(conn: Connection, endpoint_id: str, change: Change, now: datetime) -> EndpointRow:
    """Change a row that is there. With another URL it begins anew: what failed elsewhere counts no more."""
    cursor = await conn.execute(
        "UPDATE webhook_endpoints SET"
        " failures = CASE WHEN %(url)s::text <> url THEN 0 ELSE failures END,"
        " failing_since = CASE WHEN %(url)s::text <> url THEN NULL ELSE failing_since END,"
        " open_until = CASE WHEN %(url)s::text <> url THEN NULL ELSE open_until END,"
        " url = coalesce(%(url)s, url), description = coalesce(%(description)s, description),"
        " types = coalesce(%(types)s::text[], types), state = coalesce(%(state)s, state),"
        " state_reason = CASE WHEN %(state)s::text IS NULL THEN state_reason ELSE NULL END, updated_at = %(now)s"
        f" WHERE endpoint_id = %(id)s RETURNING {_COLUMNS}",
        {
            "id": endpoint_id,
            "url": change.url,
            "description": change.description,
            "types": _list(change.types),
            "state": change.state,
            "now": now,
        },
    )
    return _one(await cursor.fetchone())


async def resume_endpoint(conn: Connection, endpoint_id: str, now: datetime) -> EndpointRow:
    """Active again, whatever it was, and tried at once."""
    cursor = await conn.execute(
        "UPDATE webhook_endpoints SET state = 'active', state_reason = NULL, failures = 0, failing_since = NULL,"
        f" open_until = NULL, updated_at = %s WHERE endpoint_id = %s RETURNING {_COLUMNS}",
        (now, endpoint_id),
    )
    return _one(await cursor.fetchone())


async def rotate_secret(
    conn: Connection, endpoint_id: str, secret: str, former_until: datetime, now: datetime
) -> EndpointRow:
    """Another secret; the one before signs as well until ``former_until``, and one before that no more."""
    cursor = await conn.execute(
        "UPDATE webhook_endpoints SET former_secret = secret, former_until = %s, secret = %s, updated_at = %s"
        f" WHERE endpoint_id = %s RETURNING {_COLUMNS}",
        (former_until, secret, now, endpoint_id),
    )
    return _one(await cursor.fetchone())


async def disable_endpoint(conn: Connection, endpoint_id: str, reason: str, now: datetime) -> bool:
    """Send nothing any more until somebody resumes it; False when that was so already. ``reason`` is shown."""
    cursor = await conn.execute(
        "UPDATE webhook_endpoints SET state = 'disabled', state_reason = %s, updated_at = %s"
        " WHERE endpoint_id = %s AND state <> 'disabled'",
        (reason, now, endpoint_id),
    )
    return cursor.rowcount == 1


async def delete_endpoint(conn: Connection, endpoint_id: str, now: datetime) -> None:
    """Send nothing any more; nobody sees it from now on. Its rows go later (:mod:`.store_forgetting`)."""
    await conn.execute(
        "UPDATE webhook_endpoints SET state = 'disabled', state_reason = 'deleted', deleted_at = %s, url = '',"
        " secret = '', former_secret = NULL, former_until = NULL WHERE endpoint_id = %s",
        (now, endpoint_id),
    )


async def secrets_of(conn: Connection, endpoint_id: str, now: datetime) -> tuple[str, ...]:
    """What a delivery is signed with: the secret, and the one before it while that is good. Empty: no endpoint."""
    cursor = await conn.execute(
        "SELECT secret, CASE WHEN former_until > %s THEN former_secret END FROM webhook_endpoints"
        " WHERE endpoint_id = %s",
        (now, endpoint_id),
    )
    row = await cursor.fetchone()
    return () if row is None else tuple(secret for secret in row if secret is not None)


def _list(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def _one(row: tuple[Any, ...] | None) -> EndpointRow:
    assert row is not None, "its row is locked by us"
    return EndpointRow(row[0], tuple(row[1]), row[2], row[3], tuple(row[4]), *row[5:])
