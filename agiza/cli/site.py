"""The installation that operator commands look after, as its environment describes it.

The variables are those of the services. Here each may be missing: a command says what it needs by name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints

from agiza.carrier.rest import CarrierApi
from agiza.carrier.signature import SignaturePolicy
from agiza.cli.errors import CliError
from agiza.runtime.settings import DatabaseUrl, RedisUrl, Secret, ServiceSettings, SettingsError, read_settings

HttpBase = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+[^\s?#]*$", strip_whitespace=True)]
MediaBase = Annotated[str, StringConstraints(pattern=r"^wss?://[^\s/?#]+[^\s?#]*$", strip_whitespace=True)]


class SiteSettings(ServiceSettings):
    """What the operator's commands read. Nothing is required."""

    database_url: DatabaseUrl | None = None
    redis_url: RedisUrl | None = None
    agiza_internal_token: Secret | None = None
    agiza_token_secret: Secret | None = None
    agiza_path_token: Secret | None = None
    agiza_screen_secret: Secret | None = None
    agiza_public_url: HttpBase | None = None
    agiza_media_url: MediaBase | None = None
    agiza_carrier_api_url: HttpBase | None = None
    """The carrier's REST interface. With the key it is needed to place and end calls and to set routing."""
    agiza_carrier_api_key: SecretStr | None = None
    agiza_carrier_signature: SignaturePolicy = "warn"
    agiza_carrier_signing_secrets: SecretStr = Field(default=SecretStr(""))
    gemini_api_key: SecretStr | None = None
    agiza_live_url: HttpBase | None = None
    agiza_live_ca_file: Path | None = None
    agiza_model: str = "gemini-3.8-live"
    agiza_voice: str = "Kore"
    agiza_branches_dir: Path | None = None
    agiza_dial: bool = True
    agiza_outbound: bool = True
    agiza_webhook_url: HttpBase | None = None
    """Where each service answers inside the network, for its health; the next three likewise."""
    agiza_bridge_url: HttpBase | None = None
    agiza_orders_url: HttpBase | None = None
    agiza_escalation_url: HttpBase | None = None

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """Secrets of the carrier's signature, if any."""
        parts = self.agiza_carrier_signing_secrets.get_secret_value().split(",")
        return tuple(part.strip() for part in parts if part.strip())

    @property
    def voice_url(self) -> str | None:
        """Where the carrier is to ask about calls; None when a part of it is not set."""
        if self.agiza_public_url is None or self.agiza_path_token is None:
            return None
        return f"{self.agiza_public_url.rstrip('/')}/carrier/{self.agiza_path_token.get_secret_value()}/voice"

    def carrier_api(self) -> CarrierApi | None:
        """A client, to be closed by whoever asked; None when URL or key is not set. Raises :class:`ValueError`."""
        if self.agiza_carrier_api_url is None or self.agiza_carrier_api_key is None:
            return None
        return CarrierApi(self.agiza_carrier_api_url, self.agiza_carrier_api_key.get_secret_value())


def read_site() -> SiteSettings:
    """The environment. Raises :class:`CliError` that names each wrong variable."""
    try:
        return read_settings(SiteSettings)
    except SettingsError as error:
        raise CliError("; ".join(error.problems)) from None


def read_what_fits() -> tuple[SiteSettings, tuple[str, ...]]:
    """The environment without the variables that are wrong, and one line for each of those."""
    try:
        return read_settings(SiteSettings), ()
    except SettingsError as error:
        wrong = {re.split(r"[: ]", problem)[0].lower() for problem in error.problems}
        fields = SiteSettings.model_fields
        instead = {name: fields[name].get_default(call_default_factory=True) for name in wrong if name in fields}
        return read_settings(SiteSettings, **instead), error.problems


def need_carrier_api(site: SiteSettings) -> CarrierApi:
    """A client for a command that cannot do without. Raises :class:`CliError`."""
    try:
        api = site.carrier_api()
    except ValueError as error:
        raise CliError(str(error)) from None
    if api is None:
        raise CliError("set AGIZA_CARRIER_API_URL and AGIZA_CARRIER_API_KEY to talk to the carrier")
    return api


def need_voice_url(site: SiteSettings) -> str:
    """The voice URL for a command that cannot do without. Raises :class:`CliError`."""
    if site.voice_url is None:
        raise CliError("set AGIZA_PUBLIC_URL and AGIZA_PATH_TOKEN: they make the URL that the carrier is given")
    return site.voice_url


def is_loopback(url: str) -> bool:
    """Whether this URL leads to this machine: then no proxy of the environment must be asked for it."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def masked(url: str | None) -> str:
    """A callback URL as it may be shown: its last parts hold what keeps strangers out."""
    if url is None:
        return "nothing"
    parts = urlsplit(url)
    words = [word for word in parts.path.split("/") if word]
    shown = "/".join(word if len(word) < 16 else f"{word[:4]}..." for word in words)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}/{shown}"
