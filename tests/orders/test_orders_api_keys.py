"""Who may ask for what: keys, rights, branches, limits. That nobody sees another's: test_orders_api_tenancy.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api_walk import belongings, routes, walk
from orders_api import TOKEN, Api, api_on
from orders_desk import Desk

from services.orders.public_api.keys import (
    RIGHTS,
    KeyRefused,
    add_key,
    holder_of,
    list_keys,
    new_key,
    revoke_key,
)
from services.orders.public_api.pace import BUCKETS_MAX, Pace, PaceLimits

pytestmark = pytest.mark.integration

AS_JSON = {"content-type": "application/json"}


async def test_no_route_answers_without_a_key_that_is_good(api: Api) -> None:
    things = await belongings(api, "westlands", "HD_orders01")
    revoked = await api.key("westlands")
    expired = await api.key("westlands", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    async with api.desk.pool.connection() as conn:
        assert await revoke_key(conn, revoked.key_id) == "a till"
    good = await api.key("westlands")
    wrong = good.token[:-4] + ("aaaa" if not good.token.endswith("aaaa") else "bbbb")
    for token in (None, "", "wrong", wrong, revoked.token, expired.token, good.key_id, good.digest):
        client = await api.client(token)
        for name, answer in (await walk(client, things)).items():
            assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated"), (name, token)
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert api.desk.rows("SELECT state FROM orders") == [("placed",)]


async def test_each_route_needs_exactly_one_right(api: Api) -> None:
    things = await belongings(api, "westlands", "HD_orders01")
    opened: dict[str, list[str]] = {}
    for right in RIGHTS:
        for name, answer in (await walk(await api.till("westlands", rights=[right]), things)).items():
            if answer.status_code == 403:
                assert "does not have the right" in answer.json()["detail"]
            else:
                assert answer.status_code == 200, (name, answer.text)
                opened.setdefault(name, []).append(right)
    assert {name: len(rights) for name, rights in opened.items()} == dict.fromkeys(opened, 1)
    assert opened.keys() == {route.name for route in routes()}
    assert opened["POST /v1/orders/{order_id}/state"] == ["orders:write"]


async def test_the_installations_own_token_reads_everything(api: Api) -> None:
    things = await belongings(api, "kilimani", "HD_another01")
    client = await api.client(TOKEN)
    for name, answer in (await walk(client, things)).items():
        assert answer.status_code == (200 if name.startswith("GET") else 403), name


async def test_the_installations_own_token_is_not_taken_from_outside(api: Api) -> None:
    outside = {"x-forwarded-for": "203.0.113.9"}
    assert (await (await api.client(TOKEN)).get("/v1/orders", headers=outside)).status_code == 401
    assert (await (await api.till("westlands")).get("/v1/orders", headers=outside)).status_code == 200


async def test_a_key_for_every_branch(api: Api) -> None:
    await api.placed("HD_another01", "kilimani")
    client = await api.till("*")
    assert len((await client.get("/v1/orders")).json()["orders"]) == 1
    assert len((await client.get("/v1/branches")).json()["branches"]) >= 2


async def test_only_a_digest_is_kept(desk: Desk) -> None:
    made = new_key("till", branches=["westlands"], rights=["orders:read"])
    async with desk.pool.connection() as conn:
        await add_key(conn, made)
        holder = await holder_of(conn, made.token)
        (row,) = await list_keys(conn)
    assert holder is not None
    assert (holder.key_id, holder.branches, holder.rights) == (made.key_id, ("westlands",), {"orders:read"})
    assert row.last_used_at is not None
    secret = made.token.rpartition("_")[2]
    assert len(secret) == 52
    (stored,) = desk.rows("SELECT api_keys::text FROM api_keys")
    assert secret not in stored[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"branches": []}, "branch"),
        ({"branches": ["*", "westlands"]}, "not both"),
        ({"rights": []}, "rights are"),
        ({"rights": ["orders:read", "orders:burn"]}, "rights are"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(change: dict[str, Any], message: str) -> None:
    wanted: dict[str, Any] = {"name": "till", "branches": ["westlands"], "rights": ["orders:read"]} | change
    with pytest.raises(KeyRefused, match=message):
        new_key(wanted.pop("name"), **wanted)


async def test_a_key_for_a_branch_that_is_not_there_is_refused(desk: Desk) -> None:
    made = new_key("till", branches=["westland"], rights=["orders:read"])
    async with desk.pool.connection() as conn:
        with pytest.raises(KeyRefused, match=r"there is no branch westland; there are: .*westlands"):
            await add_key(conn, made)


async def test_a_key_that_asks_too_often_is_told_to_wait(desk: Desk) -> None:
    async with api_on(desk, PaceLimits(per_second=2, burst=3)) as api:
        first, second = await api.till("westlands"), await api.till("westlands")
        assert [(await first.get("/v1/branches")).status_code for _ in range(4)] == [200, 200, 200, 429]
        told = await first.get("/v1/branches")
        assert (told.json()["code"], told.headers["retry-after"]) == ("too-many-requests", "1")
        assert (await second.get("/v1/branches")).status_code == 200
        internal = await api.client(TOKEN)
        assert {(await internal.get("/v1/branches")).status_code for _ in range(10)} == {200}
        desk.clock.advance(1)
        assert [(await first.get("/v1/branches")).status_code for _ in range(3)] == [200, 200, 429]


def test_memory_of_the_pace_is_bounded() -> None:
    pace = Pace(PaceLimits(per_second=1, burst=1))
    for number in range(BUCKETS_MAX + 5):
        assert pace.wait_s(f"key-{number}", 0.0) == 0
    assert pace.wait_s("key-0", 0.0) == 0, "forgotten, so its bucket is full again"
    assert pace.wait_s(f"key-{BUCKETS_MAX + 4}", 0.0) == 1


async def test_refusals_outside_of_routes_are_problems_too(api: Api) -> None:
    till = await api.till("westlands")
    for answer, code in (
        (await till.get("/v1/nothing"), "not-found"),
        (await till.delete("/v1/orders"), "method-not-allowed"),
        (await till.post("/v1/orders/x/state", content=b"x" * 20_000), "body-too-large"),
        (await till.post("/v1/orders/x/state", content=b"{"), "invalid-request"),
        (await till.post("/v1/orders/x/state", content=b"\xff", headers=AS_JSON), "invalid-request"),
        (await till.get("/v1/orders", params={"limit": "0"}), "invalid-request"),
        (await till.get("/v1/orders", params={"cursor": "ord-none"}), "not-found"),
        (await till.get("/v1/orders", params={"cursor": "not a cursor"}), "invalid-request"),
        (await till.get("/v1/orders", params={"branch_id": "WEST"}), "invalid-request"),
    ):
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json()["code"], answer.json()["status"]) == (code, answer.status_code)
        assert answer.json()["remedy"]
    assert (await till.delete("/v1/orders")).headers["allow"] == "GET"
    assert (await till.get("/nothing")).json() == {"detail": "Not Found"}


async def test_pages_neither_overlap_nor_skip_while_orders_come_in(api: Api) -> None:
    till = await api.till("westlands")
    made = [await api.placed(f"HD_page{number}") for number in range(5)]
    first = (await till.get("/v1/orders", params={"limit": 2})).json()
    await api.placed("HD_page5")
    second = (await till.get("/v1/orders", params={"limit": 2, "cursor": first["next"]})).json()
    last = (await till.get("/v1/orders", params={"limit": 2, "cursor": second["next"]})).json()
    pages = [order["order_id"] for page in (first, second, last) for order in page["orders"]]
    assert pages == made[::-1]
    assert last["next"] is None
    states = await till.get("/v1/orders", params={"state": "accepted"})
    assert states.json()["orders"] == []


async def test_versions_of_menus_are_listed_and_read(api: Api) -> None:
    till = await api.till("westlands")
    document = (await till.get("/v1/branches/westlands/menu")).json()["document"]
    document["branch"]["name"] += " again"
    await api.desk.catalog.publish([document])
    listed = (await till.get("/v1/branches/westlands/menus", params={"limit": 1})).json()
    assert ([menu["version"] for menu in listed["menus"]], listed["next_before"]) == ([2], 2)
    rest = (await till.get("/v1/branches/westlands/menus", params={"before": 2})).json()
    assert ([menu["version"] for menu in rest["menus"]], rest["next_before"]) == ([1], None)
    old = (await till.get("/v1/branches/westlands/menus/1")).json()
    assert old["document"]["branch"]["name"] != document["branch"]["name"]
    assert (await till.get("/v1/branches/westlands/menus/3")).status_code == 404
    assert (await till.get("/v1/branches/westlands")).json()["menu_version"] == 2
