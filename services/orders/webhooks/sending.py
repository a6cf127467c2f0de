"""One attempt: a POST to a subscriber's URL, and what became of it. Never raises for what the other side does.

    async with open_sender(AllowList()) as sender:
        answer = await sender.send(URL("https://pos.example.com/hook"), headers, body)
        answer.is_success                     # 2xx, nothing else

The address that a socket is opened to is judged in the moment in which it is opened (:mod:`.addresses`), so a name that
points inside our network, since it was checked or since the last attempt, leads nowhere. No redirect is followed, no
cookie kept, no proxy asked, nothing unpacked. Of the answer the status counts; its body is read, so that the connection
can be used again, up to 16 kB and for a second, and thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Literal

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.orders.webhooks.addresses import AllowList, why_not_connected, why_url_refused

TIMEOUT_S: Final = 15.0
"""From the name to the head of the answer."""
READ_S: Final = 1.0
READ_BYTES_MAX: Final = 16 * 1024
KEEP_ALIVE_S: Final = 4.0
"""Shorter than common servers keep theirs (5 s), so that none is closed in the moment in which it is used again."""
LOOKUPS_MAX: Final = 32
"""Names looked up at the same time: one that hangs must not keep the others waiting."""
USER_AGENT: Final = "Agiza-Webhooks/1"

ErrorWord = Literal[
    "timeout",
    "dns",
    "refused",
    "unreachable",
    "tls",
    "broken",
    "redirect",
    "gone",
    "status",
    "address-not-allowed",
    "url-not-allowed",
]
"""Why an attempt failed, as integrators see it: never an address of ours or a text of theirs."""

Lookup = Callable[[str, int], Sequence[tuple[int, str]]]
"""The addresses of a name, as (family, address); blocks. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an attempt. ``status`` is there when there was an answer, ``error`` when it was not 2xx."""

    status: int | None
    error: ErrorWord | None
    retry_after: str | None
    duration_ms: int

    @property
    def is_success(self) -> bool:
        """2xx, nothing else."""
        return self.error is None


class AddressRefused(OSError):
    """The address is none that deliveries go to."""


@dataclass(slots=True)
class _Attempt:
    """What the guard must know of the attempt in whose context a socket is opened, and what it tells it."""

    host: str
    was_refused: bool = False
    has_connected: bool = False


_attempt: ContextVar[_Attempt] = ContextVar("webhook_attempt")


class Sender:
    """Sends, over connections that are kept alive. One per process; get it from :func:`open_sender`."""

    def __init__(self, session: aiohttp.ClientSession, allow: AllowList) -> None:
        self._session = session
        self._allow = allow

    async def send(self, url: URL, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST once; on a connection that had been closed meanwhile, once more on a new one."""
        began = time.monotonic()
        if why_url_refused(str(url), self._allow) is not None:
            return Answer(None, "url-not-allowed", None, 0)
        attempt = _Attempt(url.host or "")
        token = _attempt.set(attempt)
        try:
            try:
                status, retry_after = await self._post(url, headers, body)
            except (aiohttp.ServerDisconnectedError, ConnectionResetError):
                if attempt.has_connected:
                    raise
                status, retry_after = await self._post(url, headers, body)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return Answer(None, _word(error, attempt), None, _ms_since(began))
        finally:
            _attempt.reset(token)
        return Answer(status, _judged(status), retry_after, _ms_since(began))

    async def _post(self, url: URL, headers: Mapping[str, str], body: bytes) -> tuple[int, str | None]:
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            if not response.content.at_eof():
                await _read_off(response)
            return response.status, response.headers.get("Retry-After")


async def _read_off(response: aiohttp.ClientResponse) -> None:
    """Read the body to its end, or close the connection."""
    size = 0
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with asyncio.timeout(READ_S):
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > READ_BYTES_MAX:
                    break
            else:
                return
    response.close()


@contextlib.asynccontextmanager
async def open_sender(
    allow: AllowList,
    *,
    timeout_s: float = TIMEOUT_S,
    lookup: Lookup | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Sender]:
    """A sender for the length of the context. ``tls``: whom to trust, the usual authorities if it is not given."""

    def guarded_socket(info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        family, type_, protocol, _, where = info
        attempt = _attempt.get()
        address = ipaddress.ip_address(str(where[0]).partition("%")[0])
        if why_not_connected(attempt.host, int(where[1]), address, allow) is not None:
            attempt.was_refused = True
            raise AddressRefused
        attempt.has_connected = True
        opened = socket.socket(family, type_, protocol)
        opened.setblocking(False)
        return opened

    resolver = _Resolver(lookup or _look_up)
    connector = aiohttp.TCPConnector(
        ssl=tls or ssl.create_default_context(),
        resolver=resolver,
        socket_factory=guarded_socket,
        limit=0,  # lanes have their limits
        keepalive_timeout=KEEP_ALIVE_S,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        read_bufsize=READ_BYTES_MAX,
        headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
    )
    async with session:
        yield Sender(session, allow)


class _Resolver(AbstractResolver):
    """Looks names up in threads of its own: those of the event loop are few, and others need them."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(LOOKUPS_MAX, thread_name_prefix="webhook-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(self._threads, self._lookup, host, port)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=each,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for each, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[tuple[int, str]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [(family, str(where[0])) for family, _, _, _, where in found]


def _judged(status: int) -> ErrorWord | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return "redirect"
    return "gone" if status == 410 else "status"


def _word(error: BaseException, attempt: _Attempt) -> ErrorWord:
    if attempt.was_refused and not attempt.has_connected:
        return "address-not-allowed"
    match error:
        case TimeoutError():
            return "timeout"
        case aiohttp.ClientConnectorDNSError():
            return "dns"
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            return "tls"
        case aiohttp.ClientConnectorError(os_error=cause):
            return "refused" if isinstance(cause, ConnectionRefusedError) else "unreachable"
        case aiohttp.InvalidURL():
            return "url-not-allowed"
    return "broken"


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
