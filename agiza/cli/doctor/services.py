"""The four services inside the network: alive, and ready for work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from agiza.cli.doctor.findings import Finding, failure, ok, warning
from agiza.cli.site import SiteSettings, is_loopback

TIMEOUT_S: Final = 4.0


def addresses(site: SiteSettings) -> dict[str, str | None]:
    """Each service with where it answers, if that is known."""
    return {
        "webhook": site.agiza_webhook_url,
        "bridge": site.agiza_bridge_url,
        "orders": site.agiza_orders_url,
        "escalation": site.agiza_escalation_url,
    }


def judge_unknown(known: Mapping[str, str | None]) -> list[Finding]:
    """Services that nobody told us the address of."""
    names = [f"AGIZA_{service.upper()}_URL" for service, url in known.items() if url is None]
    if not names:
        return []
    return [warning("services", f"not looked at: {len(names)} of {len(known)}", f"set {', '.join(names)}")]


async def look(service: str, url: str) -> list[Finding]:
    """One service."""
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, trust_env=not is_loopback(url)) as http:
        try:
            alive = (await http.get("/healthz")).status_code
            ready = await http.get("/readyz")
        except httpx.HTTPError as error:
            mend = f"start it, or correct AGIZA_{service.upper()}_URL"
            return [failure(service, f"does not answer ({type(error).__name__})", mend)]
    return [judge(service, alive, ready.status_code, _object(ready))]


def judge(service: str, alive: int, ready: int, answer: Mapping[str, Any]) -> Finding:
    """The statuses of /healthz and /readyz, and what the latter says."""
    if alive != 200:
        return failure(service, f"/healthz answers {alive}", "is this the service's address?")
    if ready == 200:
        return ok(service, "alive and ready")
    checks = answer.get("checks")
    failing = [str(name) for name, passed in checks.items() if passed is False] if isinstance(checks, dict) else []
    phase = answer.get("phase")
    if failing:
        return failure(service, f"alive, but without: {', '.join(failing)}", "mend that, it recovers by itself")
    if phase in ("starting", "draining"):
        return warning(service, f"alive, but {phase}", "wait for it, or look at its log")
    return failure(service, f"/readyz answers {ready}", "look at its log")


def _object(response: httpx.Response) -> Mapping[str, Any]:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
