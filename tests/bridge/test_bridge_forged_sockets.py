"""A thousand media sockets that nobody invited: all refused before the upgrade, and no model session opened."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta

import pytest
from bridge_world import SECRET, World, dial, open_world, payload
from websockets.exceptions import InvalidStatus

from agiza.carrier.tokens import CallRef, mint_media_token, sign_call_ref
from agiza.contracts import streams
from agiza.runtime.clock import Clock

pytestmark = pytest.mark.integration

SOCKETS = 1000
AT_ONCE = 20
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
STEPS: list[object] = ["wait_for_prompt", {"say": "Hello."}]


def forgeries(seed: int, used: str) -> Iterator[str]:
    """Tokens of every kind of lie, none of which may be believed. ``used`` is one that a socket was opened with."""
    chance = random.Random(seed)
    good = mint_media_token(payload(), SECRET)
    body, _, signature = good.rpartition(".")
    past = int((Clock().now() - timedelta(seconds=1)).timestamp())

    def word(length: int) -> str:
        return "".join(chance.choices(LETTERS, k=length))

    def one_letter_off(text: str) -> str:
        place = chance.randrange(len(text))
        return text[:place] + chance.choice(LETTERS.replace(text[place], "")) + text[place + 1 :]

    def unsigned(**changes: object) -> str:
        fields = asdict(payload()) | changes
        return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()

    while True:
        yield word(chance.randrange(1, 400))
        yield f"{word(chance.randrange(1, 300))}.{word(43)}"
        yield f"{body}.{word(43)}"
        yield f"{one_letter_off(body)}.{signature}"
        yield f"{unsigned(branch_id='kilimani', exp=4_000_000_000)}.{signature}"
        yield f"{body}."
        yield unsigned()
        yield mint_media_token(payload(), word(40))
        yield mint_media_token(payload(exp=past - chance.randrange(10_000)), SECRET)
        yield sign_call_ref(CallRef("HD_" + str(chance.randrange(10**9)), "westlands", "next-0"), SECRET)
        yield used
        yield word(1100)


async def status_of(world: World, token: str) -> int:
    try:
        socket = await dial(world.url, token)
    except InvalidStatus as refused:
        return refused.response.status_code
    await socket.close()
    return socket.response.status_code if socket.response else 0


async def test_uninvited_sockets_open_no_model_session(redis_url: str, redis_urls: Mapping[str, str]) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS) as world:
        used = world.token()
        invited = await dial(world.url, used)
        await invited.close()
        await world.around.ended()
        sessions = len(world.live.sessions)
        metrics = world.process.metrics
        tokens = forgeries(20_260_306, used)
        statuses: Counter[int] = Counter()
        for _ in range(SOCKETS // AT_ONCE):
            asked = (status_of(world, next(tokens)) for _ in range(AT_ONCE))
            statuses.update(await asyncio.gather(*asked))
        assert statuses == {403: SOCKETS}
        assert len(world.live.sessions) == sessions <= 1
        assert metrics.value("voice_call_active") == 0
        reasons = ("token_malformed", "token_forged", "token_expired", "token_used")
        counted = {reason: metrics.value("voice_media_refused_total", reason=reason) for reason in reasons}
        assert sum(counted.values()) == SOCKETS
        assert all(counted.values()), counted
        spent = [key async for key in world.redis.scan_iter(f"{streams.NONCE_PREFIX}*")]
        assert len(spent) == 1, "a refused token spends nothing"
        again = await dial(world.url, world.token())
        await again.close()
