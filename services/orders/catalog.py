"""Branches and menus, read through a cache, and published from the branch files when a service starts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agiza.domain.menu import BranchFile, parse_branch
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import Pool
from services.orders.publishing import PublishRefused, publish_file

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
        """Publish what the branch files of this start hold, as far as they may: see :mod:`services.orders.publishing`.

        What may not be published is logged and left out: the branch goes on with what the database has.
        """
        for document in documents:
            file = parse_branch(document)
            try:
                done = await publish_file(self._pool, file, document)
            except PublishRefused as error:
                log.error("menu_refused", branch_id=file.branch.id, reason=str(error))
                continue
            fields = {"branch_id": file.branch.id, "menu_version": done.version}
            if done.outcome == "new":
                log.info("menu_published", items=len(file.menu.items), **fields)
            elif done.outcome != "same":
                log.warning("menu_file_left_out", why=done.outcome, remedy="agiza menu publish FILE", **fields)

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
