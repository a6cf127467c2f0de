"""What the bridge is told by its environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from agiza.runtime.price_settings import CarrierPriceSettings, ModelPriceSettings
from agiza.runtime.settings import Port, RedisUrl, Secret


class BridgeSettings(ModelPriceSettings, CarrierPriceSettings):
    """One bridge replica."""

    redis_url: RedisUrl
    agiza_host: str = "127.0.0.1"
    agiza_port: Port = 0
    agiza_token_secret: Secret
    """Signs media tokens; the webhook has the same one."""
    agiza_internal_token: Secret
    """Bearer for the internal HTTP API of ``orders``."""
    agiza_orders_url: Annotated[str, Field(pattern=r"^https?://")]
    gemini_api_key: SecretStr
    agiza_live_url: Annotated[str, Field(pattern=r"^https://")] | None = None
    """Base URL of another Live server than Google's. TLS only: the SDK speaks nothing else."""
    agiza_live_ca_file: Path | None = None
    """Certificate authority of that server."""
    agiza_model: str = "gemini-3.8-live"
    agiza_voice: str = "Kore"
    agiza_bridge_slots: Annotated[int, Field(ge=1, le=1000)] = 100
    """Calls at once; more are refused before the upgrade."""
    agiza_opening_per_source: Annotated[int, Field(ge=1, le=400)] = 100
    """Media sockets of one address whose handshake is not over, at once; behind a proxy, of all."""
    agiza_drain_s: Annotated[float, Field(ge=0, le=3600)] = 15 * 60
    """How long live calls may go on after SIGTERM."""
    agiza_record_calls: Annotated[int, Field(ge=0, le=10_000)] = 0
    """So many of the last calls are recorded, for going through them again; 0 is none. Personal data."""
    agiza_record_folder: Path = Path("recorded")
    """Where recordings lie, for a day at most."""
