"""Which branch answers which number: a copy in memory, so that no request waits for it.

The copy is renewed from the database every few seconds and outlives it. What the database has never said comes
from the branch files; such a branch has no menu version yet, so it can be rung but not take orders by voice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from agiza.domain.menu import BranchFile, BranchFileError, parse_branch
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE, Pool

REFRESH_S: Final = 2.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """A branch with its staff, and the menu version that new calls get (None: not published yet)."""

    file: BranchFile
    menu_version: int | None


class Directory:
    """Branches by number and by id."""

    def __init__(self, files: Iterable[BranchFile]) -> None:
        self._listed: Mapping[str, Listed] = {file.branch.id: Listed(file, None) for file in files}
        self._by_number = _by_number(self._listed)

    def by_number(self, number: str | None) -> Listed | None:
        """The branch that answers this E.164 number."""
        return self._by_number.get(number) if number else None

    def by_id(self, branch_id: str) -> Listed | None:
        return self._listed.get(branch_id)

    def ids(self) -> list[str]:
        """All branches."""
        return sorted(self._listed)

    async def refresh(self, pool: Pool) -> None:
        """Take over what the database has. Only menus that changed are read and parsed."""
        known = {branch_id: listed.menu_version for branch_id, listed in self._listed.items()}
        async with pool.connection() as connection:
            cursor = await connection.execute("SELECT branch_id, menu_version FROM branches")
            changed = [row[0] for row in await cursor.fetchall() if known.get(row[0]) != row[1]]
            if not changed:
                return
            cursor = await connection.execute(
                "SELECT branch_id, version, document FROM branches JOIN menus USING (branch_id)"
                " WHERE version = menu_version AND branch_id = ANY(%s)",
                (changed,),
            )
            rows = await cursor.fetchall()
        listed = dict(self._listed)
        for branch_id, version, document in rows:
            try:
                listed[branch_id] = Listed(parse_branch(document), version)
            except BranchFileError as error:
                # A newer writer's document that this build cannot read: go on with what is known of the branch.
                log.error(
                    "branch_not_readable", branch_id=branch_id, menu_version=version, problems=len(error.problems)
                )
        self._listed, self._by_number = listed, _by_number(listed)
        log.info("directory_renewed", branches=len(listed), changed=len(rows))

    async def keep_fresh(self, pool: Pool, stopping: asyncio.Event) -> None:
        """Renew the copy until the service stops. A database that is away leaves it as it is."""
        while not stopping.is_set():
            with contextlib.suppress(*UNAVAILABLE):
                await self.refresh(pool)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), REFRESH_S)


def _by_number(listed: Mapping[str, Listed]) -> Mapping[str, Listed]:
    return {entry.file.branch.phone: entry for entry in listed.values()}
