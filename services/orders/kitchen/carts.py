"""Provisional carts: what callers who speak right now have ordered so far, in the kitchen's wording.

Only of calls that go on. Nothing of it is certain, and nothing of it is numbered: whoever missed a change reads again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agiza.domain.codec import CodecError, cart_from_json
from agiza.domain.kitchen_words import printed
from agiza.domain.pricing import price_cart
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import Connection
from services.orders.catalog import Catalog

JsonObject = dict[str, Any]

CARTS_MAX: Final = 60
CALL_HOURS_MAX: Final = 2
"""A call that began earlier and never ended is none any more."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LiveCart:
    """One cart as screens show it. ``since`` is its place among the tickets, also once it is placed."""

    cart_id: str
    version: int
    shown: JsonObject


_QUERY: Final = """
SELECT c.cart_id, c.call_id, c.menu_version, c.version, c.created_at,
       CASE WHEN c.cart_id || ':' || c.version = ANY(%(known)s) THEN NULL ELSE c.pii_state END
  FROM calls k JOIN carts c ON c.call_id = k.call_id AND c.branch_id = k.branch_id
 WHERE k.branch_id = %(branch)s AND k.started_at > %(now)s - make_interval(hours => %(hours)s)
   AND k.ended_at IS NULL AND k.outcome IS NULL AND jsonb_array_length(c.pii_state->'lines') > 0
 ORDER BY c.created_at, c.cart_id LIMIT %(limit)s
"""


async def live_carts(
    conn: Connection, catalog: Catalog, clock: Clock, branch_id: str, known: Mapping[str, LiveCart]
) -> dict[str, LiveCart]:
    """The carts of this moment by id; one that is known in its present version is not read again."""
    cursor = await conn.execute(
        _QUERY,
        {
            "branch": branch_id,
            "now": clock.now(),
            "hours": CALL_HOURS_MAX,
            "limit": CARTS_MAX,
            "known": [f"{cart.cart_id}:{cart.version}" for cart in known.values()],
        },
    )
    found: dict[str, LiveCart] = {}
    for cart_id, call_id, menu_version, version, created_at, state in await cursor.fetchall():
        if state is None:
            found[cart_id] = known[cart_id]
            continue
        file = (await catalog.menu(branch_id, menu_version)).file
        try:
            cart = cart_from_json(state)
        except CodecError:
            # written by newer code than this, in the minutes of a deploy: its ticket will be shown all the same
            log.warning("cart_not_readable", call_id=call_id)
            continue
        priced = price_cart(cart, file.menu, file.branch)
        shown = {
            "id": cart_id,
            "call_id": call_id,
            "version": version,
            "since": clock.at(created_at).isoformat(),
            "fulfilment": priced.fulfilment,
            "lines": [list(printed(line)) for line in priced.lines],
        }
        found[cart_id] = LiveCart(cart_id, version, shown)
    return found
