"""What the escalation service needs to know at its start."""

from __future__ import annotations

from pathlib import Path

from agiza.runtime.settings import DatabaseUrl, Port, RedisUrl, Secret, ServiceSettings


class EscalationSettings(ServiceSettings):
    """Environment of ``python -m services.escalation``."""

    database_url: DatabaseUrl
    redis_url: RedisUrl
    agiza_internal_token: Secret
    """Bearer token of the routes that show hand-offs."""
    agiza_branches_dir: Path
    """Branch files, whose staff becomes the roster at the start."""
    agiza_host: str = "127.0.0.1"
    agiza_port: Port = 8080
    agiza_arq: bool = True
    """Whether this process also works on the jobs. Without, the sweeper does all, a little later."""
