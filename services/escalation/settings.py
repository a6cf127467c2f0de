"""What the escalation service needs to know at its start."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import HttpUrl, model_validator

from agiza.runtime.settings import DatabaseUrl, Port, RedisUrl, Secret, ServiceSettings


class EscalationSettings(ServiceSettings):
    """Environment of ``python -m services.escalation``."""

    database_url: DatabaseUrl
    redis_url: RedisUrl
    agiza_internal_token: Secret
    """Bearer token of the routes that show hand-offs."""
    agiza_branches_dir: Path
    """Branch files, whose staff becomes the roster at the start."""
    agiza_screen_secret: Secret | None = None
    """From which each branch's key for its screens is derived. Without, there is no page of hand-offs."""
    agiza_orders_url: HttpUrl | None = None
    """Internal address of orders, which keeps the carts that people finish on the page."""
    agiza_https: bool = True
    """Whether browsers reach the page by https; then its cookie is never sent otherwise."""
    agiza_host: str = "127.0.0.1"
    agiza_port: Port = 8080
    agiza_arq: bool = True
    """Whether this process also works on the jobs. Without, the sweeper does all, a little later."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.agiza_screen_secret is not None and self.agiza_orders_url is None:
            raise ValueError("AGIZA_ORDERS_URL is not set, but the page of hand-offs needs it")
        return self
