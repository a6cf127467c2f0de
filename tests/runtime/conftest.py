"""What the tests of the runtime share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest

from agiza.runtime.redis_clients import RedisClients, open_redis


@pytest.fixture
async def orders(redis_urls: Mapping[str, str]) -> AsyncIterator[RedisClients]:
    """Redis with the rights of orders."""
    async with open_redis(redis_urls["orders"], service="orders") as clients:
        yield clients
