"""Webhooks by the API: set up, changed, rotated, tried, sent again, looked at, deleted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from captured_logs import Logged
from orders_api import Api

from agiza.runtime.standard_webhooks import key_of
from services.orders.webhooks.endpoints import ENDPOINTS_PER_BRANCH_MAX, EVENT_TYPES, PINGS_MAX, REPLAY_SPAN_MAX

pytestmark = pytest.mark.integration

URL = "https://pos.example.co.ke/agiza"
NEW = {"url": URL, "branches": ["westlands"], "description": "till 1"}


async def made(till: httpx.AsyncClient, **over: Any) -> dict[str, Any]:
    answer = await till.post("/v1/webhooks", json=NEW | over)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refused(answer: httpx.Response) -> tuple[int, str, str | None]:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["remedy"]
    return answer.status_code, body["code"], body.get("reason")


def number_events(api: Api, branch_id: str = "westlands", count: int = 0) -> None:
    """Number the branch's events, after writing so many more of them."""
    api.desk.run(
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event)"
        f" SELECT 'evt-{branch_id}-' || n, '{branch_id}', 'agiza.order.ready', 1,"
        f" jsonb_build_object('data', jsonb_build_object('order_id', 'o' || n)) FROM generate_series(1, {count}) AS n"
    )
    api.desk.run(
        "UPDATE outbox SET sequence = n FROM (SELECT position AS at, row_number() OVER (PARTITION BY branch_id"
        " ORDER BY position) AS n FROM outbox) AS numbered WHERE at = position"
    )


def settle(api: Api, state: str, where: str = "true") -> None:
    api.desk.run(f"UPDATE webhook_deliveries SET state = '{state}', attempts = 3, settled_at = now() WHERE {where}")


async def test_the_secret_is_shown_once(api: Api, logged: Logged) -> None:
    till = await api.till("westlands")
    created = await made(till)
    secret, id = created.pop("secret"), created["webhook_id"]
    assert len(key_of(secret)) == 32
    assert (created["state"], created["types"], created["branches"]) == ("active", [], ["westlands"])
    assert (await till.get(f"/v1/webhooks/{id}")).json() == created
    assert (await till.get("/v1/webhooks")).json() == {"webhooks": [created], "next": None}
    rotated = (await till.post(f"/v1/webhooks/{id}/rotate")).json()
    assert len(key_of(rotated["secret"])) == 32
    assert rotated["secret"] != secret
    for path in ("", "/attempts", "/deliveries"):
        told = (await till.get(f"/v1/webhooks/{id}{path}")).text
        assert secret not in told
        assert rotated["secret"] not in told
    assert secret not in logged.text
    assert URL not in logged.text
    assert api.desk.rows("SELECT secret, former_secret FROM webhook_endpoints") == [(rotated["secret"], secret)]


@pytest.mark.parametrize("what", ["create", "rotate"])
async def test_a_repeated_request_is_carried_out_once_and_its_secret_is_kept_nowhere(api: Api, what: str) -> None:
    till = await api.till("westlands")
    path, body = "/v1/webhooks", NEW
    if what == "rotate":
        path, body = f"/v1/webhooks/{(await made(till))['webhook_id']}/rotate", {"former_hours": 2}
    once = {"idempotency-key": "till1-000017"}
    first = await till.post(path, json=body, headers=once)
    again = await till.post(path, json=body, headers=once)
    assert first.status_code == again.status_code == 200
    assert again.json() == first.json() | {"secret": None}
    ((stored,),) = api.desk.rows("SELECT pii_answer::text FROM api_writes")
    assert first.json()["secret"].removeprefix("whsec_") not in stored
    assert api.desk.rows("SELECT count(*), max(secret) FROM webhook_endpoints") == [(1, first.json()["secret"])]
    other = await till.post(path, json=NEW | {"description": "another"} if what == "create" else {}, headers=once)
    assert refused(other) == (422, "idempotency-key-reused", None)


WRONG: list[tuple[dict[str, Any], tuple[int, str, str | None]]] = [
    ({"url": "http://pos.example.co.ke/"}, (409, "webhook-refused", "url-not-https")),
    ({"url": "https://10.1.2.3/"}, (409, "webhook-refused", "url-private")),
    ({"url": "https://pos.example.co.ke:8443/"}, (409, "webhook-refused", "url-port")),
    ({"url": "https://user:word@pos.example.co.ke/"}, (422, "invalid-request", None)),
    ({"url": "https://pos.example.co.ke/#x"}, (422, "invalid-request", None)),
    ({"url": f"https://pos.example.co.ke/{'x' * 1000}"}, (422, "invalid-request", None)),
    ({"types": ["agiza.cart.changed"]}, (422, "invalid-request", None)),
    ({"branches": []}, (422, "invalid-request", None)),
    ({"branches": ["nowhere"]}, (404, "not-found", None)),
    ({"branches": ["westlands", "kilimani"]}, (404, "not-found", None)),
    ({"branches": ["*"]}, (404, "not-found", None)),
    ({"description": "x" * 201}, (422, "invalid-request", None)),
    ({"description": "line\nline"}, (422, "invalid-request", None)),
    ({"secret": "whsec_mine"}, (422, "invalid-request", None)),
]


async def test_what_cannot_be_set_up(api: Api) -> None:
    till = await api.till("westlands")
    path = f"/v1/webhooks/{(await made(till))['webhook_id']}"
    for over, problem in WRONG:
        assert refused(await till.post("/v1/webhooks", json=NEW | over)) == problem, over
        if "branches" not in over and "secret" not in over:
            assert refused(await till.patch(path, json=over)) == problem, over
    assert api.desk.rows("SELECT url, types, description FROM webhook_endpoints") == [(URL, [], "till 1")]


async def test_an_unknown_type_is_answered_with_those_that_there_are(api: Api) -> None:
    till = await api.till("westlands")
    answer = await till.post("/v1/webhooks", json=NEW | {"types": ["agiza.order.burnt"]})
    assert all(type in answer.json()["errors"][0]["problem"] for type in EVENT_TYPES)
    assert "burnt" not in answer.text


async def test_every_branch_is_for_a_key_of_every_branch(api: Api) -> None:
    everywhere, till = await api.till("*"), await api.till("westlands")
    id = (await made(everywhere, branches=["*"]))["webhook_id"]
    assert (await till.get(f"/v1/webhooks/{id}")).status_code == 404
    assert (await till.get("/v1/webhooks", params={"branch_id": "westlands"})).json()["webhooks"] == []
    mixed = await everywhere.post("/v1/webhooks", json=NEW | {"branches": ["*", "westlands"]})
    assert refused(mixed) == (409, "webhook-refused", "branches-not-valid")
    of_branch = (await everywhere.get("/v1/webhooks", params={"branch_id": "westlands"})).json()
    assert [each["webhook_id"] for each in of_branch["webhooks"]] == [id]


async def test_a_branch_has_only_so_many(api: Api) -> None:
    till = await api.till("westlands")
    ids = [(await made(till))["webhook_id"] for _ in range(ENDPOINTS_PER_BRANCH_MAX)]
    assert refused(await till.post("/v1/webhooks", json=NEW)) == (409, "webhook-refused", "too-many-endpoints")
    deleted = await till.delete(f"/v1/webhooks/{ids[0]}")
    assert deleted.json() == {"webhook_id": ids[0], "deleted": True}
    assert (await till.delete(f"/v1/webhooks/{ids[0]}")).status_code == 404
    await made(till)
    first = (await till.get("/v1/webhooks", params={"limit": 6})).json()
    second = (await till.get("/v1/webhooks", params={"limit": 6, "cursor": first["next"]})).json()
    listed = [each["webhook_id"] for each in first["webhooks"] + second["webhooks"]]
    assert ids[0] not in listed
    assert len(set(listed)) == ENDPOINTS_PER_BRANCH_MAX
    assert second["next"] is None
    assert (await till.get("/v1/webhooks", params={"cursor": ids[0]})).status_code == 404


async def test_a_deletion_is_answered_the_same_again(api: Api) -> None:
    till = await api.till("westlands")
    path, once = f"/v1/webhooks/{(await made(till))['webhook_id']}", {"idempotency-key": "delete-0001"}
    assert [(await till.delete(path, headers=once)).status_code for _ in range(2)] == [200, 200]
    assert (await till.get(path)).status_code == 404


async def test_paused_changed_disabled_and_resumed(api: Api) -> None:
    till = await api.till("westlands")
    path = f"/v1/webhooks/{(await made(till))['webhook_id']}"
    paused = (await till.patch(path, json={"state": "paused", "types": ["agiza.order.placed"]})).json()
    assert (paused["state"], paused["types"], paused["url"]) == ("paused", ["agiza.order.placed"], URL)
    assert refused(await till.post(f"{path}/ping")) == (409, "webhook-refused", "not-active")
    same = (await till.patch(path, json={})).json()
    assert same["state"] == "paused"
    active = (await till.patch(path, json={"state": "active", "types": [], "description": ""})).json()
    assert (active["state"], active["types"], active["description"]) == ("active", [], "")
    api.desk.run(
        "UPDATE webhook_endpoints SET state = 'disabled', state_reason = 'it answered 410', failures = 9,"
        " failing_since = now(), open_until = now()"
    )
    for answer in (
        await till.patch(path, json={"state": "active"}),
        await till.post(f"{path}/ping"),
        await till.post(f"{path}/replay", json={"branch_id": "westlands", "from": 1, "to": 1}),
    ):
        assert refused(answer) == (409, "webhook-refused", "not-active")
        assert "(it answered 410): POST" in answer.json()["detail"]
    assert (await till.patch(path, json={"url": f"{URL}/2"})).json()["state"] == "disabled", "an address may be mended"
    resumed = (await till.post(f"{path}/resume")).json()
    assert (resumed["state"], resumed["state_reason"], resumed["failures"], resumed["held_until"]) == (
        "active",
        None,
        0,
        None,
    )


async def test_a_second_rotation_meanwhile_says_so(api: Api) -> None:
    till = await api.till("westlands")
    path = f"/v1/webhooks/{(await made(till))['webhook_id']}/rotate"
    first = (await till.post(path, json={"former_hours": 2})).json()
    ends = api.desk.clock.now() + timedelta(hours=2)
    assert first["former_secret_until"] == ends.isoformat().replace("+00:00", "Z")
    again = await till.post(path)
    assert refused(again) == (409, "webhook-refused", "rotation-running")
    assert ends.isoformat() in again.json()["detail"]
    leaked = (await till.post(path, json={"drop_former": True, "former_hours": 0})).json()
    assert leaked["former_secret_until"] == api.desk.clock.now().isoformat().replace("+00:00", "Z")
    assert (await till.post(path)).status_code == 200, "the one before is not good any more"
    api.desk.clock.advance(24 * 3600 + 1)
    assert (await till.post(path, json={"former_hours": 168})).status_code == 200
    assert (await till.post(path, json={"former_hours": 169, "drop_former": True})).status_code == 422


async def test_a_ping_is_a_delivery_of_its_own_class(api: Api) -> None:
    till = await api.till("westlands")
    woken: list[int] = []
    api.app.state.orders_api = replace(api.app.state.orders_api, wake_webhooks=lambda: woken.append(1))
    id = (await made(till, types=["agiza.order.placed"]))["webhook_id"]
    told = (await till.post(f"/v1/webhooks/{id}/ping")).json()
    assert woken == [1], "it goes out now"
    assert api.desk.rows(
        "SELECT event_id, branch_id, sequence, type, class, state, attempts FROM webhook_deliveries"
    ) == [(told["event_id"], "westlands", 0, "agiza.ping", "ping", "pending", 0)]
    assert (await till.get(told["attempts"])).json() == {"attempts": [], "next": None}
    api.desk.run(
        "INSERT INTO webhook_attempts (endpoint_id, event_id, attempt, at, status, error, duration_ms)"
        f" VALUES ('{id}', '{told['event_id']}', 1, now(), 204, NULL, 31)"
    )
    (attempt,) = (await till.get(told["attempts"])).json()["attempts"]
    assert (attempt["event_id"], attempt["status"], attempt["error"], attempt["duration_ms"]) == (
        told["event_id"],
        204,
        None,
        31,
    )
    for _ in range(PINGS_MAX - 1):
        assert (await till.post(f"/v1/webhooks/{id}/ping")).status_code == 200
    assert refused(await till.post(f"/v1/webhooks/{id}/ping")) == (409, "webhook-refused", "too-many-pings")
    assert len(woken) == PINGS_MAX, "not for what was refused"
    (listed, *_) = (await till.get(f"/v1/webhooks/{id}/deliveries")).json()["deliveries"]
    assert (listed["sequence"], listed["class"], listed["order_id"]) == (None, "ping", None)


async def test_a_range_is_sent_again_as_far_as_it_is_subscribed_to(api: Api) -> None:
    till = await api.till("westlands", "kilimani")
    await api.placed()
    number_events(api, "westlands", 4)
    number_events(api, "kilimani", 2)
    id = (await made(till, types=["agiza.order.ready"]))["webhook_id"]
    path = f"/v1/webhooks/{id}/replay"

    async def replay(first: int, last: int) -> dict[str, Any]:
        answer = (await till.post(path, json={"branch_id": "westlands", "from": first, "to": last})).json()
        assert answer.pop("webhook_id") == id
        assert answer.pop("branch_id") == "westlands"
        return answer  # type: ignore[no-any-return]

    counts = {"from": 1, "to": 4, "events": 4, "queued": 3, "waiting": 0, "not_subscribed": 1}
    assert await replay(1, 4) == counts
    rows = api.desk.rows("SELECT sequence, order_id, class, state FROM webhook_deliveries ORDER BY sequence")
    assert rows == [(2, "o1", "record", "pending"), (3, "o2", "record", "pending"), (4, "o3", "record", "pending")]
    assert await replay(1, 4) == counts | {"queued": 0, "waiting": 3}
    settle(api, "delivered", "sequence = 2")
    settle(api, "expired", "sequence = 3")
    assert await replay(2, 900) == {"from": 2, "to": 5, "events": 4, "queued": 3, "waiting": 1, "not_subscribed": 0}
    assert api.desk.rows("SELECT DISTINCT state, attempts, settled_at FROM webhook_deliveries") == [
        ("pending", 0, None)
    ]
    everything = (await made(till))["webhook_id"]
    answer = await till.post(f"/v1/webhooks/{everything}/replay", json={"branch_id": "westlands", "from": 1, "to": 1})
    assert answer.json()["queued"] == 1
    (ticket,) = api.desk.rows(
        f"SELECT class, order_id IS NULL FROM webhook_deliveries WHERE endpoint_id = '{everything}'"
    )
    assert ticket == ("ticket", False)


async def test_a_range_that_cannot_be_sent_again(api: Api) -> None:
    till = await api.till("westlands", "kilimani")
    number_events(api, "westlands", 5)
    number_events(api, "kilimani", 5)
    api.desk.run("DELETE FROM outbox WHERE branch_id = 'westlands' AND sequence < 3")
    path = f"/v1/webhooks/{(await made(till))['webhook_id']}/replay"
    for body, problem in (
        ({"branch_id": "westlands", "from": 4, "to": 3}, (409, "webhook-refused", "range-not-valid")),
        ({"branch_id": "westlands", "from": 3, "to": 3 + REPLAY_SPAN_MAX}, (409, "webhook-refused", "range-not-valid")),
        ({"branch_id": "westlands", "from": 6, "to": 7}, (409, "webhook-refused", "range-not-valid")),
        ({"branch_id": "westlands", "from": 2, "to": 5}, (410, "events-forgotten", None)),
        ({"branch_id": "kilimani", "from": 1, "to": 5}, (404, "not-found", None)),
        ({"branch_id": "westlands", "from": 0, "to": 5}, (422, "invalid-request", None)),
        ({"branch_id": "westlands", "from": 1}, (422, "invalid-request", None)),
    ):
        assert refused(await till.post(path, json=body)) == problem, body
    forgotten = (await till.post(path, json={"branch_id": "westlands", "from": 1, "to": 2})).json()
    assert (forgotten["oldest"], forgotten["newest"]) == (3, 5)
    assert api.desk.rows("SELECT count(*) FROM webhook_deliveries") == [(0,)]
    whole = await till.post(path, json={"branch_id": "westlands", "from": 3, "to": 2 + REPLAY_SPAN_MAX})
    assert whole.json()["queued"] == 3


async def test_deliveries_and_attempts_are_listed_page_by_page(api: Api) -> None:
    till = await api.till("westlands")
    number_events(api, "westlands", 9)
    id = (await made(till))["webhook_id"]
    for first, last in ((1, 4), (5, 9)):
        await till.post(f"/v1/webhooks/{id}/replay", json={"branch_id": "westlands", "from": first, "to": last})
        api.desk.clock.advance(1)
    settle(api, "expired", "sequence IN (2, 7)")

    async def pages(what: str, limit: int, **filters: str) -> list[list[dict[str, Any]]]:
        found, cursor = [], {}
        while True:
            answer = await till.get(f"/v1/webhooks/{id}/{what}", params={"limit": limit, **filters, **cursor})
            page = answer.json()
            found.append(page[what])
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}

    listed = await pages("deliveries", 4)
    assert [len(page) for page in listed] == [4, 4, 1]
    flat = [each for page in listed for each in page]
    assert sorted(each["sequence"] for each in flat) == list(range(1, 10))
    assert {each["sequence"] for each in flat[:5]} == {5, 6, 7, 8, 9}, "those that began last"
    (dead,) = await pages("deliveries", 200, state="expired")
    assert {each["sequence"] for each in dead} == {2, 7}
    assert {each["due_at"] for each in dead} == {None}
    (one,) = await pages("deliveries", 5, event_id=flat[0]["event_id"])
    assert one == [flat[0]]
    api.desk.run(
        "INSERT INTO webhook_attempts (endpoint_id, event_id, attempt, at, status, error, duration_ms)"
        f" SELECT '{id}', 'evt-westlands-' || (1 + n % 2), n, now(), NULL, 'timeout', 15000"
        " FROM generate_series(1, 7) AS n"
    )
    attempts = await pages("attempts", 3)
    assert [[each["attempt"] for each in page] for page in attempts] == [[7, 6, 5], [4, 3, 2], [1]]
    of_one = await pages("attempts", 3, event_id="evt-westlands-1")
    assert [[each["attempt"] for each in page] for page in of_one] == [[6, 4, 2]]
    for what, wrong in (("deliveries", "7"), ("attempts", "seven"), ("deliveries", f"{10**17}-x")):
        answer = await till.get(f"/v1/webhooks/{id}/{what}", params={"cursor": wrong})
        assert refused(answer) == (422, "invalid-request", None)


async def test_no_answer_is_larger_than_it_may_be(api: Api) -> None:
    till = await api.till("westlands")
    big = await till.post("/v1/webhooks", content=json.dumps(NEW | {"description": "x" * 20_000}))
    assert refused(big) == (413, "body-too-large", None)
