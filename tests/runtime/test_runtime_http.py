"""The HTTP server of services: limits, authentication, metrics, stopping."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from captured_logs import Logged
from fastapi import APIRouter, Body, Depends, FastAPI, Request
from pydantic import SecretStr

from agiza.runtime.http import HttpServer, bearer, create_app
from agiza.runtime.process import Process

TOKEN = SecretStr("a" * 40)
OLD_TOKEN = SecretStr("b" * 40)


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
def app(process: Process) -> FastAPI:
    app = create_app("example", process, body_bytes_max=1000)
    internal = APIRouter(prefix="/internal", dependencies=[Depends(bearer(TOKEN, OLD_TOKEN))])

    @internal.get("/orders/{order_id}")
    async def order(order_id: str) -> dict[str, str]:
        return {"order_id": order_id}

    @app.post("/echo")
    async def echo(body: Annotated[bytes, Body()]) -> int:
        return len(body)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("caller +254711000001 broke it")

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(0.3)
        return "done"

    app.include_router(internal)
    return app


@pytest.fixture
async def client(app: FastAPI, process: Process) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app, process) as opened:
        yield opened


@contextlib.asynccontextmanager
async def serving(app: FastAPI, process: Process) -> AsyncIterator[httpx.AsyncClient]:
    server = HttpServer(app, host="127.0.0.1", port=0)
    task = asyncio.create_task(server.run(process.stopping))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=20) as client:
            yield client
    finally:
        process.stopping.set()
        await asyncio.wait_for(task, 20)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {'a' * 40}", 200),
        (f"bearer {'b' * 40}", 200),
        (f"Bearer {'a' * 39}", 401),
        (f"Bearer {'c' * 40}", 401),
        (f"Basic {'a' * 40}", 401),
        ("Bearer", 401),
        ("Bearer é", 401),
        (None, 401),
    ],
)
async def test_internal_routes_want_a_token(client: httpx.AsyncClient, header: str | None, status: int) -> None:
    headers = {"authorization": header.encode()} if header else {}
    answer = await client.get("/internal/orders/o-1", headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_body_limit(client: httpx.AsyncClient) -> None:
    async def unannounced(length: int) -> AsyncIterator[bytes]:
        for _ in range(length // 100):
            yield b"x" * 100

    assert (await client.post("/echo", content=b"x" * 1000)).json() == 1000
    assert (await client.post("/echo", content=b"x" * 1001)).status_code == 413
    assert (await client.post("/echo", content=unannounced(1000))).json() == 1000
    assert (await client.post("/echo", content=unannounced(5000))).status_code == 413
    assert (await client.get("/healthz")).status_code == 200


async def test_unexpected_error_is_a_plain_500_without_words(
    client: httpx.AsyncClient, process: Process, logged: Logged
) -> None:
    answer = await client.get("/broken?token=s3cr3t-value")
    assert (answer.status_code, answer.json()) == (500, {"detail": "internal error"})
    assert len(logged.events("http_request_failed")) == 1
    assert "+254711000001" not in logged.text
    assert "s3cr3t-value" not in logged.text
    assert process.metrics.value("unexpected_error_total", where="http") == 1


async def test_sender_who_is_gone_in_mid_body_is_no_error_of_ours(
    app: FastAPI, process: Process, logged: Logged
) -> None:
    begun = asyncio.Event()

    @app.post("/reading")
    async def reading(request: Request) -> int:
        begun.set()
        return len(await request.body())

    async with asyncio.timeout(10):
        stopping = asyncio.Event()
        server = HttpServer(app, host="127.0.0.1", port=0)
        running = asyncio.create_task(server.run(stopping))
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /reading HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nbegun")
        await begun.wait()
        writer.close()
        while not process.metrics.value("http_requests_total", route="/reading", status="499"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        stopping.set()
        await running
    assert process.metrics.value("unexpected_error_total", where="http") == 0
    assert not logged.events("http_request_failed")


async def test_requests_are_counted_by_route_not_by_path(client: httpx.AsyncClient, process: Process) -> None:
    headers = {"authorization": f"Bearer {'a' * 40}"}
    for order_id in ("o-1", "o-2"):
        await client.get(f"/internal/orders/{order_id}", headers=headers)
    await client.get("/nowhere/o-3")
    count = process.metrics.value
    assert count("http_requests_total", route="/internal/orders/{order_id}", status="200") == 2
    assert count("http_requests_total", route="unmatched", status="404") == 1
    text = (await client.get("/metrics")).text
    assert "o-1" not in text
    assert "o-3" not in text


async def test_readiness_is_told_with_its_reasons(client: httpx.AsyncClient, process: Process) -> None:
    async def answers() -> bool:
        return True

    process.health.needs("postgres", answers)
    first = await client.get("/readyz")
    assert (first.status_code, first.json()["phase"]) == (503, "starting")
    process.health.ready()
    second = await client.get("/readyz")
    assert (second.status_code, second.json()) == (
        200,
        {"ready": True, "phase": "ready", "checks": {"postgres": True}},
    )
    assert process.metrics.value("service_ready") == 1


async def test_stop_finishes_a_request_in_progress(app: FastAPI, process: Process) -> None:
    async with serving(app, process) as client:
        asking = asyncio.create_task(client.get("/slow"))
        await asyncio.sleep(0.1)
        process.stopping.set()
        assert (await asking).json() == "done"
        await asyncio.sleep(0.3)
        with pytest.raises(httpx.TransportError):
            await client.get("/healthz")


async def test_taken_port_fails_at_once(app: FastAPI, process: Process) -> None:
    async with serving(app, process) as client:
        port = client.base_url.port
        assert port is not None
        with pytest.raises(OSError, match="in use"):
            HttpServer(app, host="127.0.0.1", port=port)


async def test_no_documentation_and_no_server_name_by_default(client: httpx.AsyncClient) -> None:
    assert (await client.get("/docs")).status_code == 404
    assert (await client.get("/openapi.json")).status_code == 404
    assert "server" not in (await client.get("/healthz")).headers
