"""What the orders service needs to know at its start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from agiza.runtime.settings import DatabaseUrl, Port, RedisUrl, Secret, ServiceSettings
from services.orders.webhooks.addresses import AllowList


def _allow_list(value: object) -> object:
    return AllowList.parse(value) if isinstance(value, str) else value


class OrdersSettings(ServiceSettings):
    """Environment of ``python -m services.orders``."""

    database_url: DatabaseUrl
    redis_url: RedisUrl
    agiza_internal_token: Secret
    """Bearer token of the internal routes: tool calls over HTTP, menus by version, reading orders."""
    agiza_branches_dir: Path
    """Branch files that are published at the start."""
    agiza_api_per_second: float = Field(default=20.0, gt=0, le=1000)
    """So many requests of the orders API one key may send in the long run, to each replica."""
    agiza_api_burst: int = Field(default=100, ge=1, le=10_000)
    """So many of them at once."""
    agiza_screen_secret: Secret | None = None
    """From which each branch's key for its screens is derived. Without, there is no kitchen screen."""
    agiza_https: bool = True
    """Whether browsers reach the screen by https; then its cookie is never sent otherwise."""
    agiza_webhook_allow: Annotated[AllowList, NoDecode, BeforeValidator(_allow_list)] = AllowList()
    """Hosts and ranges inside the network to which webhooks may go: ``pos.lan:8443, 10.20.0.0/16:443``."""
    agiza_host: str = "127.0.0.1"
    agiza_port: Port = 8080
