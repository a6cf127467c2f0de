"""The contracts themselves, for everybody: what the feed carries, as AsyncAPI and as one JSON Schema for each event.

They are as open as ``GET /v1/openapi.json`` and tell of no branch: no key is asked for.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response

from agiza.contracts import asyncapi
from agiza.contracts.journeys import public_events
from agiza.contracts.released import former_schemas
from agiza.contracts.schemas import PING_TYPE, name_of, ping_schema, schemas_of
from services.orders.public_api.problems import Problem, PublicRoute

SCHEMA_MEDIA_TYPE: Final = "application/schema+json"

SchemaName = Annotated[str, Path(pattern=r"^[a-z0-9_.]{1,140}$")]


def contracts_router() -> APIRouter:
    """Serves what is the same for everybody."""
    router = APIRouter(prefix="/v1", route_class=PublicRoute)

    @router.get("/asyncapi.json", include_in_schema=False)
    async def feed_document() -> Response:
        return Response(_feed_document(), media_type="application/json")

    @router.get("/schemas", include_in_schema=False)
    async def list_schemas() -> dict[str, Any]:
        return {"schemas": [{"name": name, "id": schema["$id"]} for name, schema in event_schemas().items()]}

    @router.get("/schemas/{name}", include_in_schema=False)
    async def read_schema(name: SchemaName) -> Response:
        schema = event_schemas().get(name.removesuffix(".json"))
        if schema is None:
            raise Problem("not-found", f"there is no schema {name}: GET /v1/schemas names them")
        return Response(json.dumps(schema, ensure_ascii=False), media_type=SCHEMA_MEDIA_TYPE)

    return router


@functools.cache
def event_schemas() -> Mapping[str, dict[str, Any]]:
    """What subscribers may get, by name: every present and former version of the feed's events, and the ping."""
    events = public_events()
    found = former_schemas(events) | schemas_of(events) | {name_of(PING_TYPE, 1): ping_schema()}
    return dict(sorted(found.items()))


@functools.cache
def _feed_document() -> bytes:
    return json.dumps(asyncapi.document(), ensure_ascii=False).encode()
