"""No tenant sees another branch: on every route that the API's document has, on its streams, and in its metrics.

The routes come from the document, so one that is added is walked too; one that names something which the walk does not
know fails until its case is given (tests/orders/api_walk.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from api_walk import NOBODYS, OPEN, NoCase, Route, Things, as_somebody_elses, belongings, routes, served, walk
from orders_api import TOKEN, Api

from agiza.domain.orders import OrderState
from services.orders.public_api.document import document
from services.orders.public_api.keys import RIGHTS

pytestmark = pytest.mark.integration

PROXIES = [{"x-forwarded-for": "203.0.113.9"}, {"forwarded": "for=203.0.113.9"}]


@dataclass
class Tenants:
    """Two tenants with one of everything each, and what belongs to both branches at once."""

    ours: httpx.AsyncClient
    theirs: httpx.AsyncClient
    our_things: Things
    their_things: Things
    common: Things
    """Theirs, with an endpoint that gets both branches' events: it is not for a key of one of them."""

    @property
    def marks(self) -> list[str]:
        """What an answer to us must not hold."""
        names = [*dataclasses.astuple(self.their_things), *dataclasses.astuple(self.common), "kilimani.example"]
        return sorted(set(names) - {*dataclasses.astuple(self.our_things)})


@pytest.fixture
async def tenants(api: Api) -> Tenants:
    our_things = await belongings(api, "westlands", "HD_ours01")
    their_things = await belongings(api, "kilimani", "HD_theirs01")
    everywhere = await api.till("*")
    wanted = {"url": "https://both.example/", "branches": ["westlands", "kilimani"]}
    both = (await everywhere.post("/v1/webhooks", json=wanted)).json()["webhook_id"]
    sent = {"branch_id": "westlands", "from": 1, "to": 1}
    assert (await everywhere.post(f"/v1/webhooks/{both}/replay", json=sent)).json()["queued"] == 1
    return Tenants(
        ours=await api.till("westlands"),
        theirs=await api.till("kilimani"),
        our_things=our_things,
        their_things=their_things,
        common=dataclasses.replace(their_things, webhook_id=both),
    )


def mixtures(route: Route, tenants: Tenants) -> Iterator[tuple[Things, Things]]:
    """Requests of ours that name one thing, or all, of theirs; each beside the same about what is nobody's."""
    ours = tenants.our_things
    for theirs in (tenants.their_things, tenants.common):
        yield theirs, NOBODYS
        for slot in route.slots:
            yield (
                dataclasses.replace(ours, **{slot: getattr(theirs, slot)}),
                dataclasses.replace(ours, **{slot: getattr(NOBODYS, slot)}),
            )


async def test_what_is_theirs_is_answered_like_what_is_not_there(tenants: Tenants, api: Api) -> None:
    asked = 0
    before = state_of(api)
    for route in routes():
        if not route.slots:
            continue
        for named, absent in mixtures(route, tenants):
            for query in (False, True):
                hidden = await route.ask(tenants.ours, named, query=query)
                missing = await route.ask(tenants.ours, absent, query=query)
                case = f"{route.name} {route.url(named, query=query)}"
                assert hidden.status_code == missing.status_code, case
                assert hidden.headers["content-type"] == missing.headers["content-type"], case
                told = as_somebody_elses(hidden.text, tenants.their_things)
                told = told.replace(tenants.common.webhook_id, NOBODYS.webhook_id)
                assert told == missing.text, case
                if named in (tenants.their_things, tenants.common) and (route.is_of_somebody or route.method != "GET"):
                    assert (hidden.status_code, hidden.json()["code"]) == (404, "not-found"), case
                asked += 1
    assert asked > 2 * len(routes())
    assert state_of(api) == before, "nothing of theirs was changed by asking"


def state_of(api: Api) -> list[Any]:
    """What another tenant's request could have changed."""
    return [
        api.desk.rows(f"SELECT * FROM {table} WHERE {where} ORDER BY 1, 2")
        for table, where in (
            ("webhook_endpoints", "branches && '{kilimani}'"),
            ("webhook_deliveries", "branch_id = 'kilimani'"),
            ("orders", "branch_id = 'kilimani'"),
            ("order_moves", "order_id IN (SELECT order_id FROM orders WHERE branch_id = 'kilimani')"),
            ("stock", "branch_id = 'kilimani'"),
            ("feed_cursors", "branch_id = 'kilimani'"),
            ("outbox", "branch_id = 'kilimani'"),
        )
    ]


async def test_their_own_key_sees_all_of_it(tenants: Tenants) -> None:
    """So that what is hidden above is really there."""
    seen = await walk(tenants.theirs, tenants.their_things)
    assert {name: answer.text for name, answer in seen.items() if answer.status_code != 200} == {}
    assert {f"{route.method} {route.path}" for route in routes()} == seen.keys()


async def test_no_answer_about_ours_holds_anything_of_theirs(tenants: Tenants) -> None:
    marks = tenants.marks
    assert len(marks) >= 7
    for route in routes():
        answer = await route.ask(tenants.ours, tenants.our_things)
        assert answer.status_code == 200, (route.name, answer.text)
        found = [mark for mark in marks if mark in answer.text]
        assert not found, (route.name, found)
        if route.is_stream:
            assert tenants.our_things.order_id in answer.text, "the stream has begun"


async def test_what_needs_no_key_tells_everybody_the_same(tenants: Tenants, api: Api) -> None:
    nobody = await api.client(None)
    schema = (await nobody.get("/v1/schemas")).json()["schemas"][0]["name"]
    for path in sorted(OPEN):
        url = path.format(name=schema)
        told = [await client.get(url) for client in (nobody, tenants.ours, tenants.theirs)]
        assert {(answer.status_code, answer.content) for answer in told} == {(200, told[0].content)}, path
        assert not [mark for mark in tenants.marks if len(mark) > 8 and mark in told[0].text], path


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v1/tills/{till_id}", {}),
        ("/v1/orders", {"parameters": [{"in": "query", "name": "till_id", "required": False}]}),
        ("/v1/tills", {"parameters": [{"in": "query", "name": "cursor", "required": False}]}),
        ("/v1/tills", {"parameters": [{"in": "header", "name": "X-Till", "required": False}]}),
        ("/v1/tills", {"requestBody": {"content": {}}}),
    ],
)
def test_a_route_without_a_case_is_noticed(path: str, operation: dict[str, Any]) -> None:
    if "{" in path:
        operation = {"parameters": [{"in": "path", "name": "till_id", "required": True}]}
    with pytest.raises(NoCase, match="api_walk"):
        _ = Route("GET", path, operation).slots


def test_every_route_has_a_case(api: Api) -> None:
    for route in routes():
        assert route.slots or route.path == "/v1/branches", f"{route.name}: names nothing of anybody"
    assert served(api.app) == {route.name for route in routes(document())}, "what is served is in the document"


async def test_metrics_are_not_for_those_outside(tenants: Tenants, api: Api) -> None:
    key = await api.key("*", rights=RIGHTS)
    inside = await api.client(None)
    assert (await inside.get("/metrics")).status_code == 200
    for token in (key.token, TOKEN, None):
        client = await api.client(token)
        for outside in PROXIES:
            answer = await client.get("/metrics", headers=outside)
            assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
            for path in ("/readyz", "/healthz"):
                assert (await client.get(path, headers=outside)).status_code != 404, "a load balancer's"
    assert (await (await api.client(key.token)).get("/metrics")).status_code == 404, "a key opens /v1 and nothing else"


async def test_metrics_name_no_endpoint_no_id_and_no_number(tenants: Tenants, api: Api) -> None:
    await walk(tenants.ours, tenants.our_things)
    await walk(tenants.theirs, tenants.their_things)
    told = (await (await api.client(None)).get("/metrics")).text
    assert "http_requests_total" in told
    secrets = api.desk.rows("SELECT secret FROM webhook_endpoints WHERE deleted_at IS NULL")
    phones = api.desk.rows("SELECT phone FROM branches")
    for of in (tenants.our_things, tenants.their_things, tenants.common):
        for name, value in dataclasses.asdict(of).items():
            assert name == "branch_id" or value not in told, name
    for (value,) in (*secrets, *phones):
        assert value not in told
    assert ".example" not in told
    assert "+254" not in told
    assert not [state for state in OrderState if f'order_id="{state}' in told]
