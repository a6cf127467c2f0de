"""The environment, as each of the services would read it, and whether its secrets are worth the name."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Final

from agiza.cli.doctor.findings import Finding, failure, ok, warning
from agiza.cli.site import SiteSettings
from agiza.runtime.settings import ServiceSettings, SettingsError, read_settings
from services.bridge.settings import BridgeSettings
from services.escalation.settings import EscalationSettings
from services.orders.settings import OrdersSettings
from services.webhook.settings import WebhookSettings

SERVICES: Final[Mapping[str, type[ServiceSettings]]] = {
    "webhook": WebhookSettings,
    "bridge": BridgeSettings,
    "orders": OrdersSettings,
    "escalation": EscalationSettings,
}
SECRETS: Final = (
    "agiza_internal_token",
    "agiza_token_secret",
    "agiza_path_token",
    "agiza_screen_secret",
    "agiza_webhook_password",
    "agiza_bridge_password",
    "agiza_orders_password",
    "agiza_escalation_password",
)
SIGNING: Final = "AGIZA_CARRIER_SIGNING_SECRETS"
DIFFERENT_CHARS_MIN: Final = 10
"""32 random hex digits have fewer than this once in some ten thousand times; a typed phrase of patterns usually."""
_COMMON: Final = re.compile(r"change.?me|password|secret|example|12345|qwerty|agiza", re.IGNORECASE)


def look_at_services() -> list[Finding]:
    """One finding per service, with each of its variables that is missing or wrong by its name."""
    findings = []
    for service, settings in SERVICES.items():
        subject = f"settings of {service}"
        try:
            read_settings(settings)
        except SettingsError as error:
            count = len(error.problems)
            seen = f"{count} of {len(settings.model_fields)} variables {'is' if count == 1 else 'are'} missing or wrong"
            findings.append(failure(subject, seen, "; ".join(error.problems)))
        else:
            findings.append(ok(subject, f"{len(settings.model_fields)} variables, all fit"))
    return findings


def judge_secrets(secrets: Mapping[str, str]) -> list[Finding]:
    """Secrets by variable: none guessable, none used twice."""
    if not secrets:
        return [warning("secrets", "none is set here", "run this with the environment of the services")]
    findings = [
        failure("secrets", f"{name} can be guessed", "make a new one with: openssl rand -hex 32")
        for name, secret in secrets.items()
        # Signing secrets are made by the carrier.
        if not name.startswith(SIGNING) and (len(set(secret)) < DIFFERENT_CHARS_MIN or _COMMON.search(secret))
    ]
    findings += [
        failure("secrets", f"{first} and {second} are the same", "give each its own: one that leaks opens the other")
        for first, second in itertools.combinations(secrets, 2)
        if secrets[first] == secrets[second]
    ]
    return findings or [ok("secrets", f"{len(secrets)}, all different, none guessable")]


def judge_oddities(site: SiteSettings, wrong: tuple[str, ...]) -> list[Finding]:
    """What no service refuses, but nobody wants where callers ring; and what only the commands read."""
    findings = [failure("settings", problem, "correct this variable") for problem in wrong]
    if site.agiza_now is not None:
        findings.append(failure("settings", "AGIZA_NOW sets the clock to another moment", "take it out: tests only"))
    if site.agiza_log_pii:
        findings.append(
            warning("settings", "AGIZA_LOG_PII writes callers' words and numbers to the logs", "take it out")
        )
    if not site.agiza_dial:
        findings.append(
            warning("settings", "AGIZA_DIAL=false: nobody is ever rung", "set it to true when people may be")
        )
    return findings


def secrets_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The shared secrets of this environment by variable, and the carrier's signing secrets."""
    names = [name.upper() for name in SECRETS]
    found = {name: environment[name] for name in names if environment.get(name)}
    signing = [part.strip() for part in environment.get(SIGNING, "").split(",")]
    return found | {f"{SIGNING}[{at}]": part for at, part in enumerate(signing) if part}
