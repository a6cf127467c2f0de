"""Every route of the orders API, taken from its own document, asked with what belongs to somebody.

    things = await belongings(api, "kilimani")
    for route in routes():
        answer = await route.ask(client, things)

Whatever a route can name stands in :class:`Things`. A path, query, header or body that names something which is not
known here has no case, and :class:`NoCase` says so: a new route cannot be forgotten.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute
from orders_api import Api

from services.orders.public_api.document import document

OPEN: Final = {"/v1/openapi.json", "/v1/asyncapi.json", "/v1/schemas", "/v1/schemas/{name}"}
"""Routes that tell everybody the same."""
ANSWER_S: Final = 10.0
"""A stream that should be refused, and is not, would go on for ever."""


class NoCase(AssertionError):
    """The walk does not know what this route names."""


@dataclass(frozen=True)
class Things:
    """One of everything that a route can name, all of one tenant; or of nobody."""

    branch_id: str
    call_id: str
    order_id: str
    webhook_id: str
    event_id: str
    delivery: str
    """The cursor of a page of deliveries."""


NOBODYS: Final = Things("nowhere-1", "HD_nowhere", "ord-nowhere", "whe_nowhere", "evt-nowhere", "1-evt-nowhere")

SHARED: Final[dict[str, str]] = {"version": "1", "name": "till"}
"""Parts of a path that are the same for everybody, and mean something only within a branch."""

PLAIN: Final = {"limit", "state", "after", "before", "idempotency-key", "last-event-id", "from", "to", "seed"}
PLAIN: Final = {"limit", "state", "after", "before", "idempotency-key", "last-event-id", "from", "to", "seed", "type"}
"""Parameters that name nothing of anybody."""

ITEMS: Final = {"westlands": "fries", "kilimani": "tiramisu"}

CURSORS: Final[dict[str, Callable[[Things], str]]] = {
    "GET /v1/orders": lambda of: of.order_id,
    "GET /v1/webhooks": lambda of: of.webhook_id,
    "GET /v1/webhooks/{webhook_id}/deliveries": lambda of: of.delivery,
    "GET /v1/webhooks/{webhook_id}/attempts": lambda of: "1",
}
"""What a page ends with, by route."""

BODIES: Final[dict[str, Callable[[Things], Any]]] = {
    "POST /v1/orders/{order_id}/state": lambda of: {"state": "received"},
    "POST /v1/orders/{order_id}/own": lambda of: {"by": "Amina"},
    "PUT /v1/branches/{branch_id}/stock": lambda of: {"name": ITEMS.get(of.branch_id, "fries"), "sold_out": True},
    "POST /v1/webhooks": lambda of: {"url": f"https://{of.branch_id}.example/", "branches": [of.branch_id]},
    "PATCH /v1/webhooks/{webhook_id}": lambda of: {"description": "another"},
    "POST /v1/webhooks/{webhook_id}/rotate": lambda of: {"drop_former": True},
    "POST /v1/webhooks/{webhook_id}/replay": lambda of: {"branch_id": of.branch_id, "from": 1, "to": 1},
    "PUT /v1/branches/{branch_id}/cursors/{name}": lambda of: {"sequence": 0},
    "POST /v1/branches/{branch_id}/cursors/{name}/acknowledge": lambda of: {"sequence": 1},
}


@dataclass(frozen=True)
class Route:
    """One method of one address. ``slots`` are the things that a request of it names, in path, query and body."""

    method: str
    path: str
    operation: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_stream(self) -> bool:
        return "text/event-stream" in self.operation["responses"]["200"]["content"]

    @property
    def slots(self) -> list[str]:
        """Raises :class:`NoCase` for whatever is not known."""
        return sorted(set(self._path_slots()) | set(self._query_slots()) | set(self._body_slots()))

    @property
    def is_of_somebody(self) -> bool:
        """Whether its path names something; else it is a list, or makes something."""
        return bool(self._path_slots())

    def url(self, of: Things, *, query: bool = False) -> str:
        """The address, with the required parameters; with ``query`` also those that name something."""
        names = {**SHARED, **dataclasses.asdict(of)}
        path = self.path.format(**names)
        wanted = [
            (param["name"], self._value(param["name"], of))
            for param in self._params("query")
            if param["name"] not in PLAIN and query
        ] + [(param["name"], "1") for param in self._params("query") if param["name"] in PLAIN and param["required"]]
        return f"{path}?{urlencode(wanted)}" if wanted else path

    def body(self, of: Things) -> Any:
        return BODIES[self.name](of) if "requestBody" in self.operation else None

    async def ask(self, client: httpx.AsyncClient, of: Things, *, query: bool = False) -> httpx.Response:
        """The answer; of a stream that is granted, what comes at first."""
        if self.is_stream:
            return await first_of_stream(client, self.url(of, query=query))
        async with asyncio.timeout(ANSWER_S):
            return await client.request(self.method, self.url(of, query=query), json=self.body(of))

    def _params(self, where: str) -> list[dict[str, Any]]:
        return [param for param in self.operation.get("parameters", ()) if param["in"] == where]

    def _path_slots(self) -> list[str]:
        names = [param["name"] for param in self._params("path")]
        known = {field.name for field in dataclasses.fields(Things)}
        for name in names:
            if name not in known and name not in SHARED:
                raise NoCase(f"{self.name}: whose is {{{name}}}? Say it in api_walk.Things or SHARED")
        return [name for name in names if name in known]

    def _query_slots(self) -> list[str]:
        for param in self._params("header"):
            if param["name"].lower() not in PLAIN:
                raise NoCase(f"{self.name}: what does the header {param['name']} name? Say it in api_walk.PLAIN")
        named = [param["name"] for param in self._params("query") if param["name"] not in PLAIN]
        return [slot for name in named for slot in _named_by(lambda of, name=name: self._value(name, of))]

    def _body_slots(self) -> list[str]:
        if "requestBody" not in self.operation:
            return []
        if self.name not in BODIES:
            raise NoCase(f"{self.name}: what is sent to it? Say it in api_walk.BODIES")
        return _named_by(BODIES[self.name])

    def _value(self, name: str, of: Things) -> str:
        if name == "cursor":
            if self.name not in CURSORS:
                raise NoCase(f"{self.name}: what does its cursor name? Say it in api_walk.CURSORS")
            return CURSORS[self.name](of)
        if name not in dataclasses.asdict(of):
            raise NoCase(f"{self.name}: what does ?{name} name? Say it in api_walk.Things or PLAIN")
        return str(getattr(of, name))


def routes(described: dict[str, Any] | None = None) -> list[Route]:
    """Those of the document; what ends something comes last, so that the others still find it."""
    found = [
        Route(method.upper(), path, operation)
        for path, methods in (described or document())["paths"].items()
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda route: (route.method == "DELETE", route.method != "PUT", route.path))


def served(app: FastAPI) -> set[str]:
    """The routes under /v1 that the application has, as the document should name them."""
    return {
        f"{method} {route.path}"
        for route in _flat(app.routes)
        if route.path.startswith("/v1") and route.path not in OPEN
        for method in route.methods
    }


async def belongings(api: Api, branch_id: str, call_id: str) -> Things:
    """A tenant with one of everything: call, cart, order, numbered events, an endpoint, a delivery and an attempt."""
    order_id = await api.placed(call_id, branch_id)
    api.desk.run(
        "UPDATE outbox SET sequence = n FROM (SELECT position AS at, row_number() OVER (PARTITION BY branch_id"
        " ORDER BY position) AS n FROM outbox) AS numbered WHERE at = position"
    )
    till = await api.till(branch_id)
    wanted = {"url": f"https://{branch_id}.example/", "branches": [branch_id], "description": f"of {branch_id}"}
    webhook_id = (await till.post("/v1/webhooks", json=wanted)).json()["webhook_id"]
    replayed = await till.post(f"/v1/webhooks/{webhook_id}/replay", json={"branch_id": branch_id, "from": 1, "to": 1})
    assert replayed.json()["queued"] == 1
    (delivery,) = (await till.get(f"/v1/webhooks/{webhook_id}/deliveries")).json()["deliveries"]
    api.desk.run(
        "INSERT INTO webhook_attempts (endpoint_id, event_id, attempt, at, status, duration_ms)"
        f" VALUES ('{webhook_id}', '{delivery['event_id']}', 1, now(), 200, 5)"
    )
    for route in routes():
        if route.name == "PUT /v1/branches/{branch_id}/cursors/{name}":
            put = await till.put(route.path.format(branch_id=branch_id, **SHARED), json={"sequence": 0})
            assert put.status_code == 200, put.text
    return Things(branch_id, call_id, order_id, webhook_id, delivery["event_id"], f"1-{delivery['event_id']}")


async def walk(client: httpx.AsyncClient, of: Things) -> dict[str, httpx.Response]:
    """Every route, asked about these."""
    return {route.name: await route.ask(client, of) for route in routes()}


async def first_of_stream(client: httpx.AsyncClient, url: str) -> httpx.Response:
    """What a stream says up to its first event, or all of a refusal, as one answer; the asker then leaves.

    Asked past httpx, whose ASGI transport gives an answer only when it has ended."""
    app = client._transport.app  # type: ignore[attr-defined]
    request = client.build_request("GET", url)
    gone, spoke = asyncio.Event(), asyncio.Event()
    started: dict[str, Any] = {}
    content = bytearray()

    async def receive() -> dict[str, Any]:
        if not started:
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        content.extend(message.get("body", b""))
        if not message.get("more_body", False) and message["type"] == "http.response.body":
            spoke.set()
        if b"\n\n" in content[content.find(b"data:") :] and b"data:" in content:
            spoke.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": request.url.path,
        "raw_path": request.url.raw_path,
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 1),
        "server": ("orders", 80),
    }
    asked = asyncio.create_task(app(scope, receive, send))
    try:
        async with asyncio.timeout(ANSWER_S):
            await spoke.wait()
    finally:
        gone.set()
        async with asyncio.timeout(ANSWER_S):
            await asyncio.gather(asked, return_exceptions=True)
    return httpx.Response(started["status"], headers=started["headers"], content=bytes(content), request=request)


def as_somebody_elses(text: str, theirs: Things, nobodys: Things = NOBODYS) -> str:
    """The text with the names of what is theirs replaced by those of what is nobody's."""
    pairs = zip(dataclasses.astuple(theirs), dataclasses.astuple(nobodys), strict=True)
    for name, other in sorted(pairs, key=lambda pair: -len(pair[0])):
        text = text.replace(name, other)
    return text


def _named_by(value: Callable[[Things], Any]) -> list[str]:
    """Which of the things stand in what this makes of them."""
    marks = Things(*(f"mark-{field.name}-" for field in dataclasses.fields(Things)))
    text = json.dumps(value(marks))
    return [field.name for field in dataclasses.fields(Things) if f"mark-{field.name}-" in text]


def _flat(found: Iterable[Any]) -> Iterator[APIRoute]:
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):  # how FastAPI keeps a router that was included
            yield from _flat(route.original_router.routes)
