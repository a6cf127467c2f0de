"""The bridge's one port: media sockets of the carrier, and health and metrics for whoever runs it.

A media socket is refused before its upgrade when anything is wrong with it; a model session is not thought of before
the token is spent. A refused carrier goes on with its call document, which dials a person.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final, cast

from pydantic import SecretStr
from redis.exceptions import RedisError
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from agiza.carrier.tokens import MediaTokenPayload, TokenRefused, check_media_token
from agiza.contracts import streams
from agiza.runtime.logs import bound, get_logger
from agiza.runtime.metrics import CONTENT_TYPE
from agiza.runtime.process import Process
from agiza.runtime.redis_clients import Client
from agiza.runtime.traces import Trace
from services.bridge.door import Door, Pass
from services.bridge.driver import LiveCall
from services.bridge.legs.carrier_leg import FRAME_BYTES_MAX, SUBPROTOCOL, CarrierLeg
from services.bridge.legs.ticks import Ticks
from services.bridge.legs.wire import ServerWire
from services.bridge.session import CallFacts
from services.bridge.session.endings import SUPERSEDED
from services.bridge.shared import Shared

MEDIA: Final = "/media/"
NONCE_S: Final = 120
HANDSHAKE_S: Final = 5
PING_S: Final = 15
WRITE_BYTES: Final = 32 * 1024
STOP_S: Final = 5.0

_log = get_logger(__name__)


class MediaConnection(ServerWire):
    """A carrier's connection. ``token`` is there once the handshake is accepted.

    One that gets no place at the door is closed at once; nothing of it is read, and the library never sees it.
    """

    token: MediaTokenPayload

    def __init__(self, *arguments: Any, door: Door, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._door = door
        self.at_door: Pass | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.Protocol`."""
        peer = transport.get_extra_info("peername")
        self.at_door = self._door.enter(str(peer[0]) if peer else "unknown")
        if self.at_door is None:
            cast(asyncio.Transport, transport).abort()
        else:
            super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        if self.at_door is not None:
            super().data_received(data)

    def eof_received(self) -> None:
        """See :class:`asyncio.Protocol`."""
        if self.at_door is not None:
            super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        if self.at_door is not None:
            self.at_door.give_back()
            super().connection_lost(exc)


class MediaServer:
    """Accepts calls and keeps them. ``slots`` bounds how many at once, ``per_address`` how many of one address may be
    at their handshake.
    """

    def __init__(
        self, process: Process, shared: Shared, redis: Client, secret: SecretStr, slots: int, per_address: int
    ) -> None:
        self._process = process
        self._shared = shared
        self._redis = redis
        self._secrets = (secret.get_secret_value(),)
        self._slots = slots
        self._calls: dict[str, LiveCall] = {}
        self._legs = 0
        self._none_left = asyncio.Event()
        self._none_left.set()
        self._door = Door(per_address, process.metrics)
        self._ticks = Ticks(process.metrics)
        self._server: Server | None = None
        process.metrics.set("voice_call_slots", slots)

    @property
    def calls(self) -> int:
        """Legs that are live now."""
        return self._legs

    def status(self) -> dict[str, object]:
        """For the heartbeat."""
        is_down = self._shared.breaker.is_open(asyncio.get_running_loop().time())
        self._process.metrics.set("model_breaker_open", 1 if is_down else 0)
        return {
            "calls": self._legs,
            "slots": self._slots,
            "draining": self._process.stopping.is_set(),
            "model_ok": not is_down,
        }

    async def start(self, host: str, port: int) -> str:
        """Serve; the base URL for media sockets."""
        self._server = await serve(
            self._hold_call,
            host,
            port,
            process_request=self._admit,
            select_subprotocol=_select_subprotocol,
            create_connection=cast(type[ServerConnection], partial(MediaConnection, door=self._door)),
            compression=None,
            max_size=FRAME_BYTES_MAX,
            write_limit=WRITE_BYTES,
            open_timeout=HANDSHAKE_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            server_header=None,
        )
        bound_port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://{host}:{bound_port}"

    async def drain(self, limit_s: float) -> None:
        """Let live calls go on to their end, so long. New ones are refused since the process began to stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._none_left.wait()

    async def close(self) -> None:
        """End what is still live, with its report, and stop serving."""
        for call in list(self._calls.values()):
            call.stop("bridge_stopped")
        await self.drain(STOP_S)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    # -- handshake -----------------------------------------------------------------------------------------------

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path.startswith(MEDIA):
            return await self._admit_media(cast(MediaConnection, connection), request, path.removeprefix(MEDIA))
        match path:
            case "/healthz":
                return _response(HTTPStatus.OK, b'{"status":"alive"}')
            case "/readyz":
                return await self._readiness()
            case "/metrics":
                return _response(HTTPStatus.OK, self._process.metrics.render(), CONTENT_TYPE)
            case _:
                return _response(HTTPStatus.NOT_FOUND, b'{"detail":"not found"}')

    async def _readiness(self) -> Response:
        readiness = await self._process.health.readiness()
        self._process.metrics.set("service_ready", 1 if readiness.is_ready else 0)
        content = {"ready": readiness.is_ready, "phase": readiness.phase, "checks": readiness.checks}
        status = HTTPStatus.OK if readiness.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _response(status, json.dumps(content).encode())

    async def _admit_media(self, connection: MediaConnection, request: Request, token: str) -> Response | None:
        offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol"))
        if "websocket" not in request.headers.get("Upgrade", "").lower():
            return self._refuse(HTTPStatus.UPGRADE_REQUIRED, "not_a_websocket")
        if SUBPROTOCOL not in [name.strip() for name in offered.split(",")]:
            return self._refuse(HTTPStatus.BAD_REQUEST, "subprotocol")
        try:
            payload = check_media_token(token, self._secrets, self._process.clock.now())
        except TokenRefused as refused:
            return self._refuse(HTTPStatus.FORBIDDEN, f"token_{refused.reason}")
        if self._process.stopping.is_set():
            return self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "draining")
        if self._legs >= self._slots:
            return self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "full")
        # Last, since it spends the token.
        try:
            is_first = await self._redis.set(streams.nonce_key(payload.nonce), "1", nx=True, ex=NONCE_S)
        except RedisError:
            return self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "nonce_unknown")
        if not is_first:
            return self._refuse(HTTPStatus.FORBIDDEN, "token_used")
        connection.token = payload
        return None

    def _refuse(self, status: HTTPStatus, reason: str) -> Response:
        self._process.metrics.add("voice_media_refused_total", reason=reason)
        _log.warning("media_refused", reason=reason)
        return _response(status, json.dumps({"detail": reason}).encode())

    # -- calls ---------------------------------------------------------------------------------------------------

    async def _hold_call(self, connection: ServerConnection) -> None:
        media = cast(MediaConnection, connection)
        if media.at_door is not None:
            media.at_door.give_back()
        token = media.token
        facts = CallFacts(
            token.call_id, token.branch_id, token.menu_version, token.epoch, token.lang, self._shared.bridge_id
        )
        trace = Trace.continued(token.trace)
        with bound(call_id=facts.call_id, leg_epoch=facts.leg_epoch, branch_id=facts.branch_id):
            older = self._calls.get(facts.call_id)
            if older is not None:
                older.stop(SUPERSEDED)  # a carrier that streams one call twice means the newer one
            call = LiveCall(facts, trace, CarrierLeg(media, self._ticks, self._shared.metrics), self._shared)
            self._calls[facts.call_id] = call
            self._count(+1)
            _log.info("call_opened", trace_id=trace.trace_id)
            try:
                await call.run()
            finally:
                if self._calls.get(facts.call_id) is call:
                    del self._calls[facts.call_id]
                self._count(-1)

    def _count(self, change: int) -> None:
        self._legs += change
        self._process.metrics.set("voice_call_active", self._legs)
        if self._legs:
            self._none_left.clear()
        else:
            self._none_left.set()


def _select_subprotocol(_connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None


def _response(status: HTTPStatus, body: bytes, content_type: str = "application/json") -> Response:
    headers = Headers({"Content-Type": content_type, "Content-Length": str(len(body)), "Connection": "close"})
    return Response(status.value, status.phrase, headers, body)
