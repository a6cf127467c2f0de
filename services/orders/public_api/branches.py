"""Branches and their menus, for those who may see them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.orders.catalog import MenuNotFound
from services.orders.public_api.access import MenuReader, Parts, must_see, no_branch
from services.orders.public_api.problems import Problem, PublicRoute
from services.orders.public_api.shapes import (
    Branch,
    Branches,
    BranchId,
    Menu,
    MenuVersion,
    MenuVersions,
    PageSize,
)

router = APIRouter(prefix="/v1/branches", tags=["branches"], route_class=PublicRoute)

Before = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="`next_before` of the page before")]


@router.get("", response_model=Branches)
async def list_branches(parts: Parts, holder: MenuReader) -> dict[str, Any]:
    """The branches of this key."""
    return {"branches": [branch for branch in await parts.catalog.branches() if holder.sees(branch["id"])]}


@router.get("/{branch_id}", response_model=Branch)
async def read_branch(branch_id: BranchId, parts: Parts, holder: MenuReader) -> dict[str, Any]:
    """One branch."""
    must_see(holder, branch_id)
    found = next((branch for branch in await parts.catalog.branches() if branch["id"] == branch_id), None)
    if found is None:
        raise no_branch(branch_id)
    return found


@router.get("/{branch_id}/menu", response_model=Menu)
async def read_newest_menu(branch_id: BranchId, parts: Parts, holder: MenuReader) -> dict[str, Any]:
    """The menu that calls begin with from now on."""
    must_see(holder, branch_id)
    try:
        pinned = await parts.catalog.current(branch_id)
    except MenuNotFound:
        raise no_branch(branch_id) from None
    return {"branch_id": branch_id, "version": pinned.version, "document": pinned.document}


@router.get("/{branch_id}/menus", response_model=MenuVersions)
async def list_menus(
    branch_id: BranchId, parts: Parts, holder: MenuReader, before: Before = None, limit: PageSize = 50
) -> dict[str, Any]:
    """Which versions there are, newest first."""
    must_see(holder, branch_id)
    async with parts.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT version, published_at FROM menus WHERE branch_id = %(branch)s"
            " AND (%(before)s::integer IS NULL OR version < %(before)s) ORDER BY version DESC LIMIT %(limit)s",
            {"branch": branch_id, "before": before, "limit": limit + 1},
        )
        rows = await cursor.fetchall()
    if not rows and before is None:
        raise no_branch(branch_id)
    shown = rows[:limit]
    return {
        "branch_id": branch_id,
        "menus": [{"version": row[0], "published_at": row[1]} for row in shown],
        "next_before": shown[-1][0] if len(rows) > limit else None,
    }


@router.get("/{branch_id}/menus/{version}", response_model=Menu)
async def read_menu(branch_id: BranchId, version: MenuVersion, parts: Parts, holder: MenuReader) -> dict[str, Any]:
    """One version. It never changes, so it may be kept for good."""
    must_see(holder, branch_id)
    try:
        pinned = await parts.catalog.menu(branch_id, version)
    except MenuNotFound:
        raise Problem("not-found", f"branch {branch_id} has no menu version {version}") from None
    return {"branch_id": branch_id, "version": version, "document": pinned.document}
