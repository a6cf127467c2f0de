"""Making a branch document the newest menu version of its branch.

Two ways lead here, and they do not have the same word. Somebody who publishes by hand is obeyed: the document becomes
the next version, unless it is the newest already. A service that starts publishes the file that it was delivered with
only while that cannot undo anything: never a document that an earlier version had (it is an older file), and nothing
any more once a version was published by hand. So a replica that restarts with yesterday's files changes no price.

Versions are rows that nobody can change. A call keeps the version it began with; new calls get the newest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from psycopg.types.json import Jsonb

from agiza.domain.menu import Branch, BranchFile
from agiza.runtime.postgres import Connection, Pool, transaction

Outcome = Literal["new", "same", "older", "held"]
"""``new`` was published; ``same`` is the newest already; ``older``: an earlier version had this content; ``held``: the
newest version was published by hand. The last two are told to services that start only."""

BY_CHARS_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of a document, and the branch's newest version now."""

    outcome: Outcome
    version: int


class PublishRefused(Exception):
    """The document cannot be this branch's menu in this database. The text says what to do."""

    retryable = False


async def publish_by_hand(pool: Pool, file: BranchFile, document: Mapping[str, Any], by: str) -> Publication:
    """Make it the newest version, whatever was there: ``new`` or ``same``. ``by`` says who, in up to 60 characters.

    Raises :class:`PublishRefused` and psycopg's errors.
    """
    return await _publish(pool, file, document, by[:BY_CHARS_MAX], by_hand=True)


async def publish_file(pool: Pool, file: BranchFile, document: Mapping[str, Any]) -> Publication:
    """Publish what a service found at its start, as far as it may. Every replica may do it.

    Raises :class:`PublishRefused` and psycopg's errors.
    """
    return await _publish(pool, file, document, "", by_hand=False)


async def _publish(pool: Pool, file: BranchFile, document: Mapping[str, Any], by: str, *, by_hand: bool) -> Publication:
    branch = file.branch
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
    async with transaction(pool) as conn:
        # Replicas that start together, and somebody at the command line, take turns.
        await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('agiza-menu:' || %s, 0))", (branch.id,))
        cursor = await conn.execute(
            "SELECT m.version, m.digest, m.source,"
            " EXISTS (SELECT FROM menus e WHERE e.branch_id = m.branch_id AND e.digest = %s)"
            " FROM branches b JOIN menus m ON m.branch_id = b.branch_id AND m.version = b.menu_version"
            " WHERE b.branch_id = %s",
            (digest, branch.id),
        )
        newest = await cursor.fetchone()
        if newest is not None:
            version, known, source, had_before = newest
            if known == digest:
                return Publication("same", version)
            if not by_hand and had_before:
                return Publication("older", version)
            if not by_hand and source == "hand":
                return Publication("held", version)
        await _check_phone(conn, branch)
        version = newest[0] + 1 if newest is not None else 1
        await _insert(conn, branch, version, document, digest, by, "hand" if by_hand else "files")
    return Publication("new", version)


async def _check_phone(conn: Connection, branch: Branch) -> None:
    cursor = await conn.execute(
        "SELECT branch_id FROM branches WHERE phone = %s AND branch_id <> %s", (branch.phone, branch.id)
    )
    other = await cursor.fetchone()
    if other is not None:
        raise PublishRefused(
            f"branch.phone: {branch.phone} is answered by branch {other[0]}: publish that one with another number first"
        )


async def _insert(
    conn: Connection, branch: Branch, version: int, document: Mapping[str, Any], digest: str, by: str, source: str
) -> None:
    await conn.execute(
        "INSERT INTO branches (branch_id, phone, name, menu_version) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (branch_id) DO UPDATE SET phone = excluded.phone, name = excluded.name,"
        " menu_version = excluded.menu_version, updated_at = now()",
        (branch.id, branch.phone, branch.name, version),
    )
    await conn.execute(
        "INSERT INTO menus (branch_id, version, document, digest, source, published_by)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (branch.id, version, Jsonb(document), digest, source, by),
    )
