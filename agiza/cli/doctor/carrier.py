"""The carrier's REST interface: the key, the wallet, and where each branch's number is routed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from agiza.carrier.errors import CarrierApiError
from agiza.carrier.rest import CarrierApi, Wallet, normalise_key
from agiza.carrier.routing import OwnNumber
from agiza.cli.doctor.findings import Finding, failure, ok, warning
from agiza.cli.number import explain
from agiza.cli.site import SiteSettings, masked
from agiza.domain.menu import BranchFile

KEY: Final = "carrier key"
WALLET: Final = "wallet"
WALLET_LOW_MINOR: Final = 50_000
"""500 shillings: some two hours of one ring-back after the other."""


async def look(site: SiteSettings, branches: Sequence[BranchFile]) -> list[Finding]:
    """Key, wallet and routing, as far as each can be asked."""
    if site.agiza_carrier_api_url is None or site.agiza_carrier_api_key is None:
        names = "AGIZA_CARRIER_API_URL and AGIZA_CARRIER_API_KEY"
        return [warning(KEY, "wallet and routing are not looked at", f"set {names}")]
    try:
        api = site.carrier_api()
    except ValueError as error:
        return [failure(KEY, str(error), "paste the key as the carrier's console shows it")]
    assert api is not None, "both are set"
    async with api:
        wallet, numbers = await asyncio.gather(_wallet(api), _numbers(api))
    refused = next(
        (each for each in (wallet, numbers) if isinstance(each, CarrierApiError) and each.status == 401), None
    )
    if refused is not None:
        return [failure(KEY, "refused (401)", "make a new key in the carrier's console")]
    found = [judge_key(site.agiza_carrier_api_key.get_secret_value())]
    found.append(_broken(WALLET, wallet) if isinstance(wallet, CarrierApiError) else judge_wallet(wallet))
    if isinstance(numbers, CarrierApiError):
        return [*found, _broken("routing", numbers)]
    return [*found, *(judge_routing(branch, numbers, site.voice_url) for branch in branches)]


async def _wallet(api: CarrierApi) -> Wallet | CarrierApiError:
    try:
        return await api.wallet()
    except CarrierApiError as error:
        return error


async def _numbers(api: CarrierApi) -> tuple[OwnNumber, ...] | CarrierApiError:
    try:
        return await api.numbers()
    except CarrierApiError as error:
        return error


def _broken(subject: str, error: CarrierApiError) -> Finding:
    return failure(
        subject, f"the carrier does not say ({error})", explain(error).partition("; ")[2] or "try again later"
    )


def judge_key(pasted: str) -> Finding:
    """A key that was accepted, as it stands in the environment."""
    if pasted != normalise_key(pasted):
        return ok(KEY, "accepted, without the quotes, name or Bearer that were pasted with it")
    return ok(KEY, "accepted")


def judge_wallet(wallet: Wallet) -> Finding:
    """An empty one places no call, so nobody is rung back."""
    seen = f"{wallet.currency} {wallet.balance_minor / 100:,.2f}".strip()
    if wallet.balance_minor <= 0:
        return failure(WALLET, f"empty ({seen})", "top it up: no call can be placed")
    if wallet.balance_minor < WALLET_LOW_MINOR:
        return warning(WALLET, f"low ({seen})", "top it up soon")
    return ok(WALLET, seen)


def judge_routing(branch: BranchFile, numbers: Sequence[OwnNumber], voice_url: str | None) -> Finding:
    """Whether the calls of this branch's number come to us, and its stream edges too."""
    subject = f"routing of {branch.branch.id}"
    if voice_url is None:
        return failure(subject, "our own voice URL is not known", "set AGIZA_PUBLIC_URL and AGIZA_PATH_TOKEN")
    number = next((each for each in numbers if each.e164 == branch.branch.phone), None)
    if number is None:
        return failure(subject, "the workspace does not have its number", "claim it, or correct the branch file")
    mend = f"run agiza number route NUMBER --branch {branch.branch.id} --apply"
    routing = number.routing
    if routing.voice_callback_url != voice_url:
        return failure(subject, f"calls go to {masked(routing.voice_callback_url)}", mend)
    if routing.events_url not in (None, voice_url):
        return failure(subject, f"stream edges go elsewhere: {masked(routing.events_url)}", mend)
    if number.status != "active":
        return warning(subject, f"comes here, but its status is {number.status}", "look at it in the carrier's console")
    return ok(subject, "comes here")
