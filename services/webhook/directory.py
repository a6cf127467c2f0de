"""Which branch answers which number: a copy in memory, so that no request waits for it.

The copy is renewed from the database every few seconds and outlives it. What the database has never said comes
from the branch files; such a branch has no menu version yet, so it can be rung but not take orders by voice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agiza.domain.menu import BranchFile
from agiza.runtime.branch_versions import REFRESH_S, newer_branches
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE, Pool

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
        newer = await newer_branches(
            pool, {branch_id: listed.menu_version for branch_id, listed in self._listed.items()}
        )
        if not newer:
            return
        listed = dict(self._listed) | {each.file.branch.id: Listed(each.file, each.version) for each in newer}
        self._listed, self._by_number = listed, _by_number(listed)
        log.info("directory_renewed", branches=len(listed), changed=len(newer))

    async def keep_fresh(self, pool: Pool, stopping: asyncio.Event) -> None:
        """Renew the copy until the service stops. A database that is away leaves it as it is."""
        while not stopping.is_set():
            with contextlib.suppress(*UNAVAILABLE):
                await self.refresh(pool)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), REFRESH_S)


def _by_number(listed: Mapping[str, Listed]) -> Mapping[str, Listed]:
    return {entry.file.branch.phone: entry for entry in listed.values()}
