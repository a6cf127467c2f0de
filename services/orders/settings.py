"""What the orders service needs to know at its start."""

from __future__ import annotations

from pathlib import Path

from agiza.runtime.settings import DatabaseUrl, Port, RedisUrl, Secret, ServiceSettings


class OrdersSettings(ServiceSettings):
    """Environment of ``python -m services.orders``."""

    database_url: DatabaseUrl
    redis_url: RedisUrl
    agiza_internal_token: Secret
    """Bearer token of the internal routes: tool calls over HTTP, menus by version, reading orders."""
    agiza_branches_dir: Path
    """Branch files that are published at the start."""
    agiza_host: str = "127.0.0.1"
    agiza_port: Port = 8080
