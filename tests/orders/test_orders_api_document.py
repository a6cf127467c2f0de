"""The orders API as its own OpenAPI document describes it: asked by a machine, over HTTP, on a real database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis.strategies import SearchStrategy
from orders_api import Api, api_on
from orders_desk import desk_on
from schemathesis import Case, GenerationMode
from servers import Database

from agiza.runtime.clock import StoppedClock
from agiza.runtime.http import HttpServer
from agiza.runtime.metrics import Metrics
from services.orders.public_api.document import document

pytestmark = pytest.mark.integration

EXAMPLES_MAX = 10
"""Of each route. Thorough: HYPOTHESIS_PROFILE=thorough has more elsewhere; here more is hardly new."""
EACH = 3
DELETED = 3
"""Webhooks that are there to be deleted, behind those that stay."""


@dataclass
class Served:
    """The API on a port, with the names of what is there."""

    url: str
    token: str
    order_ids: list[str] = field(default_factory=list)
    webhook_ids: list[str] = field(default_factory=list)


class _Place:
    """Runs the server in a thread with a loop of its own, since the machine that asks is not asynchronous."""

    def __init__(self, database: Database, clock: StoppedClock) -> None:
        self._database = database
        self._clock = clock
        self.ready: Future[Served] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self.metrics = Metrics()

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if not self.ready.done():
                self.ready.set_exception(error)
            raise

    def stop(self) -> None:
        assert self._loop is not None
        assert self._stopping is not None
        self._loop.call_soon_threadsafe(self._stopping.set)

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        async with desk_on(self._database, self._clock, self.metrics) as desk, api_on(desk) as api:
            api.app.state.orders_api.feed.is_closing = True  # a stream that goes on is no answer to a machine
            key = await api.key("westlands")
            server = HttpServer(api.app, host="127.0.0.1", port=0)
            orders = await self._orders(api)
            webhooks = await self._webhooks(await api.client(key.token))
            self.ready.set_result(Served(f"http://127.0.0.1:{server.port}", key.token, orders, webhooks))
            await server.run(self._stopping)

    async def _webhooks(self, till: httpx.AsyncClient) -> list[str]:
        """As many as there may be, less a few that the machine makes."""
        wanted = {"url": "https://pos.example/", "branches": ["westlands"]}
        made = [await till.post("/v1/webhooks", json=wanted) for _ in range(EACH + DELETED)]
        return [answer.json()["webhook_id"] for answer in made]

    async def _orders(self, api: Api) -> list[str]:
        return [await api.placed(f"HD_seen{number}") for number in range(EACH)]


@pytest.fixture
def served(database: Database, clock: StoppedClock) -> Iterator[Served]:
    place = _Place(database, clock)
    thread = threading.Thread(target=place.run, name="orders-api")
    thread.start()
    try:
        yield place.ready.result(timeout=60)
    finally:
        place.stop()
        thread.join(timeout=30)
    assert place.metrics.value("unexpected_error_total", where="http") == 0


def test_every_route_keeps_its_word(served: Served) -> None:
    """Statuses, media types and bodies as documented; what fits is taken, what does not is refused; no key, no word."""
    described = schemathesis.openapi.from_url(f"{served.url}/v1/openapi.json")
    numbers = iter(range(10**9))

    def real(case: Case) -> None:
        """Mostly what is there, so that more than refusals is seen; and never the same key for two requests."""
        number = next(numbers)
        if number % 4:
            there = {
                "branch_id": "westlands",
                "call_id": f"HD_seen{number % EACH}",
                "order_id": served.order_ids[number % EACH],
                "version": 1,
                "webhook_id": served.webhook_ids[EACH + number % DELETED if case.method == "DELETE" else number % EACH],
                "name": f"till-{number % EACH}",
            }
            case.path_parameters.update({name: there[name] for name in case.path_parameters})
        if case.query and number % 2 and "cursor" in case.query and case.path == "/v1/orders":
            case.query["cursor"] = served.order_ids[number % EACH]
        if "idempotency-key" in case.headers:
            case.headers["idempotency-key"] = f"key-{number:08d}"

    asked: dict[str, int] = {}
    for result in described.get_all_operations():
        operation = result.ok()
        for mode in GenerationMode:
            if mode.is_negative and not (operation.path_parameters or operation.query or operation.body):
                continue  # nothing that could be wrong
            _ask(served, operation.as_strategy(generation_mode=mode), real if mode.is_positive else None)
            asked[operation.label] = asked.get(operation.label, 0) + 1
    assert asked.keys() == {
        f"{method.upper()} {path}" for path, methods in document()["paths"].items() for method in methods
    }
    assert sum(asked.values()) > len(asked), "also what does not fit"


def _ask(served: Served, strategy: SearchStrategy[Case], real: Callable[[Case], None] | None) -> None:
    @hypothesis.given(case=strategy)
    @hypothesis.settings(
        max_examples=EXAMPLES_MAX,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def ask(case: Case) -> None:
        if real is not None:
            real(case)
        case.call_and_validate(headers={"Authorization": f"Bearer {served.token}"}, timeout=30)

    ask()


def test_the_document_is_served_to_everybody_and_names_every_refusal(served: Served) -> None:
    served_document: dict[str, Any] = httpx.get(f"{served.url}/v1/openapi.json", trust_env=False).json()
    assert served_document == document()
    for path, methods in served_document["paths"].items():
        for method, operation in methods.items():
            assert {"401", "403", "422", "429", "503"} <= operation["responses"].keys(), (method, path)
            assert operation["security"] == [{"key": []}], (method, path)
            for status, answer in operation["responses"].items():
                kinds = set(answer["content"])
                fine = "text/event-stream" if path.endswith("/stream") else "application/json"
                assert kinds == ({fine} if status == "200" else {"application/problem+json"})
