"""The SQL that finds the cart with which a call goes on: its own, the one of a lost call, or one that was left open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from agiza.runtime.postgres import Connection
from services.orders.store import CartRow

REDIAL_MINUTES: Final = 15
"""A caller who rings again within this time after their line was lost finds the cart as it was."""

_CART: Final = "c.cart_id, c.menu_version, c.version, c.leg_epoch, c.pii_state"


@dataclass(frozen=True, slots=True)
class HeldCart:
    """A locked cart and where it belongs."""

    call_id: str
    branch_id: str
    row: CartRow


async def lock_cart_of_call(conn: Connection, call_id: str) -> HeldCart | None:
    """The call's own cart under a row lock."""
    cursor = await conn.execute(
        f"SELECT c.call_id, c.branch_id, {_CART} FROM carts c WHERE c.call_id = %s FOR NO KEY UPDATE",  # noqa: S608
        (call_id,),
    )
    return _held(await cursor.fetchone())


async def lock_cart_of_lost_call(conn: Connection, call_id: str, branch_id: str) -> HeldCart | None:
    """The cart of the call that this one was placed to go on with, under a row lock."""
    cursor = await conn.execute(
        f"SELECT c.call_id, c.branch_id, {_CART} FROM calls k JOIN carts c ON c.call_id = k.resumes_call_id"  # noqa: S608
        " WHERE k.call_id = %s AND k.branch_id = %s AND c.branch_id = k.branch_id FOR NO KEY UPDATE OF c",
        (call_id, branch_id),
    )
    return _held(await cursor.fetchone())


async def lock_cart_left_open(conn: Connection, call_id: str, branch_id: str) -> HeldCart | None:
    """The newest cart with lines that the same number left open in this branch a short while ago, under a row lock.

    Only of a call that is over. What was placed from it stays placed; what was being added to it goes on.
    """
    cursor = await conn.execute(
        f"SELECT c.call_id, c.branch_id, {_CART} FROM calls k"  # noqa: S608
        " JOIN calls earlier ON earlier.pii_caller = k.pii_caller AND earlier.branch_id = k.branch_id"
        "  AND earlier.call_id <> k.call_id AND (earlier.ended_at IS NOT NULL OR earlier.outcome IS NOT NULL)"
        " JOIN carts c ON c.call_id = earlier.call_id AND c.branch_id = k.branch_id"
        " WHERE k.call_id = %s AND k.branch_id = %s AND c.updated_at > now() - make_interval(mins => %s)"
        "  AND jsonb_array_length(c.pii_state->'lines') > 0"
        " ORDER BY c.updated_at DESC LIMIT 1 FOR NO KEY UPDATE OF c",
        (call_id, branch_id, REDIAL_MINUTES),
    )
    return _held(await cursor.fetchone())


async def is_ring_back(conn: Connection, call_id: str) -> bool:
    """Whether we placed this call so that a lost customer can go on."""
    cursor = await conn.execute("SELECT resumes_call_id IS NOT NULL FROM calls WHERE call_id = %s", (call_id,))
    row = await cursor.fetchone()
    return bool(row and row[0])


async def move_cart(conn: Connection, cart_id: str, call_id: str) -> None:
    """The cart goes on in another call, whose legs count from their own beginning."""
    await conn.execute(
        "UPDATE carts SET call_id = %s, leg_epoch = 0, updated_at = now() WHERE cart_id = %s", (call_id, cart_id)
    )


def _held(row: tuple[Any, ...] | None) -> HeldCart | None:
    return HeldCart(row[0], row[1], CartRow(*row[2:])) if row else None
