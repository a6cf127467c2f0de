"""Who asks, and what a route needs of them.

    @router.get("/orders")
    async def orders(parts: Parts, holder: Annotated[KeyHolder, Depends(needs("orders:read"))]) -> ...:

The installation's own token may read everything and change nothing; whoever changes something has a key of their own.
It is not taken from a request that a proxy has brought in from outside.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from agiza.runtime.clock import Clock
from agiza.runtime.http import is_from_outside
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool
from services.orders.catalog import Catalog
from services.orders.feed.door import FeedDoor
from services.orders.public_api.keys import RIGHTS, KeyHolder, Right, holder_of
from services.orders.public_api.pace import Pace
from services.orders.public_api.problems import Problem
from services.orders.webhooks.addresses import AllowList

INTERNAL: Final = KeyHolder("internal", None, frozenset(right for right in RIGHTS if right.endswith(":read")))

_bearer: Final = HTTPBearer(auto_error=False, scheme_name="key", description="A key of `agiza keys create`")


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What the routes work with. ``wake`` tells the relay that something was committed;
    ``webhook_hosts`` are those inside the network to which webhooks may go, ``wake_webhooks`` tells their engine."""

    token: SecretStr
    pool: Pool
    catalog: Catalog
    clock: Clock
    metrics: Metrics
    pace: Pace
    wake: Callable[[], None]
    feed: FeedDoor
    webhook_hosts: AllowList = field(default_factory=AllowList)
    wake_webhooks: Callable[[], None] = lambda: None


def parts_of(request: Request) -> ApiParts:
    """The parts that were handed to ``public_api.add_public_api``."""
    parts = request.app.state.orders_api
    assert isinstance(parts, ApiParts)
    return parts


Parts = Annotated[ApiParts, Depends(parts_of)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def needs(right: Right) -> Callable[[Request, ApiParts, HTTPAuthorizationCredentials | None], Awaitable[KeyHolder]]:
    """A dependency: whoever asks, if their key has this right. Raises :class:`Problem` otherwise.

    The key's id is in ``request.state.key_id`` from then on."""

    async def holder(request: Request, parts: Parts, credentials: Credentials) -> KeyHolder:
        is_outside = is_from_outside(request)
        found = await _holder(parts, credentials.credentials, is_outside) if credentials is not None else None
        if found is None:
            raise Problem(
                "not-authenticated", "no valid key was sent", headers={"www-authenticate": 'Bearer realm="agiza"'}
            )
        wait_s = parts.pace.wait_s(found.key_id, parts.clock.monotonic()) if found is not INTERNAL else 0
        if wait_s:
            raise Problem("too-many-requests", "this key asks too often", headers={"retry-after": str(wait_s)})
        if right not in found.rights:
            raise Problem("right-missing", f"this key does not have the right {right}")
        request.state.key_id = found.key_id
        return found

    return holder


MenuReader = Annotated[KeyHolder, Depends(needs("menus:read"))]
StockReader = Annotated[KeyHolder, Depends(needs("stock:read"))]
StockWriter = Annotated[KeyHolder, Depends(needs("stock:write"))]
CartReader = Annotated[KeyHolder, Depends(needs("carts:read"))]
OrderReader = Annotated[KeyHolder, Depends(needs("orders:read"))]
OrderWriter = Annotated[KeyHolder, Depends(needs("orders:write"))]
FeedAcknowledger = Annotated[KeyHolder, Depends(needs("feed:acknowledge"))]
WebhookReader = Annotated[KeyHolder, Depends(needs("webhooks:read"))]
WebhookWriter = Annotated[KeyHolder, Depends(needs("webhooks:write"))]


async def still_may(request: Request, parts: ApiParts, right: Right, branch_id: str) -> bool:
    """Whether who asked this would be let in now, for an answer that goes on. Counted as no request of the key."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    is_outside = is_from_outside(request)
    found = await _holder(parts, token.strip(), is_outside) if scheme.lower() == "bearer" else None
    return found is not None and right in found.rights and found.sees(branch_id)


def must_see(holder: KeyHolder, branch_id: str) -> None:
    """Raise :class:`Problem` for a branch that is not the holder's: to them it is not there."""
    if not holder.sees(branch_id):
        raise no_branch(branch_id)


def no_branch(branch_id: str) -> Problem:
    """The same answer for a branch that does not exist and for somebody else's."""
    return Problem("not-found", f"there is no branch {branch_id}")


async def _holder(parts: ApiParts, token: str, is_outside: bool) -> KeyHolder | None:
    given, internal = token.encode("utf-8", "surrogateescape"), parts.token.get_secret_value().encode()
    if hmac.compare_digest(given, internal):
        return None if is_outside else INTERNAL
    async with parts.pool.connection() as conn:
        return await holder_of(conn, token)
