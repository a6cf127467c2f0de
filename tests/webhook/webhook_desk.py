"""The webhook as it runs, on real servers that can be taken away, with the carrier's requests at hand."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit, urlunsplit
from xml.etree import ElementTree

import httpx
import psycopg
import pytest
import redis.asyncio
from psycopg.types.json import Jsonb
from servers import Database  # type: ignore[import-not-found,unused-ignore]

from agiza.contracts.streams import BRIDGES_SEEN, bridge_key
from agiza.runtime.branch_files import LoadedBranch, load_branch_files
from agiza.runtime.clock import Clock
from agiza.runtime.process import Process
from agiza.runtime.settings import read_settings
from services.webhook.__main__ import serve
from services.webhook.settings import WebhookSettings

BRANCHES = Path(__file__).parents[2] / "branches"
PATH_TOKEN = "path-token-of-the-tests-0123456789"
TOKEN_SECRET = "token-secret-of-the-tests-0123456789"
INTERNAL_TOKEN = "internal-token-of-the-tests-0123456789"
OUR_NUMBER = "+254709000002"
CALLER = "+254711000001"


class Logged(Protocol):
    """The fixture ``logged``."""

    @property
    def text(self) -> str: ...

    def events(self, name: str) -> list[dict[str, Any]]: ...


class Wire:
    """A TCP line to a server that can be cut and mended."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self.port = 0

    async def mend(self) -> None:
        """Let connections through (again, at the same port)."""
        self._server = await asyncio.start_server(self._line, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break all connections and refuse new ones, as a server that was stopped."""
        assert self._server is not None
        self._server.close()
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if not self._server or not self._server.is_serving():  # accepted in the moment of the cut
            writer.transport.abort()
            return
        self._lines.add(task)
        far_writer: asyncio.StreamWriter | None = None
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, far_writer))
                both.create_task(_pump(far_reader, writer))
        except (asyncio.CancelledError, OSError, ExceptionGroup):
            pass
        finally:
            self._lines.discard(task)
            for end in (writer, far_writer):
                if end is not None:
                    end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    raise ConnectionResetError


@dataclass
class Answer:
    """What the carrier got."""

    status: int
    body: bytes
    seconds: float

    @property
    def verbs(self) -> list[str]:
        return [element.tag for element in self.xml]

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)

    @property
    def dialled(self) -> list[str | None]:
        return [number.text for number in self.xml.iter("Number")]

    @property
    def redirect(self) -> str:
        text = self.xml.findtext("Redirect")
        assert text
        return urlsplit(text).path


class StartedProcess(Process):
    """Knows the URL once the service is ready."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock, grace_s=5)
        self.url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def ready(self, **fields: object) -> None:
        super().ready(**fields)
        self.url.set_result(str(fields["url"]))


@dataclass
class Webhook:
    """One running webhook."""

    http: httpx.AsyncClient
    process: StartedProcess
    database_url: str
    redis: redis.asyncio.Redis
    database_wire: Wire
    redis_wire: Wire
    bridges: Bridges

    async def post(
        self, path: str, fields: Mapping[str, str], *, as_json: bool = False, headers: Mapping[str, str] | None = None
    ) -> Answer:
        body = json.dumps(dict(fields)) if as_json else urlencode(dict(fields))
        kind = "application/json" if as_json else "application/x-www-form-urlencoded"
        began = asyncio.get_running_loop().time()
        response = await self.http.post(path, content=body, headers={"content-type": kind, **(headers or {})})
        return Answer(response.status_code, response.content, asyncio.get_running_loop().time() - began)

    async def voice(self, state: str, call_id: str = "HD_7c21e04ab9f3", **fields: str) -> Answer:
        return await self.post(f"/carrier/{PATH_TOKEN}/voice", posted(state, call_id, **fields))

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with await psycopg.AsyncConnection.connect(self.database_url, autocommit=True) as conn:
            cursor = await conn.execute(statement, values)
            return await cursor.fetchall() if cursor.description else []

    async def events(self) -> list[dict[str, Any]]:
        """What lies in the stream of calls."""
        entries = await self.redis.xrange("agiza:calls")
        return [json.loads(entry[1]["event"]) for entry in entries]

    async def event_types(self, count: int) -> list[str]:
        """The types of the events, once there are so many."""
        await until(lambda: self._has_events(count))
        return [event["type"].removeprefix("agiza.call.") for event in await self.events()]

    async def _has_events(self, count: int) -> bool:
        return len(await self.events()) >= count


def posted(state: str, call_id: str = "HD_7c21e04ab9f3", **fields: str) -> dict[str, str]:
    """The fields of a live request."""
    return {
        "sessionId": call_id,
        "callerNumber": CALLER,
        "destinationNumber": OUR_NUMBER,
        "direction": "inbound",
        "isActive": "0" if state == "Completed" else "1",
        "callSessionState": state,
        **fields,
    }


async def until(condition: Callable[[], Any], limit_s: float = 10.0) -> None:
    """Wait for a condition that another process brings about."""
    async with asyncio.timeout(limit_s):
        while not await condition():  # noqa: ASYNC110 - the condition is in another process
            await asyncio.sleep(0.01)


@dataclass
class Bridges:
    """Stands in for bridges: beats as they do, with the figures that a test gives."""

    redis: redis.asyncio.Redis
    said: dict[str, dict[str, object]] = field(default_factory=lambda: {"b1": beat()})
    _speaking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        while True:
            await self.beat_once()
            await asyncio.sleep(0.5)

    async def beat_once(self) -> None:
        async with self._speaking:  # a beat that is half said would bring back what `say` has just removed
            for bridge_id, said in self.said.items():
                await self.redis.set(bridge_key(bridge_id), json.dumps(said), ex=5)
                await self.redis.zadd(BRIDGES_SEEN, {bridge_id: time.time()})

    async def say(self, **said: dict[str, object]) -> None:
        """From now on these bridges are there, and no others."""
        async with self._speaking:
            for bridge_id in self.said.keys() - said.keys():
                await self.redis.delete(bridge_key(bridge_id))
            self.said = said
        await self.beat_once()

    async def are_seen(self) -> None:
        """Until the webhook has looked at them anew (it does twice a second): the look that had begun, and one more."""
        before = await self._looks()

        async def looked() -> bool:
            return await self._looks() >= before + 2

        await until(looked)

    async def _looks(self) -> int:
        told: dict[str, dict[str, int]] = await self.redis.info("commandstats")
        return told.get("cmdstat_mget", {}).get("calls", 0)


def beat(calls: int = 0, slots: int = 1000, *, draining: bool = False, model_ok: bool = True) -> dict[str, object]:
    """One heartbeat."""
    return {"calls": calls, "slots": slots, "draining": draining, "model_ok": model_ok}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@functools.cache
def _branch_files() -> tuple[LoadedBranch, ...]:
    return load_branch_files(BRANCHES)


async def publish_branches(database_url: str) -> None:
    """What the orders service does at its start."""
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        for loaded in _branch_files():
            branch = loaded.file.branch
            await conn.execute(
                "INSERT INTO branches (branch_id, phone, name, menu_version) VALUES (%s, %s, %s, 3)",
                (branch.id, branch.phone, branch.name),
            )
            await conn.execute(
                "INSERT INTO menus (branch_id, version, document, digest) VALUES (%s, 3, %s, 'd')",
                (branch.id, Jsonb(loaded.document)),
            )


def through(url: str, wire: Wire) -> str:
    """The same URL over the wire."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{wire.port}"))


Start = Callable[..., contextlib.AbstractAsyncContextManager[Webhook]]


@pytest.fixture
def start_webhook(database: Database, redis_url: str, redis_urls: Mapping[str, str], logged: Logged) -> Start:
    """Start a webhook; keyword arguments are settings. ``clock`` and ``is_published`` are extra.

    ``logged`` is here for its log format: the one for consoles renders tracebacks for seconds, in the event loop.
    """

    @contextlib.asynccontextmanager
    async def start(clock: Clock, *, is_published: bool = True, **settings: object) -> AsyncIterator[Webhook]:
        if is_published:
            await publish_branches(database.url)
        place, redis_place = urlsplit(database.url), urlsplit(redis_url)
        database_wire = Wire(place.hostname or "", place.port or 5432)
        redis_wire = Wire(redis_place.hostname or "", redis_place.port or 6379)
        await database_wire.mend()
        await redis_wire.mend()
        given = {
            "database_url": through(database.urls["agiza_webhook"], database_wire),
            "redis_url": through(redis_urls["webhook"], redis_wire),
            "agiza_internal_token": INTERNAL_TOKEN,
            "agiza_public_url": "https://orders.example.co.ke",
            "agiza_media_url": "wss://bridge.example.co.ke",
            "agiza_token_secret": TOKEN_SECRET,
            "agiza_path_token": PATH_TOKEN,
            "agiza_branches_dir": BRANCHES,
            "agiza_port": 0,
            "agiza_dials_per_caller_day": 100,  # one caller stands for many here
            "agiza_calls_per_caller": 0,
            **settings,
        }
        if settings.get("agiza_public_url") == "itself":
            port = _free_port()
            given |= {"agiza_port": port, "agiza_public_url": f"http://127.0.0.1:{port}"}
        process = StartedProcess(clock)
        serving = asyncio.create_task(serve(read_settings(WebhookSettings, **given), process))
        admin = redis.asyncio.Redis.from_url(redis_url, decode_responses=True)
        bridges = Bridges(admin)
        beating = asyncio.create_task(bridges.run())
        try:
            await asyncio.wait((serving, process.url), return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
            async with httpx.AsyncClient(base_url=process.url.result(), timeout=10, trust_env=False) as http:
                yield Webhook(http, process, database.url, admin, database_wire, redis_wire, bridges)
        finally:
            process.stop()
            await serving
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await admin.aclose()
            await database_wire.cut()
            await redis_wire.cut()

    return start


@pytest.fixture
async def webhook(start_webhook: Start) -> AsyncIterator[Webhook]:
    """A webhook at noon in Nairobi."""
    async with start_webhook(noon()) as running:
        yield running


def noon() -> Clock:
    """A running clock at which every branch is open."""
    return Clock.starting_at(datetime(2026, 3, 6, 9, 0, tzinfo=UTC))
