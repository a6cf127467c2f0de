"""The branches as the database has them now, for services that keep a copy in memory.

for newer in await newer_branches(pool, {"westlands": 3}): ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agiza.domain.menu import BranchFile, BranchFileError, parse_branch
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import Pool

REFRESH_S: Final = 2.0
"""How often a service asks; so long after a menu was published the last one has noticed."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BranchVersion:
    """A branch at its newest menu version."""

    version: int
    file: BranchFile


async def newer_branches(pool: Pool, known: Mapping[str, int | None]) -> Sequence[BranchVersion]:
    """The branches whose newest version is another than the known one. Only those are read and parsed.

    Raises psycopg's errors. A document that this build cannot read, of a newer writer, is logged and left out: go on
    with what is known of the branch.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT branch_id, menu_version FROM branches")
        changed = [row[0] for row in await cursor.fetchall() if known.get(row[0]) != row[1]]
        if not changed:
            return ()
        cursor = await connection.execute(
            "SELECT branch_id, version, document FROM branches JOIN menus USING (branch_id)"
            " WHERE version = menu_version AND branch_id = ANY(%s)",
            (changed,),
        )
        rows = await cursor.fetchall()
    newer = []
    for branch_id, version, document in rows:
        try:
            newer.append(BranchVersion(version, parse_branch(document)))
        except BranchFileError as error:
            log.error("branch_not_readable", branch_id=branch_id, menu_version=version, problems=len(error.problems))
    return newer
