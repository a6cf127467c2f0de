"""What a webhook endpoint may be, and its rows: who sees them, how many there may be, how secrets follow each other."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders_desk import Desk

from agiza.contracts.events import EVENTS
from agiza.runtime.postgres import transaction
from agiza.runtime.standard_webhooks import key_of
from services.orders.webhooks import store_endpoints as store
from services.orders.webhooks.addresses import AllowList, why_url_refused
from services.orders.webhooks.endpoints import (
    BRANCHES_MAX,
    ENDPOINTS_PER_BRANCH_MAX,
    EVENT_TYPES,
    URL_CHARS_MAX,
    EndpointRefused,
    check_branches,
    check_types,
    check_url,
    new_endpoint_id,
    new_secret,
)
from services.orders.webhooks.store_endpoints import Change, EndpointRow, NewEndpoint
from services.orders.webhooks.store_forgetting import forget_deleted, forget_former_secrets

OWN = AllowList.parse("pos.lan")


@pytest.mark.parametrize(
    "url",
    [
        "https://pos.example.co.ke",
        "https://pos.example.co.ke:443/agiza/v1?till=7",
        "https://xn--mller-kva.example/",
        "https://8.8.8.8/hook",
        "HTTPS://POS.EXAMPLE.CO.KE/",
        "http://pos.lan/hook",
        "http://pos.lan:8080/hook",
        f"https://a.example/{'x' * (URL_CHARS_MAX - 18)}",
    ],
)
def test_an_address_that_may_be_sent_to(url: str) -> None:
    check_url(url, allowed=OWN)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://pos.example.co.ke/", "url-not-https"),
        ("ftp://pos.example.co.ke/", "url-not-https"),
        ("pos.example.co.ke/hook", "url-not-https"),
        ("https://user:word@pos.example.co.ke/", "url-credentials"),
        ("https://user@pos.example.co.ke/", "url-credentials"),
        ("http://user@pos.lan/", "url-credentials"),
        ("https://pos.example.co.ke/#top", "url-fragment"),
        ("https://pos.example.co.ke/#", "url-fragment"),
        ("https://pos.example.co.ke:8443/", "url-port"),
        ("https://pos.example.co.ke:0/", "url-port"),
        ("https://10.0.0.7/", "url-private"),
        ("https://10.0.0.7:8444/", "url-private"),
        ("https://127.0.0.1/", "url-private"),
        ("https://169.254.169.254/latest/meta-data", "url-private"),
        ("https://100.64.0.1/", "url-private"),
        ("https://[::1]/", "url-private"),
        ("https://[fd00::1]/", "url-private"),
        ("https://[::ffff:192.168.1.1]/", "url-private"),
        ("https://[fe80::1%25eth0]/", "url-private"),
        ("https://2130706433/", "url-private"),
        ("https://0x7f.0.0.1/", "url-private"),
        ("https://0177.0.0.1/", "url-private"),
        ("https://127.1/", "url-private"),
        ("https://pos.example.0x7f/", "url-private"),
        ("https://localhost/", "url-private"),
        ("https://orders.localhost/", "url-private"),
        ("https://till.lan/", "url-private"),
        ("https://metadata.google.internal/", "url-private"),
        ("https://", "url-not-valid"),
        ("https://pos..example/", "url-not-valid"),
        ("https://pos.example.co.ke:70000/", "url-not-valid"),
        ("https://[::1/", "url-not-valid"),
        ("https://pos.example\\@10.0.0.7/", "url-not-valid"),
        ("https://pos.example.co.ke/a b", "url-not-valid"),
        ("https://pos.example.co.ke/\n", "url-not-valid"),
        ("https://müller.example/", "url-not-valid"),
        ("https://pos%2eexample/", "url-not-valid"),
        ("", "url-not-valid"),
        (f"https://a.example/{'x' * URL_CHARS_MAX}", "url-not-valid"),
    ],
)
def test_an_address_that_is_refused_with_what_to_do(url: str, reason: str) -> None:
    with pytest.raises(EndpointRefused) as refused:
        check_url(url, allowed=OWN)
    assert refused.value.reason == reason
    assert "user" not in str(refused.value)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_taken_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://a.example/{text}"):
        try:
            check_url(url, allowed=OWN)
        except EndpointRefused:
            continue
        assert why_url_refused(url, OWN) is None, "what is taken here is taken by the engine"


@pytest.mark.parametrize("host", ["pos", "till.lan", "pos.example.co.ke"])
def test_with_a_range_of_the_operators_it_is_up_to_the_connection(host: str) -> None:
    ranges = AllowList.parse("10.20.0.0/16:8443")
    for url in (f"https://{host}/", f"https://{host}:8443/", "http://10.20.0.7:8443/"):
        check_url(url, allowed=ranges)
    for wrong in (f"https://{host}:8444/", f"http://{host}:8443/", "https://10.21.0.1/", "https://10.20.0.7/"):
        with pytest.raises(EndpointRefused):
            check_url(wrong, allowed=ranges)


def test_types_are_those_of_the_contract() -> None:
    numbered = {event.type for event in EVENTS if event.__module__.endswith(".orders")}
    assert set(EVENT_TYPES) == numbered - {"agiza.cart.changed", "agiza.call.order_moved"}
    assert check_types([]) == ()
    assert check_types(["agiza.order.ready", "agiza.order.placed", "agiza.order.ready"]) == (
        "agiza.order.placed",
        "agiza.order.ready",
    )
    for wrong in ("agiza.cart.changed", "agiza.ping", "*", ""):
        with pytest.raises(EndpointRefused) as refused:
            check_types(["agiza.order.placed", wrong])
        assert refused.value.allowed == EVENT_TYPES


def test_branches_are_some_or_every_one() -> None:
    assert check_branches(["b", "a", "b"]) == ("a", "b")
    assert check_branches(["*"]) == ("*",)
    for wrong in ([], ["*", "a"], [f"branch-{number}" for number in range(BRANCHES_MAX + 1)]):
        with pytest.raises(EndpointRefused):
            check_branches(wrong)


def test_a_secret_is_as_standard_webhooks_writes_it() -> None:
    assert key_of(new_secret(bytes)) == bytes(32)
    assert new_endpoint_id(bytes) == "whe_aaaaaaaaaaaaaaaa"


def new(number: int, *branches: str, types: tuple[str, ...] = ()) -> NewEndpoint:
    secret = "whsec_" + base64.b64encode(bytes([number] * 32)).decode()
    return NewEndpoint(f"whe_{number:016d}", branches, "https://pos.example/", "", types, secret, "a-key")


async def added(desk: Desk, *endpoints: NewEndpoint) -> list[EndpointRow]:
    rows = []
    for endpoint in endpoints:
        async with transaction(desk.pool) as conn:
            rows.append(await store.add_endpoint(conn, endpoint, desk.clock.now()))
        desk.clock.advance(1)
    return rows


@pytest.mark.integration
async def test_an_endpoint_is_seen_by_whoever_sees_all_its_branches(desk: Desk) -> None:
    rows = await added(desk, new(1, "karen"), new(2, "karen", "westlands"), new(3, "*"), new(4, "westlands"))
    seen = {
        ("karen",): [1],
        ("westlands",): [4],
        ("karen", "westlands"): [4, 2, 1],
        ("karen", "westlands", "kilimani", "cbd", "kampala"): [4, 2, 1],
        None: [4, 3, 2, 1],
        (): [],
    }
    async with desk.pool.connection() as conn:
        for branches, numbers in seen.items():
            listed = await store.list_endpoints(conn, branches, branch_id=None, before=None, limit=10)
            assert [row.endpoint_id for row in listed] == [rows[number - 1].endpoint_id for number in numbers]
            for row in rows:
                found = await store.read_endpoint(conn, row.endpoint_id, branches)
                assert (found == row) is (row in listed), (branches, row.branches)
        page = await store.list_endpoints(conn, None, branch_id="karen", before=rows[2].endpoint_id, limit=1)
        assert page == [rows[1]]
        of_karen = await store.list_endpoints(conn, None, branch_id="karen", before=None, limit=9)
        assert of_karen == [rows[2], rows[1], rows[0]]
    assert [row.is_for("karen") for row in rows] == [True, True, True, False]


@pytest.mark.integration
async def test_a_branch_has_so_many_endpoints_and_no_more_at_once_either(desk: Desk) -> None:
    await added(desk, *(new(number, "karen", "cbd") for number in range(ENDPOINTS_PER_BRANCH_MAX - 1)))

    async def add(number: int, *branches: str) -> bool:
        try:
            await added(desk, new(number, *branches))
        except EndpointRefused:
            return False
        return True

    assert sorted(await asyncio.gather(*(add(number, "karen") for number in range(50, 55)))) == [False] * 4 + [True]
    with pytest.raises(EndpointRefused, match=r"branch karen has 10 endpoints already: delete one first"):
        await added(desk, new(60, "karen", "westlands"))
    assert [await add(61, "cbd"), await add(62, "*"), await add(63, "westlands")] == [True, True, True]


@pytest.mark.integration
async def test_the_secret_before_signs_as_long_as_was_said_and_goes(desk: Desk) -> None:
    (row,) = await added(desk, new(1, "karen"))
    first, now = new(1).secret, desk.clock.now()
    async with transaction(desk.pool) as conn:
        assert await store.secrets_of(conn, row.endpoint_id, now) == (first,)
        rotated = await store.rotate_secret(conn, row.endpoint_id, "whsec_two", now + timedelta(hours=2), now)
        assert rotated.former_until == now + timedelta(hours=2)
        for hours, secrets in ((0, ("whsec_two", first)), (1.99, ("whsec_two", first)), (2, ("whsec_two",))):
            assert await store.secrets_of(conn, row.endpoint_id, now + timedelta(hours=hours)) == secrets
        assert await store.secrets_of(conn, "whe_none", now) == ()
    assert await forget_former_secrets(desk.pool, now + timedelta(hours=1)) == 0
    assert await forget_former_secrets(desk.pool, now + timedelta(hours=2)) == 1
    assert desk.rows("SELECT secret, former_secret, former_until FROM webhook_endpoints") == [("whsec_two", None, None)]


@pytest.mark.integration
async def test_another_url_begins_anew_and_so_does_a_resumed_endpoint(desk: Desk) -> None:
    (row,) = await added(desk, new(1, "karen"))
    now, id = desk.clock.now(), row.endpoint_id
    fail = "UPDATE webhook_endpoints SET failures = 7, failing_since = now(), open_until = now()"
    desk.run(fail)
    async with desk.pool.connection() as conn:
        same = await store.change_endpoint(
            conn, id, Change(url=row.url, description="till", types=EVENT_TYPES[:1]), now
        )
        assert (same.failures, same.description, same.types, same.url) == (7, "till", EVENT_TYPES[:1], row.url)
        moved = await store.change_endpoint(conn, id, Change(url="https://new.example/"), now)
        assert (moved.failures, moved.failing_since, moved.open_until) == (0, None, None)
        assert (moved.url, moved.description, moved.types) == ("https://new.example/", "till", EVENT_TYPES[:1])
        paused = await store.change_endpoint(conn, id, Change(state="paused", types=()), now)
        assert (paused.state, paused.types) == ("paused", ())
        assert [await store.disable_endpoint(conn, id, "gone", now) for _ in range(2)] == [True, False]
    desk.run(fail)
    async with desk.pool.connection() as conn:
        disabled = await store.read_endpoint(conn, id, ["karen"], for_update=True)
        assert disabled is not None
        assert (disabled.state, disabled.state_reason) == ("disabled", "gone")
        resumed = await store.resume_endpoint(conn, id, now)
        assert (resumed.state, resumed.state_reason, resumed.failures, resumed.open_until) == ("active", None, 0, None)


@pytest.mark.integration
async def test_a_deleted_endpoint_is_gone_at_once_and_its_rows_in_batches(desk: Desk) -> None:
    gone, kept = await added(desk, new(1, "karen"), new(2, "karen"))
    for row in (gone, kept):
        desk.run(
            "INSERT INTO webhook_deliveries (endpoint_id, event_id, branch_id, sequence, type, class, due_at, began_at)"
            f" SELECT '{row.endpoint_id}', 'e' || n, 'karen', n, 'agiza.order.ready', 'record', now(), now()"
            " FROM generate_series(1, 7) AS n"
        )
        desk.run(
            "INSERT INTO webhook_attempts (endpoint_id, event_id, attempt, at, duration_ms)"
            f" SELECT '{row.endpoint_id}', 'e' || n, 1, now(), 5 FROM generate_series(1, 7) AS n"
        )
    async with desk.pool.connection() as conn:
        await store.delete_endpoint(conn, gone.endpoint_id, desk.clock.now())
        assert await store.read_endpoint(conn, gone.endpoint_id, None) is None
        assert await store.list_endpoints(conn, ["karen"], branch_id=None, before=None, limit=9) == [kept]
    (left,) = desk.rows(
        f"SELECT webhook_endpoints::text FROM webhook_endpoints WHERE endpoint_id = '{gone.endpoint_id}'"
    )
    assert "whsec_" not in left[0]
    assert "pos.example" not in left[0]
    assert [await forget_deleted(desk.pool, limit=5) for _ in range(5)] == [5, 5, 5, 0, 0]
    for table, count in (("endpoints", 1), ("deliveries", 7), ("attempts", 7)):
        assert desk.rows(f"SELECT count(*) FROM webhook_{table}") == [(count,)]
