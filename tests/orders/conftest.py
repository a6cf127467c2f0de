"""Fixtures of the orders tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
from orders_api import api  # noqa: F401 - a fixture
from orders_desk import desk  # noqa: F401 - a fixture

from agiza.runtime.redis_clients import RedisClients, open_redis


@pytest.fixture
async def redis(redis_urls: Mapping[str, str]) -> AsyncIterator[RedisClients]:
    """Redis with the rights of orders."""
    async with open_redis(redis_urls["orders"], service="orders") as clients:
        yield clients
