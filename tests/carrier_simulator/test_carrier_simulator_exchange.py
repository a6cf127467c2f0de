"""One REST interface in front of several carriers that behave differently."""

from __future__ import annotations

import asyncio

import pytest
from carrier_application import Application

from agiza.carrier.rest import CarrierApi, PlacedCall, Refused
from simulators.carrier.carrier import Carrier
from simulators.carrier.exchange import open_exchange
from simulators.carrier.settings import CarrierSettings, StaffAnswers

FIRST, SECOND, STAFF = "+254709000011", "+254709000012", "+254700000001"


def carrier_of(application: Application, number: str) -> Carrier:
    phones = {STAFF: StaffAnswers(after_s=0.02, says="hi", talk_s=30)}
    return Carrier(CarrierSettings(application.url("/voice"), our_numbers=frozenset({number}), staff=phones))


async def place(api: CarrierApi, application: Application, number: str) -> PlacedCall:
    return await api.place_call(
        from_number=number, to_number=STAFF, callback_url=application.url("/out"), request_id=f"out-{number[1:]}"
    )


async def test_a_call_is_placed_by_the_carrier_that_owns_its_number_and_found_by_its_id(
    application: Application,
) -> None:
    application.answers = {("/out", "Answered"): '<Response><Conference startOnEnter="true">r</Conference></Response>'}
    first, second = carrier_of(application, FIRST), carrier_of(application, SECOND)
    async with open_exchange() as exchange, CarrierApi(exchange.url, exchange.api_key) as api:
        with pytest.raises(Refused, match=r"number_not_owned"):
            await place(api, application, FIRST)
        exchange.join(first)
        exchange.join(second)
        placed = [await place(api, application, number) for number in (FIRST, SECOND)]
        assert [len(carrier.records) for carrier in (first, second)] == [1, 1]
        for one in placed:
            seen = await api.get_call(one.call_id or "")
            assert seen is not None
            assert seen.session_id == one.session_id
            assert await api.hang_up(one.session_id or "")
        for carrier in (first, second):
            [live] = carrier.calls.values()
            await asyncio.wait_for(live.over.wait(), 10)
            assert live.record.ended_by == "rest"
        exchange.leave(second)
        assert not await api.hang_up(placed[1].session_id or "")
        with pytest.raises(Refused, match=r"number_not_owned"):
            await place(api, application, SECOND)
    await first.aclose()
    await second.aclose()
