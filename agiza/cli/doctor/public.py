"""The address that the carrier is given: reachable, trusted, and answered by our webhook with our path token.

The request that tells is a POST without a body: with the right path it is refused as no callback, with any other it is
not found. It can open no call.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx

from agiza.carrier.signature import SIGNATURE_HEADER, sign
from agiza.cli.doctor.findings import Finding, failure, ok, warning
from agiza.cli.site import SiteSettings, is_loopback

SUBJECT: Final = "public URL"
DOOR: Final = "voice callback"
TIMEOUT_S: Final = 5.0
CONNECT_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Status of the POST with our path token, and with another."""

    ours: int
    other: int


async def look(site: SiteSettings) -> list[Finding]:
    """Scheme, reachability and token."""
    url = site.agiza_public_url
    if url is None:
        return [
            failure(SUBJECT, "AGIZA_PUBLIC_URL is not set", "set it to the https address that leads to the webhook")
        ]
    findings = [judge_scheme(SUBJECT, url)]
    if site.agiza_path_token is None:
        return [*findings, failure(DOOR, "AGIZA_PATH_TOKEN is not set", "make one with: openssl rand -hex 32")]
    try:
        seen = await _ask(url, site.agiza_path_token.get_secret_value(), site.signing_secrets)
    except httpx.HTTPError as error:
        return [*findings, failure(DOOR, f"not reached from here ({_why(error)})", _mend_of(error))]
    return [*findings, judge(seen)]


async def _ask(url: str, token: str, signing_secrets: Sequence[str]) -> Seen:
    limits = httpx.Timeout(TIMEOUT_S, connect=CONNECT_S)
    async with httpx.AsyncClient(timeout=limits, trust_env=not is_loopback(url), follow_redirects=False) as http:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if signing_secrets:
            headers[SIGNATURE_HEADER] = sign(b"", signing_secrets[0], int(datetime.now(UTC).timestamp()))
        base = f"{url.rstrip('/')}/carrier"
        other = await http.post(f"{base}/{secrets.token_hex(16)}/voice", headers=headers, content=b"")
        ours = await http.post(f"{base}/{token}/voice", headers=headers, content=b"")
        return Seen(ours.status_code, other.status_code)


def judge_scheme(subject: str, url: str) -> Finding:
    """https and wss; anything else is for a simulated carrier on this machine."""
    scheme = url.partition("://")[0]
    if scheme in ("https", "wss"):
        return ok(subject, f"{scheme}")
    if is_loopback(url):
        return warning(subject, f"{scheme} on this machine", "good for the simulators; a carrier cannot reach it")
    return failure(subject, f"{scheme}: callers could be overheard", f"use {'wss' if scheme == 'ws' else 'https'}")


def judge(seen: Seen) -> Finding:
    """What the two statuses mean together."""
    if seen.ours == 400 and seen.other == 404:
        return ok(DOOR, "our path token is known, another is not")
    if seen.ours == 401 and seen.other == 404:
        mend = "give it, and this command, the number's secret in AGIZA_CARRIER_SIGNING_SECRETS"
        return warning(DOOR, "our path token is known; signatures are enforced, and ours is not good", mend)
    if seen.other not in (404, 401, 403):
        mend = "see that /carrier/* of this address leads to the webhook"
        return failure(DOOR, f"another path token is answered {seen.other}: this is not the webhook", mend)
    if seen.ours == 404:
        mend = "give the webhook the same AGIZA_PATH_TOKEN, and see that /carrier/* leads to it"
        return failure(DOOR, "our path token is not known there", mend)
    if seen.ours >= 500:
        return failure(DOOR, f"answers {seen.ours}", "look at the proxy and at the webhook's log")
    return failure(
        DOOR, f"answers {seen.ours}, which the webhook never does", "see that /carrier/* leads to the webhook"
    )


def _why(error: httpx.HTTPError) -> str:
    text = str(error).lower()
    if "certificate" in text:
        return "certificate not trusted"
    return "timeout" if isinstance(error, httpx.TimeoutException) else type(error).__name__


def _mend_of(error: httpx.HTTPError) -> str:
    if "certificate" in str(error).lower():
        return "get a certificate that everybody trusts; the carrier would refuse this one too"
    return "look at DNS, firewall and proxy; from inside its own network an address may be out of reach"
