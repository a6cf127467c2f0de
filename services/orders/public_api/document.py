"""The OpenAPI document of the orders API, with what every route may refuse written beside it.

``GET /v1/openapi.json`` serves it to everybody; docs/generated/orders-api.json is the same.
"""

from __future__ import annotations

import functools
from typing import Any, Final

from fastapi import APIRouter, FastAPI

from services.orders.public_api import (
    branches,
    cursors,
    feed,
    moves,
    orders,
    ownership,
    stock,
    webhook_deliveries,
    webhooks,
)
from services.orders.public_api.problems import MEDIA_TYPE, STATUSES, ProblemBody, PublicRoute

VERSION: Final = "1"
ROUTERS: Final = (
    branches.router,
    stock.router,
    orders.router,
    moves.router,
    feed.router,
    ownership.router,
    cursors.router,
    webhooks.router,
    webhook_deliveries.router,
)

_TEXT: Final = """
What POS systems, screens and integrators read and say. Each request carries a key of `agiza keys create`; what lies
outside of the key's branches is answered like something that does not exist. Refusals are RFC 9457 problems with a
stable `code`. Writes take an `Idempotency-Key`.
"""
_ALWAYS: Final = frozenset({401, 403, 422, 429, 500, 503})


def document_router() -> APIRouter:
    """Serves the document, without a key."""
    router = APIRouter(prefix="/v1", route_class=PublicRoute)

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return document()

    return router


@functools.cache
def document() -> dict[str, Any]:
    """The document as JSON."""
    app = FastAPI(title="Agiza orders API", version=VERSION, description=_TEXT.strip())
    for router in ROUTERS:
        app.include_router(router)
    made = app.openapi()
    schema = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = made["components"]["schemas"]
    schemas |= {"Problem": schema, **schema.pop("$defs", {})}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            for status in _statuses(path, method):
                operation["responses"][str(status)] = _response(status)
    return made


def _statuses(path: str, method: str) -> list[int]:
    own = {404} if "{" in path or "branch_id" in path or path.endswith(("/orders", "/webhooks")) else set()
    if method != "get":
        own |= {409, 413}
    if path.startswith("/v1/branches/{branch_id}/events") or "/cursors/{name}" in path:
        own |= {409, 410}  # a place in the feed
    if path.endswith("/replay"):
        own |= {410}
    return sorted(_ALWAYS | own)


def _response(status: int) -> dict[str, Any]:
    codes = ", ".join(f"`{code}`" for code in STATUSES[status])
    answer: dict[str, Any] = {
        "description": codes,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status == 429:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "required": True}}
    return answer
