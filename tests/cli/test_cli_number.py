"""``agiza number route`` against the simulated carrier's REST interface."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from carrier_desk import BRANCHES, PATH_TOKEN, PHONES, CarrierDesk, carrier_desk
from pydantic import SecretStr
from rich.console import Console

from agiza.carrier.routing import DIALECTS, RoutingDialect
from agiza.cli.errors import CliError
from agiza.cli.number import RouteOptions, route_number
from agiza.cli.site import masked
from simulators.carrier.settings import CarrierSettings

NUMBER = PHONES["westlands"]
VOICE = f"https://orders.example.co.ke/carrier/{PATH_TOKEN}/voice"


@pytest.fixture
async def desk() -> AsyncIterator[CarrierDesk]:
    async with carrier_desk(CarrierSettings(voice_url="http://127.0.0.1:9/")) as desk:
        yield desk


def options(*, apply: bool = True, number: str = NUMBER, branch: str = "westlands") -> RouteOptions:
    return RouteOptions(number, branch, apply, BRANCHES)


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=200, quiet=False, file=open("/dev/null", "w"))


async def test_without_apply_nothing_is_asked_but_the_present_state(desk: CarrierDesk, console: Console) -> None:
    assert await route_number(options(apply=False), desk.site(), console) == 0
    said = console.export_text()
    assert desk.numbers.asked == []
    assert "nothing was changed; add --apply" in said
    assert f"{NUMBER} (active)" in said
    assert PATH_TOKEN not in said, "the screen may be shared"


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
async def test_the_number_is_routed_in_whichever_spelling_works(
    desk: CarrierDesk, console: Console, dialect: RoutingDialect
) -> None:
    desk.takes(dialect)
    assert await route_number(options(), desk.site(), console) == 0
    assert desk.number("westlands").voice_callback_url == VOICE
    assert desk.number("westlands").events_url == VOICE, "stream edges go where answers are carried out"
    assert desk.number("kilimani").voice_callback_url is None
    assert str(dialect) in console.export_text()
    asked = list(desk.numbers.asked)
    assert await route_number(options(), desk.site(), console) == 0
    assert desk.numbers.asked == asked, "a second time there is nothing to do"


@pytest.mark.parametrize("swallows", [False, True])
async def test_a_carrier_that_takes_no_spelling_is_said_to(desk: CarrierDesk, console: Console, swallows: bool) -> None:
    desk.takes(None)
    desk.numbers.swallows = swallows
    with pytest.raises(CliError, match="set both URLs in its console") as caught:
        await route_number(options(), desk.site(), console)
    assert PATH_TOKEN not in str(caught.value)
    assert len(desk.numbers.asked) == len(DIALECTS)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"agiza_carrier_api_key": None}, "set AGIZA_CARRIER_API_URL and AGIZA_CARRIER_API_KEY"),
        ({"agiza_carrier_api_key": SecretStr("wrong")}, "the API key is not valid"),
        ({"agiza_carrier_api_url": "http://127.0.0.1:9"}, "could not be reached"),
        ({"agiza_public_url": None}, "set AGIZA_PUBLIC_URL and AGIZA_PATH_TOKEN"),
    ],
)
async def test_what_is_missing_or_wrong_is_named(
    desk: CarrierDesk, console: Console, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(CliError, match=says):
        await route_number(options(), desk.site(**changes), console)
    assert desk.numbers.asked == []


async def test_only_the_branchs_own_number_is_routed_to_it(desk: CarrierDesk, console: Console) -> None:
    with pytest.raises(CliError, match="calls to another number would be refused"):
        await route_number(options(number=PHONES["kilimani"]), desk.site(), console)
    del desk.numbers.numbers[NUMBER]
    with pytest.raises(CliError, match=r"does not have \+254.*it has: \+254"):
        await route_number(options(), desk.site(), console)


def test_a_shown_url_keeps_its_secret() -> None:
    assert masked(VOICE) == "https://orders.example.co.ke/carrier/path.../voice"
    assert masked(None) == "nothing"
