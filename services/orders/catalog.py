"""Branches and menus: published from branch files, stored as immutable versions, read through a cache.

A branch file whose content is new becomes the next menu version of its branch; the same content again changes
nothing, so every replica may publish at its start.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from agiza.domain.menu import BranchFile, parse_branch
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import Connection, Pool, transaction

log = get_logger(__name__)

CACHED_MENUS_MAX = 64


class MenuNotFound(LookupError):
    """No such branch or menu version. A message that names one can never be handled."""

    retryable = False


@dataclass(frozen=True, slots=True)
class PinnedMenu:
    """One menu version, parsed, with the document that it came from."""

    branch_id: str
    version: int
    document: Mapping[str, Any]
    file: BranchFile


class Catalog:
    """All menus of all branches. Menus never change once published, so they are cached by version."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._cache: OrderedDict[tuple[str, int], PinnedMenu] = OrderedDict()

    async def publish(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Store each document as its branch's newest menu, unless it already is."""
        for document in documents:
            file = parse_branch(document)
            async with transaction(self._pool) as conn:
                version, is_new = await _publish(conn, file, document)
            if is_new:
                log.info("menu_published", branch_id=file.branch.id, menu_version=version, items=len(file.menu.items))

    async def menu(self, branch_id: str, version: int) -> PinnedMenu:
        """The menu at this version. Raises :class:`MenuNotFound`."""
        key = (branch_id, version)
        if (pinned := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return pinned
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT document FROM menus WHERE branch_id = %s AND version = %s", (branch_id, version)
            )
            row = await cursor.fetchone()
        if row is None:
            raise MenuNotFound(f"branch {branch_id} has no menu version {version}")
        pinned = PinnedMenu(branch_id, version, row[0], parse_branch(row[0]))
        self._cache[key] = pinned
        if len(self._cache) > CACHED_MENUS_MAX:
            self._cache.popitem(last=False)
        return pinned

    async def current(self, branch_id: str) -> PinnedMenu:
        """The branch's newest menu. Raises :class:`MenuNotFound`."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT menu_version FROM branches WHERE branch_id = %s", (branch_id,))
            row = await cursor.fetchone()
        if row is None:
            raise MenuNotFound(f"there is no branch {branch_id}")
        return await self.menu(branch_id, row[0])

    async def branches(self) -> list[dict[str, Any]]:
        """Id, name, phone and newest menu version of every branch."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT branch_id, name, phone, menu_version FROM branches ORDER BY branch_id")
            rows = await cursor.fetchall()
        return [{"id": row[0], "name": row[1], "phone": row[2], "menu_version": row[3]} for row in rows]


async def _publish(conn: Connection, file: BranchFile, document: Mapping[str, Any]) -> tuple[int, bool]:
    """(version, whether it is new). The branch's advisory lock makes concurrent replicas publish once."""
    branch = file.branch
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('agiza-menu:' || %s, 0))", (branch.id,))
    cursor = await conn.execute(
        "SELECT m.version, m.digest FROM branches b JOIN menus m ON m.branch_id = b.branch_id"
        " AND m.version = b.menu_version WHERE b.branch_id = %s",
        (branch.id,),
    )
    newest = await cursor.fetchone()
    if newest is not None and newest[1] == digest:
        return newest[0], False
    version = newest[0] + 1 if newest is not None else 1
    await conn.execute(
        "INSERT INTO branches (branch_id, phone, name, menu_version) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (branch_id) DO UPDATE SET phone = excluded.phone, name = excluded.name,"
        " menu_version = excluded.menu_version, updated_at = now()",
        (branch.id, branch.phone, branch.name, version),
    )
    await conn.execute(
        "INSERT INTO menus (branch_id, version, document, digest) VALUES (%s, %s, %s, %s)",
        (branch.id, version, Jsonb(document), digest),
    )
    return version, True
