"""HTTP for services: a FastAPI application with health, metrics, limits, and a server inside our own event loop.

    app = create_app("orders", process)
    app.include_router(routes, dependencies=[Depends(bearer(settings.internal_token))])
    server = HttpServer(app, host="0.0.0.0", port=8080)
    process.supervise("http", server.run(process.stopping))

``GET /healthz`` 200 while the process answers; ``/readyz`` 200 or 503 with each check; ``/metrics`` Prometheus text,
for those inside the network: what a proxy has brought in, or carries a key of the orders API, does not find it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hmac
import socket
import time
from collections.abc import Callable, Generator
from typing import Annotated, Any, Final

import uvicorn
from fastapi import APIRouter, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import SecretStr
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agiza.runtime.health import Health
from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import CONTENT_TYPE, Metrics
from agiza.runtime.process import Process

BODY_BYTES_MAX: Final = 64 * 1024
DRAIN_FACTOR: Final = 8
"""So many times the limit is read and thrown away, before a sender that does not stop is cut off."""
CONNECTIONS_MAX: Final = 1000
KEEP_ALIVE_S: Final = 30
SHUTDOWN_S: Final = 5
BACKLOG: Final = 512
_ABORT: Final = "agiza.abort"

_PROXIED: Final = ("x-forwarded-for", "forwarded")
"""Headers that a proxy adds, and that nobody inside sends."""
_API_KEY: Final = "bearer agz_"
"""How the Authorization of somebody begins who was let in to ``/v1`` of orders, and to nothing else."""

_log = get_logger(__name__)


def create_app(title: str, process: Process, *, body_bytes_max: int = BODY_BYTES_MAX, docs: bool = False) -> FastAPI:
    """An application with the health and metrics routes, the body limit, and one answer for unexpected errors."""
    app = FastAPI(
        title=title,
        docs_url="/docs" if docs else None,
        redoc_url=None,
        openapi_url="/openapi.json" if docs else None,
    )
    app.include_router(health_routes(process.health, process.metrics))
    app.add_middleware(Measured, metrics=process.metrics)
    app.add_middleware(BodyLimit, bytes_max=body_bytes_max)
    return app


def health_routes(health: Health, metrics: Metrics) -> APIRouter:
    """/healthz and /readyz, which say no more than that, and /metrics, which names branches: for those inside only."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        readiness = await health.readiness()
        metrics.set("service_ready", 1 if readiness.is_ready else 0)
        content = {"ready": readiness.is_ready, "phase": readiness.phase, "checks": readiness.checks}
        return JSONResponse(content, status_code=200 if readiness.is_ready else 503)

    @router.get("/metrics")
    async def render(request: Request) -> Response:
        if is_from_outside(request) or request.headers.get("authorization", "").lower().startswith(_API_KEY):
            raise HTTPException(404)
        return Response(metrics.render(), headers={"content-type": CONTENT_TYPE})

    return router


def is_from_outside(request: Request) -> bool:
    """Whether a proxy has brought this request in."""
    return any(name in request.headers for name in _PROXIED)


def bearer(*accepted: SecretStr) -> Callable[..., None]:
    """A dependency: 401 unless the request carries one of these tokens (two during a rotation).

    Compared in constant time; every accepted token is compared, so timing does not tell which one was close.
    """
    expected = [token.get_secret_value().encode() for token in accepted]

    def check(authorization: Annotated[str | None, Header()] = None) -> None:
        scheme, _, given = (authorization or "").partition(" ")
        candidate = given.strip().encode("utf-8", "surrogateescape")
        matches = [hmac.compare_digest(candidate, token) for token in expected]
        if scheme.lower() != "bearer" or not any(matches):
            raise HTTPException(401, "unauthorized", headers={"www-authenticate": "Bearer"})

    return check


class BodyLimit:
    """Middleware: 413 for a request body above the limit, whether it is announced or merely sent.

    ``refuse`` gives the answer, where another one than the plain one is wanted.
    """

    def __init__(self, app: ASGIApp, bytes_max: int, refuse: ASGIApp | None = None) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._refuse = refuse or _too_large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not announced.isdigit() or int(announced) > self._bytes_max:
            await self._refuse(scope, receive, send)
            return
        received = 0
        too_large = answered = False

        async def counted() -> Message:
            nonlocal received, too_large
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._bytes_max:
                too_large = True
                raise _BodyTooLarge
            return message

        async def guarded(message: Message) -> None:
            nonlocal answered
            if too_large and not answered:
                return  # the application's own view of a body that broke off; ours follows
            answered = True
            await send(message)

        try:
            await self._app(scope, counted, guarded)
        except _BodyTooLarge:
            if answered:  # too late for a status; the connection is closed by the server
                raise
        if too_large and not answered:
            # Read on for a while: closing on a sender that still sends would lose it our answer.
            while received < self._bytes_max * DRAIN_FACTOR:
                message = await receive()
                received += len(message.get("body", b""))
                if not message.get("more_body", False):
                    break
            await self._refuse(scope, receive, send)


class _BodyTooLarge(Exception):
    """The body ran over the limit while it was read."""


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    response = JSONResponse({"detail": "request body too large"}, 413, headers={"connection": "close"})
    await response(scope, receive, send)


class Measured:
    """Middleware: counts and times requests by route template, and turns unexpected errors into a plain 500."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except _BodyTooLarge:
            status = 413
            raise
        except ClientDisconnect:
            pass  # gone in the middle of its body: nobody is there to be answered
        except Exception as error:
            _log.error("http_request_failed", route=route_of(scope), exc_info=error)
            self._metrics.add("unexpected_error_total", where="http")
            if status != 0:
                raise
            status = 500
            await JSONResponse({"detail": "internal error"}, status_code=500)(scope, receive, send)
        finally:
            route = route_of(scope)
            self._metrics.add("http_requests_total", route=route, status=str(status or 499))
            self._metrics.observe("http_request_seconds", time.perf_counter() - began, route=route)


def route_of(scope: Scope) -> str:
    """The route's template, such as ``/v1/orders/{order_id}``: paths hold ids and must not become labels."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "unmatched"


def trace_header(request: Request) -> str | None:
    """The caller's traceparent header, if any."""
    return request.headers.get("traceparent")


class HttpServer:
    """uvicorn inside our event loop, without its own signal handlers. The port is bound at construction."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        self._socket = _listen(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,  # paths hold tokens
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=SHUTDOWN_S,
            backlog=BACKLOG,
        )
        config.load()
        config.http_protocol_class = functools.partial(_abortable, config.http_protocol_class)  # type: ignore[assignment]
        self._server = _Server(config)

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until ``stopping``; then finish what was begun, for :data:`SHUTDOWN_S` at most."""
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        waiting = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
            self._server.should_exit = True
            await serving
        finally:
            waiting.cancel()
            serving.cancel()
            await asyncio.gather(waiting, serving, return_exceptions=True)
            self._socket.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals belong to the process, not to one of its servers."""
        yield


def abort(scope: Scope) -> None:
    """Drop the connection of this request, with all that waits to be sent. For a peer that takes nothing: closing would
    wait for it. Nothing where another server than :class:`HttpServer` serves."""
    scope.get("extensions", {}).get(_ABORT, lambda: None)()


def _abortable(kind: Callable[..., Any], **parts: Any) -> Any:  # uvicorn has several protocols, and no word for this
    protocol = kind(**parts)
    app = protocol.app

    async def with_abort(scope: Scope, receive: Receive, send: Send) -> None:
        extended = {**scope, "extensions": {**scope.get("extensions", {}), _ABORT: protocol.transport.abort}}
        await app(extended, receive, send)

    protocol.app = with_abort
    return protocol


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)  # from here on the port is ours, and early callers wait instead of being refused
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(False)
    return listener
