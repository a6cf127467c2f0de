"""What our bridge needs around it: a real Redis with the bridge's own rights, and an ``orders`` that knows a menu."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import FastAPI

from agiza.carrier.tokens import MEDIA_TOKEN_SECONDS, MediaTokenPayload, mint_media_token
from agiza.cli.stack import BRANCHES
from agiza.runtime.branch_files import load_branch_file
from agiza.runtime.clock import Clock
from agiza.runtime.embedded import embedded_redis
from agiza.runtime.http import HttpServer
from agiza.runtime.redis_users import create_users, user_url
from agiza.runtime.traces import Trace

BRANCH: str = "westlands"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Addresses, and the secret that both sides know."""

    redis_url: str
    orders_url: str
    token_secret: str

    def media_path(self) -> str:
        """Where a new call's media socket goes: the token is good for one."""
        payload = MediaTokenPayload(
            call_id=f"HD_{secrets.token_hex(8)}",
            branch_id=BRANCH,
            menu_version=1,
            epoch=0,
            exp=int((Clock().now() + timedelta(seconds=MEDIA_TOKEN_SECONDS)).timestamp()),
            nonce=secrets.token_hex(12),
            lang="en",
            withheld=False,
            trace=str(Trace.new()),
        )
        return f"/media/{mint_media_token(payload, self.token_secret)}"


@contextlib.asynccontextmanager
async def surroundings() -> AsyncIterator[Surroundings]:
    """Both servers, for as long as the block runs."""
    password = secrets.token_hex(16)
    stopping = asyncio.Event()
    with embedded_redis() as redis:
        await asyncio.to_thread(create_users, redis.url, {"bridge": password})
        orders = HttpServer(_orders(), host="127.0.0.1", port=0)
        serving = asyncio.create_task(orders.run(stopping))
        try:
            yield Surroundings(
                redis_url=user_url(redis.url, "bridge", password),
                orders_url=f"http://127.0.0.1:{orders.port}",
                token_secret=secrets.token_hex(24),
            )
        finally:
            stopping.set()
            await serving


def _orders() -> FastAPI:
    app = FastAPI()
    document = load_branch_file(BRANCHES / f"{BRANCH}.yaml").document

    @app.get("/internal/branches/{branch_id}/menus/{version}")
    async def menu(branch_id: str, version: int) -> dict[str, Any]:
        return {"branch_id": branch_id, "version": version, "document": document}

    @app.post("/internal/calls/{call_id}/open")
    async def open_call(call_id: str) -> dict[str, Any]:
        return {"call_id": call_id, "resumed": "none"}

    return app
