"""Everything around a real bridge: a line, a small ``orders`` and ``escalation`` on real Redis, a Live server."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from agiza.carrier.tokens import MediaTokenPayload, mint_media_token
from agiza.contracts import streams
from agiza.contracts.envelope import Received, decode
from agiza.contracts.events import (
    CallEnded,
    CallTakenOver,
    Event,
    FunctionResult,
    HandoffAnswered,
    HandoffRequested,
    LeaveRequested,
    TakeOverAnswered,
    ToolAnswered,
    ToolCalled,
)
from agiza.runtime.branch_files import load_branch_file
from agiza.runtime.clock import Clock
from agiza.runtime.http import HttpServer
from agiza.runtime.metrics import Metrics
from agiza.runtime.process import Process
from agiza.runtime.publisher import Publisher
from agiza.runtime.settings import read_settings
from agiza.runtime.traces import Trace
from services.bridge.__main__ import serve
from services.bridge.settings import BridgeSettings
from simulators.live_api.brain import Brain
from simulators.live_api.conversation import Conversation
from simulators.live_api.scripted import ScriptedBrain
from simulators.live_api.server import LiveServer, LiveServerSettings
from simulators.speech.marked import BEACON, MarkedDecoder, encode

SECRET = "s" * 40
TOKEN = "t" * 40
BRANCHES = Path(__file__).parents[2] / "branches"
BEACON_S_MAX = 1.5
"""It takes half a second; the line begins it when its socket is open, which may be after the model is ready."""
BEACON_END_S = 0.25
"""From its last word to the pause that ends it: what the line says before that is not the beginning of anything."""
BEACON_STEP_S = 0.02
STREAMS = {
    streams.HANDOFFS: "0",
    streams.CALLS: "0",
    **{streams.tools_stream_of(n): "0" for n in range(streams.TOOL_PARTITIONS)},
}


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that happens elsewhere."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@dataclass
class Around:
    """``orders`` and ``escalation`` as the bridge sees them. Switches make them slow or deaf."""

    redis: Redis
    events: list[Event] = field(default_factory=list)
    http_ids: list[str] = field(default_factory=list)
    stream_ids: list[str] = field(default_factory=list)
    authorizations: set[str | None] = field(default_factory=set)
    menus_asked: int = 0
    deaf: bool = False
    http_deaf: bool = False
    cart_version: int = 0
    on_duty: str | None = "ann"
    words: list[dict[str, Any]] = field(default_factory=list)
    """What is answered to the next requests for a hand-off, where it is not just whether Ann is on duty."""
    asked: list[Received] = field(default_factory=list)
    cart: dict[str, Any] = field(default_factory=dict)
    """What a leg that takes its call over is told."""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._publisher = Publisher(self.redis, source="/agiza/orders", clock=Clock(), metrics=Metrics())
        document = load_branch_file(BRANCHES / "westlands.yaml").document
        self.app = FastAPI()

        @self.app.get("/internal/branches/{branch_id}/menus/{version}")
        async def menu(branch_id: str, version: int) -> dict[str, Any]:
            self.menus_asked += 1
            if version > 1:
                raise HTTPException(404)
            return {"branch_id": branch_id, "version": version, "document": document}

        @self.app.post("/internal/tool-calls")
        async def tool_calls(request: Request) -> Response:
            received = decode(await request.body())
            self.http_ids.append(received.envelope.id)
            self.authorizations.add(request.headers.get("authorization"))
            assert isinstance(received.event, ToolCalled | CallTakenOver)
            if self.http_deaf:
                return Response(status_code=503)
            answered = self.answer_any(received.envelope.id, received.event)
            return Response(self._publisher.stamp(answered, received.envelope.traceparent).body)

    def of_type(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def answer_any(self, request_id: str, event: ToolCalled | CallTakenOver) -> Event:
        if isinstance(event, ToolCalled):
            return self.answer(request_id, event)
        return TakeOverAnswered(
            branch_id=event.branch_id,
            call_id=event.call_id,
            request_id=request_id,
            leg_epoch=event.leg_epoch,
            reply_to=event.reply_to,
            **{"status": "ok", **self.cart},
        )

    def answer(self, request_id: str, event: ToolCalled) -> ToolAnswered:
        results = []
        for call in event.calls:
            self.cart_version += 1
            response = {"status": "ok", "message": "Done.", **self.answers.get(call.name, {})}
            results.append(FunctionResult(id=call.id, name=call.name, response=response))
        return ToolAnswered(
            branch_id=event.branch_id,
            call_id=event.call_id,
            request_id=request_id,
            leg_epoch=event.leg_epoch,
            results=tuple(results),
            cart_version=self.cart_version,
            reply_to=event.reply_to,
        )

    async def run(self) -> None:
        seen = dict(STREAMS)
        while True:
            for name, entries in await self.redis.xread(seen, block=200) or []:
                for entry_id, fields in entries:
                    seen[name] = entry_id
                    await self._take(fields["event"])

    async def _take(self, body: str) -> None:
        received = decode(body)
        self.events.append(received.event)
        match received.event:
            case ToolCalled() | CallTakenOver() as event:
                self.stream_ids.append(received.envelope.id)
                if not self.deaf:
                    await self._publisher.publish(
                        self.answer_any(received.envelope.id, event), received.envelope.traceparent
                    )
            case HandoffRequested() as event:
                self.asked.append(received)
                message = "I am calling Ann." if self.on_duty else "Nobody is here now."
                word = self.words.pop(0) if self.words else {"contact_id": self.on_duty, "message": message}
                await self.say_of_handoff(**word)

    async def publish(self, event: Event) -> None:
        """An answer of ``orders``, whenever the test wants it to come."""
        await self._publisher.publish(event, str(Trace.new()))

    async def say_of_handoff(self, **word: Any) -> None:
        """A word of the escalation service about the newest hand-off."""
        request = self.asked[-1]
        assert isinstance(request.event, HandoffRequested)
        handoff_id = "h1" if word["contact_id"] else None
        answered = HandoffAnswered(
            branch_id=request.event.branch_id,
            call_id=request.event.call_id,
            request_id=request.envelope.id,
            handoff_id=handoff_id,
            reply_to=request.event.reply_to,
            **word,
        )
        await self._publisher.publish(answered, request.envelope.traceparent)

    async def order_leave(self) -> None:
        """The escalation service wants the stream of the newest hand-off left."""
        event = self.asked[-1].event
        assert isinstance(event, HandoffRequested)
        order = LeaveRequested(
            branch_id=event.branch_id, call_id=event.call_id, handoff_id="h1", reply_to=event.reply_to
        )
        await self._publisher.publish(order, self.asked[-1].envelope.traceparent)

    async def ended(self, seconds: float = 20) -> CallEnded:
        """The report of the first call that ended."""
        await until(lambda: bool(self.of_type(CallEnded)), seconds)
        event: CallEnded = self.of_type(CallEnded)[0]
        return event


class Line:
    """The carrier's side of one media socket: frames in real time, everything heard kept."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard = bytearray()
        self.arrivals: list[tuple[float, int]] = []
        self.kills = 0
        self.texts: list[str] = []
        self._to_say = bytearray(encode(BEACON, 16_000))
        self._decoder = MarkedDecoder(16_000)
        self._tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._receive())]

    def say(self, text: str) -> None:
        self._to_say += encode(text, 16_000)

    def fall_silent(self) -> None:
        """Send no more frames; the socket stays open."""
        self._tasks[0].cancel()

    def say_sound(self, pcm: bytes) -> None:
        """16 kHz S16LE, as a caller's telephone would send it."""
        self._to_say += pcm

    async def until_heard(self, text: str, seconds: float = 20) -> None:
        await until(lambda: any(text in line for line in self.texts), seconds)
        await asyncio.sleep(0.3)  # what was sent ahead is still being played

    async def until_closed(self, seconds: float = 20) -> int | None:
        async with asyncio.timeout(seconds):
            await self.socket.wait_closed()
        return self.socket.close_code

    async def hang_up(self) -> None:
        await self.socket.close()
        await self.stop()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.socket.close()

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        with contextlib.suppress(ConnectionClosed):
            await self.socket.send('{"streamSid":"x","metadata":{}}')
            while True:
                frame = bytes(self._to_say[:640])
                del self._to_say[:640]
                await self.socket.send(frame + bytes(640 - len(frame)))
                due += 0.02
                await asyncio.sleep(max(0.0, due - loop.time()))

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionClosed):
            async for message in self.socket:
                if isinstance(message, str):
                    self.kills += '"killAudio"' in message
                    continue
                assert len(message) % 2 == 0
                self.heard += message
                self.arrivals.append((loop.time(), len(message)))
                self.texts += self._decoder.feed(message)


@dataclass
class World:
    """A bridge and its surroundings."""

    url: str
    http_url: str
    live: LiveServer
    around: Around
    process: Process
    redis: Redis
    lines: list[Line] = field(default_factory=list)

    def token(self, **changes: Any) -> str:
        return mint_media_token(payload(**changes), SECRET)

    async def call(self, **changes: Any) -> Line:
        """A media socket that the bridge accepted."""
        socket = await dial(self.url, self.token(**changes))
        assert socket.subprotocol == "audio.drachtio.org"
        line = Line(socket)
        self.lines.append(line)
        return line


async def dial(
    url: str, token: str, subprotocols: tuple[str, ...] = ("audio.drachtio.org",), **more: Any
) -> ClientConnection:
    return await connect(
        f"{url}/media/{token}",
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        compression=None,
        proxy=None,
        **more,
    )


def payload(**changes: Any) -> MediaTokenPayload:
    fields: dict[str, Any] = {
        "call_id": "HD_" + secrets.token_hex(6),
        "branch_id": "westlands",
        "menu_version": 1,
        "epoch": 0,
        "exp": int((Clock().now() + timedelta(seconds=60)).timestamp()),
        "nonce": secrets.token_hex(12),
        "lang": "en",
        "withheld": False,
        "trace": str(Trace.new()),
    }
    return MediaTokenPayload(**(fields | changes))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def open_around(redis_url: str) -> AsyncIterator[tuple[Around, str]]:
    """``orders`` and ``escalation`` at an HTTP address."""
    redis = Redis.from_url(redis_url, decode_responses=True)
    around = Around(redis)
    stopping = asyncio.Event()
    http = HttpServer(around.app, host="127.0.0.1", port=0)
    tasks = [asyncio.create_task(http.run(stopping)), asyncio.create_task(around.run())]
    try:
        yield around, f"http://127.0.0.1:{http.port}"
    finally:
        stopping.set()
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await redis.aclose()


class AfterBeacon:
    """A script that a :class:`Line` may talk with: it begins when the line's beacon is over, which would interrupt the
    first sentence. A session that goes on from an earlier one hears none, and a bare socket never says any."""

    def __init__(self, steps: list[object]) -> None:
        self._script = ScriptedBrain.from_steps(steps)

    async def run(self, talk: Conversation) -> None:
        waited_s = 0.0
        while not (talk.text_caller or talk.resumed) and waited_s < BEACON_S_MAX:
            await talk.clock.sleep(BEACON_STEP_S)
            waited_s += BEACON_STEP_S
        if talk.text_caller:
            await talk.clock.sleep(BEACON_END_S)
        await self._script.run(talk)


def live_server(steps: list[object] | Brain) -> LiveServer:
    """A Live server with this script; steps begin behind the line's beacon."""
    return LiveServer(LiveServerSettings(brain=AfterBeacon(steps) if isinstance(steps, list) else steps))


@contextlib.asynccontextmanager
async def open_world(
    redis_url: str, bridge_redis_url: str, steps: list[object] | Brain, **settings: Any
) -> AsyncIterator[World]:
    """A bridge in this process. ``bridge_redis_url`` has the bridge's own rights only."""
    port = free_port()
    process = Process()
    async with live_server(steps) as live, open_around(redis_url) as (around, orders_url):
        given = bridge_settings(bridge_redis_url, orders_url, live, port) | settings
        bridge = asyncio.create_task(serve(read_settings(BridgeSettings, **given), process))
        try:
            async with asyncio.timeout(10):
                while not (await process.health.readiness()).is_ready:
                    assert not bridge.done(), bridge
                    await asyncio.sleep(0.02)
            base = f"127.0.0.1:{port}"
            world = World(f"ws://{base}", f"http://{base}", live, around, process, around.redis)
            yield world
            for line in world.lines:
                await line.stop()
        finally:
            process.stop()
            async with asyncio.timeout(30):
                await bridge


def bridge_settings(redis_url: str, orders_url: str, live: LiveServer, port: int) -> Mapping[str, Any]:
    return {
        "redis_url": redis_url,
        "agiza_port": port,
        "agiza_token_secret": SECRET,
        "agiza_internal_token": TOKEN,
        "agiza_orders_url": orders_url,
        "gemini_api_key": "any",
        "agiza_live_url": live.url,
        "agiza_live_ca_file": str(live.ca_file),
        "agiza_drain_s": 5,
    }
