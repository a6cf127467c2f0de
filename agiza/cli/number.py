"""``agiza number route``: make the carrier bring a number's calls here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from agiza.carrier.errors import CarrierApiError
from agiza.carrier.rest import CarrierApi
from agiza.carrier.routing import DIALECTS, NotRouted, OwnNumber, Routed, Routing, route
from agiza.cli.branches import branch_to_call
from agiza.cli.errors import CliError
from agiza.cli.site import SiteSettings, masked, need_carrier_api, need_voice_url


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """The options of ``agiza number route``, as typed."""

    number: str
    branch: str
    apply: bool
    branches: Path


async def route_number(options: RouteOptions, site: SiteSettings, console: Console) -> int:
    """Say what is set now and what would be; with ``apply`` set it and read it back. Raises :class:`CliError`."""
    branch = branch_to_call(options.branches, options.branch).branch
    if branch.phone != options.number:
        raise CliError(
            f"{branch.id} has the number {branch.phone} in its branch file: calls to another number would be refused"
        )
    voice_url = need_voice_url(site)
    wanted = Routing(voice_url, voice_url)
    async with need_carrier_api(site) as api:
        number = await number_of(api, options.number)
        console.print(f"{number.e164} ({number.status}) of {branch.name}", highlight=False)
        console.print(
            f"  voice   {_change(number.routing.voice_callback_url, wanted.voice_callback_url)}", highlight=False
        )
        console.print(f"  events  {_change(number.routing.events_url, wanted.events_url)}", highlight=False)
        if number.routing == wanted:
            console.print("nothing to do: its calls come here already")
            return 0
        if not options.apply:
            console.print("would try, until one reads back:")
            for dialect in DIALECTS:
                console.print(f"  {dialect}", highlight=False, soft_wrap=True)
            console.print("nothing was changed; add --apply to do it")
            return 0
        routed = await apply_routing(api, number, wanted)
        console.print(f"done and read back: {routed.dialect}", highlight=False, soft_wrap=True)
        return 0


async def number_of(api: CarrierApi, e164: str) -> OwnNumber:
    """The workspace's number. Raises :class:`CliError` with those there are."""
    try:
        numbers = await api.numbers()
    except CarrierApiError as error:
        raise CliError(f"the carrier does not list the numbers: {explain(error)}") from None
    found = next((number for number in numbers if number.e164 == e164), None)
    if found is None:
        there = ", ".join(sorted(number.e164 for number in numbers)) or "none"
        raise CliError(f"the carrier's workspace does not have {e164}; it has: {there}")
    return found


async def apply_routing(api: CarrierApi, number: OwnNumber, wanted: Routing) -> Routed:
    """Set it. Raises :class:`CliError` that says what to do by hand instead."""
    try:
        return await route(api, number, wanted)
    except NotRouted as error:
        tried = "".join(f"\n  {line}" for line in error.tried)
        raise CliError(
            f"the carrier took none of the known requests; set both URLs in its console. Tried:{tried}"
        ) from None
    except CarrierApiError as error:
        raise CliError(f"the routing may be changed in part, look again: {explain(error)}") from None


def explain(error: CarrierApiError) -> str:
    """A failure of the carrier's, with what to mend."""
    hints = {
        401: "the API key is not valid: make a new one in the carrier's console",
        402: "the wallet is empty: top it up",
        403: "the API key may not do this: give it the scopes for numbers, calls and wallet",
        404: "the carrier does not have this: look at AGIZA_CARRIER_API_URL",
        429: "the carrier asks for fewer requests: try again later",
    }
    hint = hints.get(error.status or 0)
    if hint is None and error.retryable:
        hint = "it could not be reached: look at AGIZA_CARRIER_API_URL and at the carrier's status page"
    return f"{error}{f'; {hint}' if hint else ''}"


def _change(now: str | None, wanted: str | None) -> str:
    return f"{masked(now)} (stays)" if now == wanted else f"{masked(now)} -> {masked(wanted)}"
