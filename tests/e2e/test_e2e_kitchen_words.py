"""Whole calls in which the kitchen speaks while the caller is still on the line: the agent passes it on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from agiza.cli.call import PlacedCall
from services.orders.public_api.keys import add_key, new_key

if TYPE_CHECKING:
    from e2e_system import System

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(400)]

ORDER = ("a large fries please", "that's all", "yes")
LIMIT_S = 60.0


class Till:
    """A POS that says one word of a call's order as soon as it is placed."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._key = new_key("a till", branches=("westlands",), rights=("orders:read", "orders:write"))

    async def open(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._system.stack.database_url) as conn:
            await add_key(conn, self._key)

    async def say(self, call_id: str, **word: object) -> int | None:
        """Say this of the call's order as soon as it is there; the status of the answer, None when it never was."""
        headers = {"authorization": f"Bearer {self._key.token}"}
        loop = asyncio.get_running_loop()
        until = loop.time() + LIMIT_S
        async with httpx.AsyncClient(base_url=self._system.stack.endpoints.orders_url, headers=headers) as http:
            while loop.time() < until:
                orders = (await http.get("/v1/orders", params={"call_id": call_id})).json()["orders"]
                if orders:
                    said = await http.post(f"/v1/orders/{orders[0]['order_id']}/state", json=word)
                    return said.status_code
                await asyncio.sleep(0.2)
        return None


@pytest.fixture(scope="module")
def refused(system: System) -> PlacedCall:
    """A call whose order the kitchen refuses while the agent says goodbye."""

    async def both() -> PlacedCall:
        till = Till(system)
        await till.open()
        request = system.request(*ORDER, text=True, from_number="+254711000041")
        call, status = await asyncio.gather(
            system.call(request), till.say(request.call_id, state="rejected", reason="busy")
        )
        assert status == 200
        return call

    return system.run(both())


def words(call: PlacedCall, who: str = "agent") -> str:
    return " ".join(str(turn["text"]) for turn in call.result.transcript if turn["who"] == who)


def test_a_caller_whose_order_is_refused_hears_why_and_is_offered_a_person(refused: PlacedCall) -> None:
    said = words(refused)
    assert "the kitchen cannot take order" in said
    assert "it has too much to do just now" in said
    assert "Shall I get a person for you?" in said
