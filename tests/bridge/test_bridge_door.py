"""Connections without an accepted handshake: bounded, closed at once above that, and no secret in any log line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from bridge_world import SECRET, TOKEN, World, dial, open_world, until
from captured_logs import Logged
from raw_frames import connect_raw, frame, upgrade_request
from websockets.exceptions import InvalidStatus

from agiza.runtime.metrics import Metrics
from services.bridge import door, media_server
from services.bridge.door import Door
from simulators.live_api.faults import Faults

STEPS: list[object] = [
    "wait_for_prompt",
    {"say": "Hello."},
    {"call": {"name": "addItem"}},
    {"say": "Added."},
]


def test_places_are_counted_by_address_and_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "OPENING_MAX", 3)
    metrics = Metrics()
    bounded = Door(2, metrics)
    first, second = bounded.enter("a"), bounded.enter("a")
    assert first is not None
    assert second is not None
    assert bounded.enter("a") is None
    assert bounded.enter("b") is not None
    assert bounded.enter("c") is None, "three in all"
    first.give_back()
    first.give_back()
    assert bounded.enter("c") is not None
    assert bounded.enter("c") is None
    second.give_back()
    assert bounded.enter("a") is not None
    counted = {
        reason: metrics.value("voice_media_refused_total", reason=reason)
        for reason in ("opening_of_one", "opening_of_all")
    }
    assert counted == {"opening_of_one": 1, "opening_of_all": 2}


async def silent(world: World, said: bytes = b"") -> asyncio.StreamReader:
    """A connection that does not get on with its handshake. Held open by the reader's life."""
    address = urlsplit(world.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(said)
    reader.writer = writer  # type: ignore[attr-defined]
    return reader


async def is_closed(reader: asyncio.StreamReader) -> bool:
    with contextlib.suppress(ConnectionError):
        assert await reader.read(1) == b""
    return True


@pytest.mark.integration
async def test_who_only_connects_takes_no_place_from_calls_for_long(
    redis_url: str, redis_urls: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_server, "HANDSHAKE_S", 0.8)
    async with open_world(redis_url, redis_urls["bridge"], STEPS, agiza_opening_per_source=3) as world:
        metrics = world.process.metrics
        call = await dial(world.url, world.token())
        assert await call.recv(), "an accepted call has left the door"
        half = upgrade_request(world.url, f"/media/{world.token()}")[:80]
        waiting = [await silent(world), await silent(world, half), await silent(world, b"GET")]
        refused = await silent(world, upgrade_request(world.url, f"/media/{world.token()}"))
        assert await is_closed(refused)
        assert metrics.value("voice_media_refused_total", reason="opening_of_one") == 1
        for reader in waiting:
            assert await is_closed(reader)
        other = await dial(world.url, world.token())
        await other.close()
        await call.close()
        for reader in (*waiting, refused):
            reader.writer.transport.abort()  # type: ignore[attr-defined]


@pytest.mark.integration
async def test_refused_handshakes_give_their_place_back(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS, agiza_opening_per_source=2) as world:
        for _ in range(6):
            with pytest.raises(InvalidStatus):
                await dial(world.url, "rubbish")
        for _ in range(6):
            client = await connect_raw(world.url, f"/media/{world.token()}")
            await client.leave()
        await until(lambda: not world.process.metrics.value("voice_call_active"))


KEY = "AIzaSy-the-model-key-0123456789"


@pytest.mark.integration
async def test_no_token_and_no_key_is_ever_logged(
    redis_url: str, redis_urls: Mapping[str, str], logged: Logged
) -> None:
    tokens: list[str] = []

    def token(world: World) -> str:
        tokens.append(world.token())
        return tokens[-1]

    async with open_world(redis_url, redis_urls["bridge"], STEPS, gemini_api_key=KEY) as world:
        line = await world.call()
        await line.until_heard("Added")
        await line.hang_up()
        for faults in (Faults(reject_upgrade_status=403), Faults(reject_upgrade_status=429)):
            world.live.next_faults(faults)
            socket = await dial(world.url, token(world))
            await socket.wait_closed()
        used = token(world)
        await (await dial(world.url, used)).close()
        for attempt in (used, used[:-3], tokens[0] + "x"):
            with pytest.raises(InvalidStatus):
                await dial(world.url, attempt)
        for wrong in (b"GET /media/%s HTTP/1.0\r\n\r\n", b"GET /media/%s\r\n\r\n", b"POST /media/%s HTTP/1.1\r\n\r\n",
                      b"GET /media/%s HTTP/1.1\r\nno header\r\n\r\n", b"GET /media/%s " + b"x" * 9_000):  # fmt: skip
            reader = await silent(world, wrong % token(world).encode())
            await is_closed_after_answer(reader)
            reader.writer.transport.abort()  # type: ignore[attr-defined]
        bad = await connect_raw(world.url, f"/media/{token(world)}")
        await bad.send([frame(3, b"reserved")])
        await bad.read_until_end()
        await bad.leave()
        await until(lambda: not world.process.metrics.value("voice_call_active"))
    assert logged.events("call_opened")
    assert logged.events("media_refused")
    assert logged.events("model_refused") or logged.events("call_ended")
    signatures = [token.rpartition(".")[2] for token in tokens]
    for secret in (KEY, SECRET, TOKEN, *tokens, *signatures):
        assert secret not in logged.text


async def is_closed_after_answer(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            await reader.read()
