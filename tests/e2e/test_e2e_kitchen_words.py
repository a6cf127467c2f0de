"""Whole calls in which the kitchen speaks while the caller is still on the line: the agent passes it on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
import redis.asyncio

from agiza.cli.call import CallRequest, PlacedCall
from agiza.contracts.streams import session_key
from services.orders.public_api.keys import add_key, new_key

if TYPE_CHECKING:
    from e2e_system import System

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(400)]

ORDER = ("a large fries please", "that's all", "yes")
LIMIT_S = 60.0


class Till:
    """A POS that says one word of a call's order, when the call has come so far."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._key = new_key("a till", branches=("westlands",), rights=("orders:read", "orders:write"))

    async def open(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._system.stack.database_url) as conn:
            await add_key(conn, self._key)

    async def say(self, call_id: str, *, once_in: str, **word: object) -> None:
        """Say this of the order as soon as it is there and the session of its call is in this phase."""
        headers = {"authorization": f"Bearer {self._key.token}"}
        async with (
            asyncio.timeout(LIMIT_S),
            httpx.AsyncClient(base_url=self._system.stack.endpoints.orders_url, headers=headers) as http,
            redis.asyncio.Redis.from_url(self._system.stack.redis_url, decode_responses=True) as records,
        ):
            orders: list[Mapping[str, object]] = []
            was_farewell = once_in == "farewell"
            while True:
                if not orders:
                    orders = (await http.get("/v1/orders", params={"call_id": call_id})).json()["orders"]
                phase = await records.hget(session_key(call_id), "phase")  # type: ignore[misc]
                was_farewell = was_farewell or phase == "farewell"
                if orders and was_farewell and phase == once_in:
                    break
                await asyncio.sleep(0.1)
            said = await http.post(f"/v1/orders/{orders[0]['order_id']}/state", json=word)
            assert said.status_code == 200, said.text


@pytest.fixture(scope="module")
def calls(system: System) -> Mapping[str, PlacedCall]:
    """Both calls at once."""

    async def one(till: Till, request: CallRequest, once_in: str, **word: object) -> PlacedCall:
        call, _ = await asyncio.gather(system.call(request), till.say(request.call_id, once_in=once_in, **word))
        return call

    async def both() -> dict[str, PlacedCall]:
        till = Till(system)
        await till.open()
        refused = system.request(*ORDER, "yes please", text=True, from_number="+254711000041")
        waits = system.request(*ORDER, "how long will it take", text=True, from_number="+254711000042")
        done = await asyncio.gather(
            one(till, refused, "farewell", state="rejected", reason="busy"),
            one(till, waits, "talking", state="accepted", eta_minutes=35),
        )
        return dict(zip(("refused", "accepted"), done, strict=True))

    return system.run(both())


def words(call: PlacedCall, who: str = "agent") -> str:
    return " ".join(str(turn["text"]) for turn in call.result.transcript if turn["who"] == who)


def test_a_caller_who_waits_hears_the_time(calls: Mapping[str, PlacedCall]) -> None:
    said = words(calls["accepted"])
    assert "The kitchen has accepted order" in said
    assert "It will take about thirty-five minutes." in said
    assert calls["accepted"].result.outcome == "placed"


def test_a_caller_whose_order_is_refused_hears_why_and_gets_a_person(calls: Mapping[str, PlacedCall]) -> None:
    refused = calls["refused"]
    said = words(refused)
    assert "the kitchen cannot take order" in said
    assert "it has too much to do just now" in said
    assert "Shall I get a person for you?" in said
    assert refused.record.staff_reached == ["+254700000001"]
    assert refused.result.outcome == "handoff"
