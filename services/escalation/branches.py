"""The branches that escalation works for, with their people: from the database, until then from the files."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping

from agiza.domain.ids import BranchId
from agiza.domain.menu import BranchFile
from agiza.runtime.branch_versions import REFRESH_S, newer_branches
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE, Pool, transaction
from services.escalation.roster import put_roster

log = get_logger(__name__)


class Branches(Mapping[BranchId, BranchFile]):
    """Branch files by id. What is read between two awaits is of one moment; no branch ever goes."""

    def __init__(self, files: Iterable[BranchFile]) -> None:
        self._files: Mapping[BranchId, BranchFile] = {file.branch.id: file for file in files}
        self._versions: Mapping[str, int] = {}

    def __getitem__(self, branch_id: BranchId) -> BranchFile:
        return self._files[branch_id]

    def __iter__(self) -> Iterator[BranchId]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    async def begin(self, pool: Pool) -> None:
        """Take what the database has, and store the people of the branches that it does not have yet. Raises psycopg's
        errors."""
        await self.refresh(pool)
        for branch_id, file in self._files.items():
            if branch_id not in self._versions:
                await _store_people(pool, file)

    async def refresh(self, pool: Pool) -> None:
        """Take over the menus that were published since, with their people, rules of escalation and numbers."""
        for newer in await newer_branches(pool, self._versions):
            branch_id = newer.file.branch.id
            await _store_people(pool, newer.file)  # first, for what was noted is not asked for again
            self._files = {**self._files, branch_id: newer.file}
            self._versions = {**self._versions, branch_id: newer.version}
            log.info("branch_renewed", branch_id=branch_id, menu_version=newer.version)

    async def keep_fresh(self, pool: Pool, stopping: asyncio.Event) -> None:
        """Follow the database until the service stops. A database that is away leaves all as it is."""
        while not stopping.is_set():
            with contextlib.suppress(*UNAVAILABLE):
                await self.refresh(pool)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), REFRESH_S)


async def _store_people(pool: Pool, file: BranchFile) -> None:
    async with transaction(pool) as conn:
        await put_roster(conn, file)
