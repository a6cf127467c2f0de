"""What the webhook needs to know at its start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints, model_validator

from agiza.carrier.documents import CarrierFormat
from agiza.carrier.signature import SignaturePolicy
from agiza.runtime.price_settings import CarrierPriceSettings
from agiza.runtime.settings import DatabaseUrl, Port, RedisUrl, Secret
from services.webhook.admission_rules import Limits

BaseUrl = Annotated[str, StringConstraints(pattern=r"^(https?|wss?)://[^\s/?#]+[^\s?#]*$", strip_whitespace=True)]


class WebhookSettings(CarrierPriceSettings):
    """Environment of ``python -m services.webhook``."""

    database_url: DatabaseUrl
    redis_url: RedisUrl
    agiza_internal_token: Secret
    """Bearer token of the routes that show calls."""
    agiza_public_url: BaseUrl
    """Under which the carrier reaches us; the URLs in our documents begin with it."""
    agiza_media_url: BaseUrl
    """Under which the carrier reaches the bridges; ``ws://`` on this machine or inside a container network only."""
    agiza_token_secret: Secret
    """Signs media tokens and callback URLs; the bridge has the same."""
    agiza_path_token: Secret
    """The unguessable part of the carrier's URLs."""
    agiza_branches_dir: Path
    """Branch files, the copy of the directory for when the database is away."""
    agiza_host: str = "127.0.0.1"
    agiza_port: Port = 8080
    agiza_dial: bool = True
    """Whether anybody may be dialled at all. `agiza dial off` does the same in a running system."""
    agiza_dials_per_caller_day: int = Field(default=12, ge=1)
    """More Dials than this for one caller in a day is fraud or a fault, and is not served. The hourly limit of a branch
    stands in its file."""
    agiza_outbound: bool = True
    """Whether a call back may be promised, as long as the escalation service says that it can place calls."""
    agiza_calls_per_caller: int = Field(default=60, ge=0)
    """More calls than this of one number within ten minutes are not given to the agent; 0 means no limit. A caller who
    is cut off calls again, so no less than 6."""
    agiza_calls_per_branch: int = Field(default=0, ge=0)
    """Calls with the agent of one branch at once; more go to people. 0 means no limit, as in the next three."""
    agiza_model_sessions: int = Field(default=0, ge=0)
    """The model's quota of sessions at once, of all branches; nine tenths of it are used."""
    agiza_calls_per_day: int = Field(default=0, ge=0)
    """Calls that the agent takes in a day (UTC), of all branches: the budget."""
    agiza_minutes_per_day: int = Field(default=0, ge=0)
    """The same in minutes with the model."""
    agiza_in_flight_per_source: int = Field(default=200, ge=1)
    """Requests of one address that are worked on at once; behind a proxy, of all."""
    agiza_carrier_format: CarrierFormat = "xml"
    agiza_carrier_signature: SignaturePolicy = "warn"
    agiza_carrier_signing_secrets: SecretStr = Field(default=SecretStr(""))
    """Comma-separated; without any, signatures cannot be judged and are not looked at."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.agiza_public_url.startswith(("http://", "https://")):
            raise ValueError("AGIZA_PUBLIC_URL must begin with https:// or http://")
        if not self.agiza_media_url.startswith(("ws://", "wss://")):
            raise ValueError("AGIZA_MEDIA_URL must begin with wss://")
        if self.agiza_media_url.startswith("ws://") and not _is_local(self.agiza_media_url):
            raise ValueError("AGIZA_MEDIA_URL must begin with wss://: callers are heard on it")
        if self.agiza_carrier_signature == "enforce" and not self.signing_secrets:
            raise ValueError("AGIZA_CARRIER_SIGNING_SECRETS is not set, so no request could pass")
        return self

    @property
    def admission_limits(self) -> Limits:
        """Above which of these a call goes to people."""
        return Limits(
            caller_calls=self.agiza_calls_per_caller,
            branch_calls=self.agiza_calls_per_branch,
            model_sessions=self.agiza_model_sessions,
            day_calls=self.agiza_calls_per_day,
            day_minutes=self.agiza_minutes_per_day,
        )

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """Secrets of the carrier's signature, if any."""
        parts = self.agiza_carrier_signing_secrets.get_secret_value().split(",")
        return tuple(part.strip() for part in parts if part.strip())


def _is_local(url: str) -> bool:
    """This machine, or a name without a dot: such a name is one of a container network, never of the internet."""
    host = urlsplit(url).hostname or ""
    return re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None or host == "::1" or "." not in host
