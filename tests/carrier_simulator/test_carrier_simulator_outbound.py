"""Calls that the carrier places for us, asked for with the product's own REST client; rooms and bridges of two legs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest
from carrier_application import CALLER, NUMBER, STAFF, Application

from agiza.carrier.rest import CarrierApi, PlacedCall, RateLimited, Refused, Waiting, WalletEmpty
from simulators.carrier.caller import Moment, SilentCaller
from simulators.carrier.carrier import Carrier, LiveCall
from simulators.carrier.rest import PlaceRequest, RestDesk
from simulators.carrier.server import make_app
from simulators.carrier.settings import (
    CarrierSettings,
    CustomerAnswers,
    StaffAbsent,
    StaffAnswers,
    StaffBusy,
)
from simulators.carrier.sounds import tone

ABSENT = "+254711000010"
BUSY = "+254711000011"
SECOND = "+254711000012"
ROOM = '<Response><Conference startOnEnter="true" endOnExit="true">room-1</Conference>{}</Response>'
LONG = StaffAnswers(after_s=0.02, says="hi", talk_s=60)


class Beep:
    """A voice that says everything in 100 ms."""

    rate = 16_000

    def synthesize(self, text: str) -> bytes:
        return tone(600, 100, self.rate)


class Humming(SilentCaller):
    """Hums while anybody is there, and hangs up after `together_ms` of company."""

    _hum = tone(300, 20)

    def __init__(self, together_ms: int) -> None:
        super().__init__(30_000)
        self._together_ms = together_ms

    def tick(self, moment: Moment) -> bytes | None:
        if moment.party not in ("staff", "customer"):
            return super().tick(moment)
        self._together_ms -= 20
        return self._hum if self._together_ms > 0 else None


@dataclass
class Setup:
    application: Application
    carrier: Carrier
    api: CarrierApi
    desk: RestDesk

    async def place(self, number: str, request_id: str = "out-0001", url: str = "/out") -> PlacedCall:
        return await self.api.place_call(
            from_number=NUMBER, to_number=number, callback_url=self.application.url(url), request_id=request_id
        )

    async def over(self, placed: PlacedCall) -> LiveCall:
        live = self.carrier.calls[placed.session_id or ""]
        await asyncio.wait_for(live.over.wait(), 20)
        return live

    async def until_posted(self, path: str, state: str) -> None:
        async with asyncio.timeout(20):
            while state not in self.application.states(path):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def base(application: Application) -> CarrierSettings:
    return CarrierSettings(
        voice_url=application.url("/voice"),
        our_numbers=frozenset({NUMBER}),
        customers={CALLER: CustomerAnswers(lambda: Humming(600), after_s=0.02)},
        staff={
            STAFF: StaffAnswers(after_s=0.02, says="hi", talk_s=0.3),
            SECOND: LONG,
            ABSENT: StaffAbsent(),
            BUSY: StaffBusy(0.02),
        },
        ringback=False,
        voice=Beep(),
        ring_scale=0.01,
    )


@pytest.fixture
async def setup(application: Application) -> AsyncIterator[Setup]:
    carrier = Carrier(base(application))
    app = make_app(carrier, api_key="key")
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with CarrierApi(
        "http://carrier", "key", transport=httpx.ASGITransport(app), waiting=Waiting(sleep=sleep)
    ) as api:
        yield Setup(application, carrier, api, app.state.rest)
    await app.state.desk.close()
    assert not [violation for record in carrier.records for violation in record.violations]


async def test_whoever_picks_up_is_asked_for_at_the_calls_own_url(setup: Setup) -> None:
    setup.application.answers = {("/out", "Answered"): "<Response><Say>A customer wants you.</Say></Response>"}
    placed = await setup.place(STAFF)
    assert placed.status == "ringing"
    live = await setup.over(placed)
    first, last = setup.application.requests
    assert first.form == {
        "sessionId": placed.session_id,
        "callerNumber": NUMBER,
        "destinationNumber": STAFF,
        "direction": "outbound",
        "isActive": "1",
        "callSessionState": "Answered",
        "clientRequestId": "out-0001",
    }
    assert (last.form["callSessionState"], last.form["isActive"]) == ("Completed", "0")
    assert "hangupCause" not in last.form
    assert (live.record.ended_by, live.record.ring_outcome) == ("document_end", "answered")
    assert live.record.heard_from("carrier") > 0
    seen = await setup.api.get_call(placed.call_id or "")
    assert seen is not None
    assert seen.is_over


@pytest.mark.parametrize(
    ("number", "status", "cause"), [(BUSY, "busy", "USER_BUSY"), (ABSENT, "no-answer", "NO_ANSWER")]
)
async def test_whoever_does_not_pick_up_is_told_once(setup: Setup, number: str, status: str, cause: str) -> None:
    live = await setup.over(await setup.place(number))
    [post] = setup.application.requests
    assert (post.path, post.form["callSessionState"], post.form["isActive"]) == ("/out", "Completed", "0")
    assert (post.form["dialStatus"], post.form["hangupCause"]) == (status, cause)
    assert (live.status, live.record.answered_ms, live.record.ended_by) == ("failed", None, "not_answered")


async def test_the_first_state_and_the_cause_are_switches(application: Application) -> None:
    carrier = Carrier(replace(base(application), outbound_first_state="Ringing", outbound_cause_posted=False))
    answered = carrier.place(NUMBER, STAFF, application.url("/out"))
    busy = carrier.place(NUMBER, BUSY, application.url("/busy"))
    for live in (answered, busy):
        await asyncio.wait_for(live.over.wait(), 20)
    await carrier.aclose()
    assert application.states("/out") == ["Ringing", "Completed"]
    assert "dialStatus" not in application.requests[-1].form
    assert all("hangupCause" not in request.form for request in application.requests)


async def test_a_call_is_placed_once_however_often_it_is_asked_for(setup: Setup) -> None:
    setup.desk.faults.failing, setup.desk.faults.lost, setup.desk.faults.limited = 1, 1, 1
    first, second = await setup.place(STAFF), await setup.place(STAFF)
    assert first == second
    await setup.over(first)
    assert len(setup.carrier.records) == 1
    with pytest.raises(Refused, match=r"idempotency\.conflict"):
        await setup.place(BUSY)
    assert len(setup.carrier.records) == 1


async def test_one_client_request_id_is_one_call_even_under_another_key(setup: Setup) -> None:
    body = {
        "from": NUMBER,
        "to": [BUSY],
        "voice_callback_url": setup.application.url("/out"),
        "client_request_id": "same",
    }
    one, two = [setup.desk.place(PlaceRequest.model_validate(body), key) for key in ("a", "b")]
    assert one == two
    assert len(setup.carrier.records) == 1


async def test_an_empty_wallet_places_nothing(setup: Setup) -> None:
    setup.desk.wallet_minor = 0
    with pytest.raises(WalletEmpty):
        await setup.place(STAFF)
    assert (await setup.api.wallet()).balance_minor == 0
    assert setup.carrier.records == []
    setup.desk.wallet_minor = 100
    await setup.over(await setup.place(STAFF))


async def test_a_rate_limit_says_how_long(setup: Setup) -> None:
    setup.desk.faults.limited, setup.desk.faults.retry_after_s = 1, 30
    with pytest.raises(RateLimited) as caught:
        await setup.place(STAFF)
    assert caught.value.retry_after_s == 30


@pytest.mark.parametrize(
    ("number", "shown", "url", "status"),
    [
        ("+254700999999", NUMBER, "http://x/", 422),
        ("0711", NUMBER, "http://x/", 422),
        (STAFF, CALLER, "http://x/", 403),
        (STAFF, NUMBER, "", 422),
    ],
)
async def test_a_call_that_cannot_be_is_refused(setup: Setup, number: str, shown: str, url: str, status: int) -> None:
    with pytest.raises(Refused) as caught:
        await setup.api.place_call(from_number=shown, to_number=number, callback_url=url, request_id="out-0002")
    assert caught.value.status == status
    assert caught.value.code.startswith("calls.")
    assert setup.carrier.records == []


@pytest.mark.parametrize("by_session", [True, False])
async def test_a_placed_call_is_hung_up_by_either_id_while_it_talks(setup: Setup, by_session: bool) -> None:
    setup.application.answers = {("/out", "Answered"): ROOM.format("")}
    placed = await setup.place(SECOND)
    await setup.until_posted("/out", "Answered")
    name = (placed.session_id if by_session else placed.call_id) or ""
    assert await setup.api.hang_up(name)
    live = await setup.over(placed)
    assert await setup.api.hang_up(name)
    assert (live.record.ended_by, setup.application.states("/out")) == ("rest", ["Answered", "Completed"])


async def test_a_ringing_phone_stops_when_it_is_hung_up(setup: Setup) -> None:
    setup.carrier.settings = CarrierSettings(
        voice_url="http://x/", our_numbers=frozenset({NUMBER}), staff={ABSENT: StaffAbsent()}
    )
    placed = await setup.place(ABSENT)
    await setup.api.hang_up(placed.call_id or "")
    live = await setup.over(placed)
    assert (live.record.ended_by, live.record.ring_outcome) == ("rest", "caller_gone")
    assert setup.application.states("/out") == ["Completed"]


async def test_two_legs_of_one_room_hear_each_other(setup: Setup) -> None:
    setup.application.answers = {
        ("/out", "Answered"): ROOM.format("<Say>Goodbye.</Say>"),
        ("/back", "Answered"): ROOM.format(""),
    }
    staff = await setup.place(SECOND, "out-staff")
    await setup.until_posted("/out", "Answered")
    customer = await setup.place(CALLER, "out-customer", "/back")
    of_customer, of_staff = (await setup.over(customer)).record, (await setup.over(staff)).record
    [stay], [staffs_stay] = of_customer.rooms, of_staff.rooms
    [met], [staff_met] = stay.met, staffs_stay.met
    assert (met.number, staff_met.number) == (SECOND, CALLER)
    assert staff_met.heard_ms >= 400
    assert met.heard_ms > 0
    assert of_customer.heard_from("staff") > 0
    assert of_staff.heard_from("customer") >= 400
    # The customer left a room that ends on exit: the staff member's document goes on.
    assert (of_customer.ended_by, of_staff.ended_by) == ("caller", "document_end")
    assert of_staff.verbs == ["Conference", "Say"]


async def test_an_inbound_caller_and_a_placed_call_share_a_room(setup: Setup) -> None:
    setup.application.answers = {("/voice", "Ringing"): ROOM.format(""), ("/out", "Answered"): ROOM.format("")}
    staff = await setup.place(STAFF)
    record = await setup.carrier.call(Humming(5_000), "+254711000077", NUMBER)
    of_staff = (await setup.over(staff)).record
    assert [meeting.number for stay in record.rooms for meeting in stay.met] == [STAFF]
    assert of_staff.ended_by == "caller"
    assert record.ended_by == "document_end"


async def test_a_placed_call_dials_a_customer_and_both_talk(setup: Setup) -> None:
    dial = f'<Response><Dial callerId="{NUMBER}" timeout="20"><Number>{CALLER}</Number></Dial></Response>'
    setup.application.answers = {("/out", "Answered"): dial}
    record = (await setup.over(await setup.place(SECOND))).record
    [dialled] = record.dials
    assert (dialled.number, dialled.outcome, record.staff_reached) == (CALLER, "answered", [CALLER])
    assert dialled.caller_heard_ms >= 400
    assert dialled.staff_heard_ms > 0
    assert record.heard_from("customer") >= 400


async def test_calls_are_listed_by_page_and_direction(setup: Setup) -> None:
    for number in range(3):
        await setup.over(await setup.place(BUSY, f"out-{number:04}"))
    app = make_app(setup.carrier, api_key="key")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://carrier") as client:
        client.headers["Authorization"] = "Bearer key"
        first = (await client.get("/v1/calls", params={"direction": "outbound", "limit": 2})).json()
        rest = (await client.get("/v1/calls", params={"limit": 2, "cursor": first["next_cursor"]})).json()
        none = (await client.get("/v1/calls", params={"direction": "inbound"})).json()
    listed = [call["client_request_id"] for call in first["data"] + rest["data"]]
    assert listed == ["out-0000", "out-0001", "out-0002"]
    assert (rest["next_cursor"], none["data"]) == (None, [])
