"""A local Gemini Live server: the published websocket protocol, with a brain of one's own behind it.

    async with LiveServer(LiveServerSettings(brain=ScriptedBrain(script))) as server:
        client = genai.Client(api_key="any", http_options=HttpOptions(base_url=server.url, api_version="v1beta"))

`SSL_CERT_FILE` must name `server.ca_file` before the client is made; the SDK accepts TLS only.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

from simulators.live_api.brain import Brain
from simulators.live_api.certificate import make_certificate
from simulators.live_api.clock import Clock, utc_now
from simulators.live_api.context import Handles
from simulators.live_api.faults import Faults
from simulators.live_api.protocol import OUTPUT_RATE
from simulators.live_api.record import SessionRecord
from simulators.live_api.session import LiveSession, Shop
from simulators.live_api.setup import Endpoint
from simulators.live_api.voices import ToneVoice, Voice
from simulators.speech.voices import MarkedVoice

PATH = re.compile(
    r"/+ws/(?:google\.ai\.generativelanguage\.(?P<version>v1|v1beta|v1alpha)\.GenerativeService\."
    r"BidiGenerateContent(?:Constrained)?"
    r"|google\.cloud\.aiplatform\.(?P<vertex>v1|v1beta1)\.LlmBidiService/BidiGenerateContent)"
)
_MESSAGE_BYTES_MAX = 16 * 1024 * 1024
_SESSIONS_KEPT = 1_000
_FAULTS_QUEUED_MAX = 100


@dataclass(frozen=True, slots=True)
class LiveServerSettings:
    """`keys`: the credentials that are accepted; None accepts any that is not empty.

    `speed` makes the simulator's time pass faster: playback, fault delays and connection age, never the caller's
    audio. `hosts` are further names for the certificate. `ca_file` is where the CA goes (default: a private folder).
    """

    brain: Brain
    voice: Voice = field(default_factory=ToneVoice)
    host: str = "127.0.0.1"
    port: int = 0
    hosts: tuple[str, ...] = ()
    ca_file: Path | None = None
    keys: frozenset[str] | None = None
    faults: Faults = field(default_factory=Faults)
    refuses_v1: bool = False
    speed: float = 1.0
    connection_s_max: float = 600.0
    go_away_s: float = 50.0
    hears_marked: bool = True


class LiveServer:
    """Use it as an async context manager. `sessions` holds the records, oldest first, live ones included."""

    def __init__(self, settings: LiveServerSettings) -> None:
        self.settings = settings
        self.sessions: deque[SessionRecord] = deque(maxlen=_SESSIONS_KEPT)
        self.refused: list[int] = []
        self._queued: deque[Faults] = deque(maxlen=_FAULTS_QUEUED_MAX)
        self._live: set[LiveSession] = set()
        self._faults_of: dict[ServerConnection, Faults] = {}
        self._server: Server | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._ca_file: Path | None = None
        self._shop = Shop(
            brain=settings.brain,
            voice=settings.voice,
            text_voice=MarkedVoice(OUTPUT_RATE),
            clock=Clock(settings.speed),
            handles=Handles(),
            is_live=lambda logical_id: any(s.logical_id == logical_id and s.is_open for s in self._live),
            connection_s_max=settings.connection_s_max,
            go_away_s=settings.go_away_s,
            hears_marked=settings.hears_marked,
        )

    @property
    def url(self) -> str:
        """The base URL for a client, as in `HttpOptions(base_url=...)`."""
        assert self._server is not None, "the server is not running"
        port = next(iter(self._server.sockets)).getsockname()[1]
        host = "localhost" if self.settings.host in ("127.0.0.1", "0.0.0.0") else self.settings.host
        return f"https://{host}:{port}"

    @property
    def ca_file(self) -> Path:
        assert self._ca_file is not None, "the server is not running"
        return self._ca_file

    def next_faults(self, faults: Faults) -> None:
        """Use these for the next connection instead of the settings' faults; calls queue up."""
        self._queued.append(faults)

    async def __aenter__(self) -> Self:
        settings = self.settings
        self._folder = tempfile.TemporaryDirectory(prefix="live-simulator-")
        certificate = make_certificate(
            Path(self._folder.name), now=utc_now(), hosts=settings.hosts, ca_file=settings.ca_file
        )
        self._ca_file = certificate.ca_file
        self._server = await serve(
            self._converse,
            settings.host,
            settings.port,
            ssl=certificate.context,
            compression=None,
            process_request=self._admit,
            max_size=_MESSAGE_BYTES_MAX,
            max_queue=256,
            ping_interval=None,
            server_header=None,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            for session in list(self._live):
                session.end(1001, "")
            self._server.close()
            await self._server.wait_closed()
        if self._folder is not None:
            self._folder.cleanup()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """The HTTP answer of a refused upgrade: 404 wrong path, 401 no or wrong credentials, or a fault's status."""
        faults = self._queued.popleft() if self._queued else self.settings.faults
        match, query = _address(request)
        status: int | None = None
        if match is None or (match["version"] == "v1" and self.settings.refuses_v1):
            status = 404
        elif not self._knows(_credential(request.headers, query)):
            status = 401
        elif faults.reject_upgrade_status is not None:
            status = faults.reject_upgrade_status
        if status is not None:
            self.refused.append(status)
            return connection.respond(HTTPStatus(status), f"{HTTPStatus(status).phrase}\n")
        self._faults_of[connection] = faults.model_copy(deep=True)
        return None

    def _knows(self, credential: str | None) -> bool:
        if not credential:
            return False
        return self.settings.keys is None or credential in self.settings.keys

    async def _converse(self, connection: ServerConnection) -> None:
        faults = self._faults_of.pop(connection)
        assert connection.request is not None
        match, _ = _address(connection.request)
        assert match is not None
        vertex = match["vertex"] is not None
        if faults.slow_pong_ms:
            _delay_pongs(connection, faults.slow_pong_ms / 1000 / self.settings.speed)
        session = LiveSession(connection, Endpoint(vertex, match["vertex"] or match["version"]), self._shop, faults)
        self.sessions.append(session.record)
        self._live.add(session)
        try:
            await session.run()
        finally:
            self._live.discard(session)


def _address(request: Request) -> tuple[re.Match[str] | None, str]:
    """The path matched, and the query. Not urlsplit: it takes a path that begins with two slashes for a host."""
    path, _, query = request.path.partition("?")
    return PATH.fullmatch(path), query


def _credential(headers: Headers, query: str) -> str | None:
    """The key or token: `x-goog-api-key`, `Authorization: Token|Bearer`, `?key=` or `?access_token=`."""
    if headers.get("x-goog-api-key"):
        return headers["x-goog-api-key"]
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() in ("token", "bearer") and token.strip():
        return token.strip()
    fields = parse_qs(query)
    return next((fields[name][0] for name in ("key", "access_token") if name in fields), None)


def _delay_pongs(connection: ServerConnection, delay_s: float) -> None:
    """Answer pings late. The library answers by itself inside its protocol object, so that is where it is held."""
    protocol = connection.protocol
    send_frame: Callable[[Frame], None] = protocol.send_frame

    def later(frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            asyncio.get_running_loop().call_later(delay_s, now, frame)
        else:
            send_frame(frame)

    def now(frame: Frame) -> None:
        with contextlib.suppress(Exception):  # the connection may be gone by now
            send_frame(frame)
            connection.send_data()

    setattr(protocol, "send_frame", later)  # noqa: B010  an instance attribute over a method, on purpose
