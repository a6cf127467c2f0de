"""Who may open a media socket, and what happens to everybody else."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import httpx
import pytest
from bridge_world import World, dial, open_world, payload, until
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agiza.carrier.tokens import mint_media_token
from agiza.contracts import streams
from agiza.runtime.clock import Clock
from simulators.live_api.faults import Faults

pytestmark = pytest.mark.integration

STEPS: list[object] = ["wait_for_prompt", {"say": "Hello."}]


async def refused(world: World, token: str, *subprotocols: str) -> int:
    with pytest.raises(InvalidStatus) as caught:
        await dial(world.url, token, subprotocols)
    return caught.value.response.status_code


async def test_the_door(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS, agiza_bridge_slots=2) as world:
        drachtio = "audio.drachtio.org"
        past = int((Clock().now() - timedelta(seconds=1)).timestamp())
        assert await refused(world, world.token()) == 400, "no subprotocol offered"
        assert await refused(world, world.token(), "chat") == 400
        assert await refused(world, "rubbish", drachtio) == 403
        assert await refused(world, mint_media_token(payload(), "another secret"), drachtio) == 403
        assert await refused(world, world.token(exp=past), drachtio) == 403
        assert not world.live.sessions, "no model session for any of them"

        token = world.token(call_id="HD_door1")
        assert await refused(world, token) == 400, "a wrong client does not spend the token"
        socket = await dial(world.url, token, ("chat", drachtio))
        assert socket.subprotocol == drachtio
        assert await refused(world, token, drachtio) == 403, "a token is good for one socket"
        other = await dial(world.url, world.token())
        assert await refused(world, world.token(), drachtio) == 503, "two slots, two calls"
        await socket.close()
        await other.close()
        await world.around.ended()
        counted = {
            reason: world.process.metrics.value("voice_media_refused_total", reason=reason)
            for reason in ("subprotocol", "token_malformed", "token_forged", "token_expired", "token_used", "full")
        }
        assert counted == {
            "subprotocol": 3, "token_malformed": 1, "token_forged": 1, "token_expired": 1, "token_used": 1, "full": 1,
        }  # fmt: skip


async def test_health_metrics_and_nothing_else(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with (
        open_world(redis_url, redis_urls["bridge"], STEPS) as world,
        httpx.AsyncClient(base_url=world.http_url, trust_env=False) as http,
    ):
        assert (await http.get("/healthz")).json() == {"status": "alive"}
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (200, True)
        metrics = await http.get("/metrics")
        assert "voice_call_slots 100.0" in metrics.text
        assert metrics.headers["content-type"].startswith("text/plain")
        assert (await http.get("/other")).status_code == 404
        token = world.token()
        assert (await http.get(f"/media/{token}")).status_code == 426
        assert not await world.redis.exists(streams.nonce_key(token)), "a plain request spends nothing"


async def test_frames_of_any_size_are_audio_and_text_is_not(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS) as world:
        socket = await dial(world.url, world.token())
        await socket.send('{"event":"start"}')
        await socket.send("not even JSON")
        for frame in (b"", b"{", b'{"type":"x"}', bytes(64 * 1024), bytes(639), bytes(1)):
            await socket.send(frame)
        await until(lambda: bool(world.live.sessions) and world.live.sessions[0].audio_in_s > 1.9)
        await socket.send(bytes(64 * 1024 + 1))
        async with asyncio.timeout(5):
            async for _ in socket_frames(socket):
                pass
        assert socket.close_code == 1009
        assert (await world.around.ended()).reason == "caller_hung_up"


async def socket_frames(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    with contextlib.suppress(ConnectionClosed):
        while True:
            yield await socket.recv()


async def test_a_second_stream_of_the_same_call_ends_the_first(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS) as world:
        first = await world.call(call_id="HD_twice", epoch=0)
        await first.until_heard("Hello")
        await world.call(call_id="HD_twice", epoch=1)
        assert await first.until_closed() == 1001
        await until(lambda: len(world.live.sessions) == 2 and world.live.sessions[1].resumed_from is not None)
        ended = await world.around.ended()
        assert (ended.leg_epoch, ended.reason) == (0, "superseded")
        before, after = world.live.sessions
        assert after.resumed_from in before.handles, "the model session of the first leg goes on"
        await until(lambda: world.process.metrics.value("calls_resumed_total", model="resumed") == 1)


async def test_leg_whose_model_session_does_not_come_back_begins_a_new_one(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS) as world:
        first = await world.call(call_id="HD_twice", epoch=0)
        await first.until_heard("Hello")
        world.live.next_faults(Faults(refuse_handle=True))
        second = await world.call(call_id="HD_twice", epoch=1)
        await second.until_heard("Hello")
        assert world.process.metrics.value("calls_resumed_total", model="new") == 1
        assert "What was said last" in str(world.live.sessions[-1].setup)


async def test_the_heartbeat_says_what_is_free(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS, agiza_bridge_slots=7) as world:
        await world.call()

        async def beat() -> str | None:
            for bridge_id in await world.redis.zrange(streams.BRIDGES_SEEN, 0, -1):
                return str(await world.redis.get(streams.bridge_key(bridge_id)))
            return None

        async with asyncio.timeout(5):
            while await beat() != '{"calls": 1, "slots": 7, "draining": false, "model_ok": true}':  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    # The world is closed: the key is gone with the bridge.


async def test_without_redis_no_token_is_accepted(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS) as world:
        await world.redis.execute_command("ACL", "SETUSER", "bridge", "-set")
        try:
            with pytest.raises(InvalidStatus) as caught:
                await dial(world.url, world.token())
        finally:
            await world.redis.execute_command("ACL", "SETUSER", "bridge", "+set")
        assert caught.value.response.status_code == 503
        assert not world.live.sessions


async def test_a_replica_that_cannot_have_the_model_says_so(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS) as world:

        async def until_it_says(model_ok: bool) -> None:
            said = None
            async with asyncio.timeout(5):
                while said is not model_ok:
                    await asyncio.sleep(0.05)
                    for bridge_id in await world.redis.zrange(streams.BRIDGES_SEEN, 0, -1):
                        said = json.loads(await world.redis.get(streams.bridge_key(bridge_id)))["model_ok"]

        await until_it_says(True)
        for _ in range(3):
            world.live.next_faults(Faults(reject_upgrade_status=429))
            line = await world.call()
            await line.until_closed()
        await until_it_says(False)
        heard = await world.call()  # one that was let in all the same
        await heard.until_heard("Hello")
        await until_it_says(True)
    redis = Redis.from_url(redis_url, decode_responses=True)
    assert await redis.zcard(streams.BRIDGES_SEEN) == 0, "a replica that ended is not one that died"
    await redis.aclose()
