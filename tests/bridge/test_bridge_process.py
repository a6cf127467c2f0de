"""``python -m services.bridge`` as a process: ready line, drain, second signal, settings."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from bridge_world import SECRET, Line, bridge_settings, dial, live_server, open_around, payload
from redis.asyncio import Redis
from websockets.exceptions import InvalidStatus

from agiza.carrier.tokens import mint_media_token
from agiza.contracts import streams

pytestmark = pytest.mark.integration

STEPS: list[object] = ["wait_for_prompt", {"say": "Hello."}, {"wait_for_text": "bye"},
                       {"say": "Goodbye."}, {"call": {"name": "endCall"}}, "end_turn"]  # fmt: skip


@dataclass
class Service:
    """The running bridge."""

    process: asyncio.subprocess.Process
    url: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)

    async def read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                self.lines.append(event)
                if event["event"] == "ready":
                    self.url = event["url"]

    async def exit_code(self, seconds: float = 15) -> int:
        async with asyncio.timeout(seconds):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def open_service(redis_url: str, bridge_redis_url: str, **more: str) -> AsyncIterator[tuple[Service, Any]]:
    async with live_server(STEPS) as live, open_around(redis_url) as (around, orders_url):
        settings = {
            name.upper(): str(value) for name, value in bridge_settings(bridge_redis_url, orders_url, live, 0).items()
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.bridge",
            env={"PATH": os.environ["PATH"], **settings, **more},
            stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        service = Service(process)
        reading = asyncio.create_task(service.read())
        try:
            async with asyncio.timeout(30):
                while not service.url:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            yield service, around
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading


async def beat(redis_url: str, *, until: dict[str, Any]) -> dict[str, Any]:
    """What the heartbeat says of draining and of calls, once it says ``until``."""
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        async with asyncio.timeout(10):
            while True:
                (bridge_id,) = await redis.zrange(streams.BRIDGES_SEEN, 0, -1)
                status = json.loads(await redis.get(streams.bridge_key(bridge_id)) or "{}")
                if until.items() <= status.items():
                    return {name: status[name] for name in ("draining", "calls")}
                await asyncio.sleep(0.1)


async def test_sigterm_lets_live_calls_end_and_takes_no_new_ones(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_service(redis_url, redis_urls["bridge"], AGIZA_DRAIN_S="60") as (service, around):
        line = Line(await dial(service.url, mint_media_token(payload(), SECRET)))
        await line.until_heard("Hello")
        service.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        async with httpx.AsyncClient(base_url=service.url.replace("ws", "http", 1), trust_env=False) as http:
            assert (await http.get("/readyz")).status_code == 503
            assert (await http.get("/healthz")).status_code == 200
        with pytest.raises(InvalidStatus) as caught:
            await dial(service.url, mint_media_token(payload(), SECRET))
        assert caught.value.response.status_code == 503
        assert b"draining" in (caught.value.response.body or b"")
        assert await beat(redis_url, until={"draining": True}) == {"draining": True, "calls": 1}
        assert line.socket.close_code is None
        line.say("bye")
        await line.until_heard("Goodbye")
        assert await line.until_closed() == 1000
        assert (await around.ended()).reason == "goodbye"
        assert await service.exit_code() == 0
        await line.stop()
    assert not [line for line in service.lines if line["level"] == "error"]


async def test_the_drain_has_a_limit(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_service(redis_url, redis_urls["bridge"], AGIZA_DRAIN_S="1") as (service, around):
        line = Line(await dial(service.url, mint_media_token(payload(), SECRET)))
        await line.until_heard("Hello")
        service.process.send_signal(signal.SIGTERM)
        assert await line.until_closed() == 1001
        assert (await around.ended()).reason == "bridge_stopped"
        assert await service.exit_code() == 0
        await line.stop()


async def test_a_second_sigterm_ends_at_once_with_the_reports_out(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    async with open_service(redis_url, redis_urls["bridge"], AGIZA_DRAIN_S="600") as (service, around):
        line = Line(await dial(service.url, mint_media_token(payload(), SECRET)))
        await line.until_heard("Hello")
        service.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        assert service.process.returncode is None
        service.process.send_signal(signal.SIGTERM)
        assert await line.until_closed() == 1001, "the carrier asks again, and another replica takes the call over"
        await service.exit_code()
        assert (await around.ended()).reason == "bridge_stopped"
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            (key,) = [key async for key in redis.scan_iter(f"{streams.SESSION_PREFIX}*:turns")]
            record: Any = await redis.hgetall(key.removesuffix(":turns"))  # type: ignore[misc]
            assert (record["phase"], record["leg_epoch"]) == ("ended", "0")
            assert "Hello" in record["pii_saying"]
            (spoken, *_) = await redis.lrange(key, 0, -1)  # type: ignore[misc]
            assert "Hello" in spoken
        await line.stop()


async def test_missing_settings_stop_the_start_by_name() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.bridge", env={"PATH": os.environ["PATH"]},
        stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    _, errors = await process.communicate()
    assert process.returncode == 2
    for name in (b"REDIS_URL", b"AGIZA_TOKEN_SECRET", b"AGIZA_ORDERS_URL", b"GEMINI_API_KEY"):
        assert name + b" is not set" in errors
