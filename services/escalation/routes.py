"""What became of hand-offs, for those who hold the internal token."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import SecretStr

from agiza.runtime.http import bearer
from agiza.runtime.postgres import UNAVAILABLE, Pool
from services.escalation.store_handoffs import list_handoffs

LIST_MAX: Final = 200


def handoff_routes(token: SecretStr, pool: Pool) -> APIRouter:
    """``GET /v1/handoffs``."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(bearer(token))])

    @router.get("/handoffs")
    async def handoffs(
        call_id: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{4,64}$")] = None,
        limit: Annotated[int, Query(ge=1, le=LIST_MAX)] = 50,
    ) -> dict[str, Any]:
        """Newest first, of one call or of all."""
        try:
            async with pool.connection() as conn:
                return {"handoffs": await list_handoffs(conn, call_id, limit)}
        except UNAVAILABLE:
            raise HTTPException(503, "the database does not answer") from None

    return router
