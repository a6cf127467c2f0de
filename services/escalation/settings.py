"""What the escalation service needs to know at its start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, HttpUrl, SecretStr, StringConstraints, model_validator

from agiza.carrier.rest import CarrierApi, normalise_key
from agiza.carrier.urls import Urls
from agiza.runtime.settings import DatabaseUrl, Port, RedisUrl, Secret, ServiceSettings
from agiza.runtime.standard_webhooks import key_of

BaseUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+[^\s?#]*$", strip_whitespace=True)]
_TO_PLACE_CALLS = (
    "agiza_carrier_api_url", "agiza_carrier_api_key", "agiza_public_url", "agiza_path_token", "agiza_token_secret",
)  # fmt: skip


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
    agiza_carrier_api_url: BaseUrl | None = None
    """The carrier's REST interface. With it and the next four, calls are placed and ended; all or none are given."""
    agiza_carrier_api_key: SecretStr | None = None
    agiza_public_url: BaseUrl | None = None
    """Under which the carrier reaches the webhook, as the webhook has it."""
    agiza_path_token: Secret | None = None
    agiza_token_secret: Secret | None = None
    agiza_calls_for_customer_day: int = Field(default=40, ge=1)
    """Calls that are placed for one customer in a day, to them or to staff about them."""
    agiza_carrier_silent_s: float = Field(default=4.0, ge=0.5, le=30)
    """A carrier that has not asked again so long after a stream ended is silent. 1 where a probe found R3."""
    agiza_staff_webhook_url: BaseUrl | None = None
    """The branches' own system, which is told of each hand-off."""
    agiza_staff_webhook_secret: SecretStr | None = None
    """``whsec_`` and base64: with it the requests to that system are signed (Standard Webhooks)."""

    def carrier_api(self) -> CarrierApi | None:
        """A client, to be closed by whoever asked."""
        if self.agiza_carrier_api_url is None or self.agiza_carrier_api_key is None:
            return None
        return CarrierApi(self.agiza_carrier_api_url, self.agiza_carrier_api_key.get_secret_value())

    def urls(self) -> Urls | None:
        """What the carrier is given with a call of ours."""
        if self.agiza_public_url is None or self.agiza_path_token is None or self.agiza_token_secret is None:
            return None
        return Urls(
            public=self.agiza_public_url,
            media="",
            path_token=self.agiza_path_token.get_secret_value(),
            secret=self.agiza_token_secret.get_secret_value(),
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.agiza_screen_secret is not None and self.agiza_orders_url is None:
            raise ValueError("AGIZA_ORDERS_URL is not set, but the page of hand-offs needs it")
        missing = [name.upper() for name in _TO_PLACE_CALLS if getattr(self, name) is None]
        if self.agiza_carrier_api_url is not None and missing:
            raise ValueError(
                f"AGIZA_CARRIER_API_URL is set, so calls can be placed; that needs {', '.join(missing)} too"
            )
        if self.agiza_carrier_api_url is not None:
            self._check_key()
        if (self.agiza_staff_webhook_url is None) is not (self.agiza_staff_webhook_secret is None):
            raise ValueError("AGIZA_STAFF_WEBHOOK_URL and AGIZA_STAFF_WEBHOOK_SECRET are given together or not at all")
        if self.agiza_staff_webhook_secret is not None:
            try:
                key_of(self.agiza_staff_webhook_secret.get_secret_value())
            except ValueError as error:
                raise ValueError(f"AGIZA_STAFF_WEBHOOK_SECRET: {error}") from None
        return self

    def _check_key(self) -> None:
        assert self.agiza_carrier_api_key is not None, "checked before"
        try:
            normalise_key(self.agiza_carrier_api_key.get_secret_value())
        except ValueError as error:
            raise ValueError(f"AGIZA_CARRIER_API_KEY: {error}") from None
