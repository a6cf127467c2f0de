"""The webhook under a simulated carrier that behaves in every way it was seen or read to: escalation ends in one call
to the chosen person, and nobody else's phone ever rings.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import product

import pytest
from webhook_desk import CALLER, OUR_NUMBER, PATH_TOKEN, Start, Webhook, noon
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from agiza.carrier.tokens import check_media_token
from simulators.carrier.caller import SilentCaller
from simulators.carrier.carrier import Carrier
from simulators.carrier.record import CallRecord
from simulators.carrier.settings import CarrierSettings, StaffAnswers, StaffBusy, StreamEnd

FRONT, MANAGER = "+254700000001", "+254700000002"
ALL_STATES = frozenset({"Ringing", "StreamStarted", "StreamStopped", "DialCompleted", "Completed"})


class Bridge:
    """Takes the media socket, escalates to the manager, and leaves."""

    def __init__(self, secret: str) -> None:
        self.port = 0
        self.webhook: Webhook | None = None
        self.outcome: str | None = None
        self._secret = secret

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async with serve(self._media, "127.0.0.1", 0, select_subprotocol=_select, compression=None) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield

    async def _media(self, socket: ServerConnection) -> None:
        assert self.webhook is not None
        assert socket.request is not None
        token = socket.request.path.removeprefix("/media/")
        call = check_media_token(token, [self._secret], self.webhook.process.clock.now())
        await asyncio.sleep(0.1)
        if self.outcome is None:
            await self.webhook.rows(
                "INSERT INTO handoffs (handoff_id, call_id, leg_epoch, branch_id, contact_id, contact_phone, reason,"
                " state, traceparent, requested_at, updated_at) VALUES (%s, %s, 0, 'westlands', 'manager', %s,"
                " 'caller_asked', 'requested', 't', now(), now())",
                f"handoff-{call.call_id}",
                call.call_id,
                MANAGER,
            )
        else:
            await self.webhook.rows("UPDATE calls SET outcome = %s WHERE call_id = %s", self.outcome, call.call_id)
        await socket.close(1000)


def _select(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((name for name in offered if name == "audio.drachtio.org"), None)


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    running = Bridge("token-secret-of-the-tests-0123456789")
    async with running.listening():
        yield running


@contextlib.asynccontextmanager
async def open_webhook(start: Start, bridge: Bridge, media: str | None = None) -> AsyncIterator[Webhook]:
    """A webhook whose URLs lead to itself and to this bridge."""
    media = media or f"ws://127.0.0.1:{bridge.port}"
    async with start(noon(), agiza_public_url="itself", agiza_media_url=media) as webhook:
        bridge.webhook = webhook
        yield webhook


class Beep:
    """The carrier's voice, short: nobody listens here."""

    rate = 16_000

    def synthesize(self, text: str) -> bytes:
        return b"\x00\x20" * (self.rate // 5)


async def ring(settings: CarrierSettings, *, patience_s: int = 20) -> CallRecord:
    carrier = Carrier(settings)
    try:
        return await carrier.call(SilentCaller(patience_s * 1000), CALLER, OUR_NUMBER)
    finally:
        await carrier.aclose()


def carriers(webhook: Webhook) -> list[CarrierSettings]:
    """Both readings in which the carrier asks again, with every other habit."""
    voice = f"{webhook.process.url.result()}/carrier/{PATH_TOKEN}/voice"
    plain = CarrierSettings(
        voice_url=voice,
        our_numbers=frozenset({OUR_NUMBER}),
        staff={MANAGER: StaffAnswers(after_s=0.1, talk_s=0.3), FRONT: StaffAnswers(after_s=0.1, talk_s=0.3)},
        ringback=False,
        voice=Beep(),
    )
    return [
        replace(
            plain,
            stream_end=end,
            dial_tail="always" if is_odd else "on_failure",
            repeated_states=ALL_STATES if is_odd else frozenset(),
            events_url=voice.replace("/voice", "/events") if has_events else None,
            status_answer_executed=is_run,
            dial_completed_posted=is_told,
            body="json" if has_events else "form",
        )
        for number, (end, has_events, is_run, is_told) in enumerate(
            product((StreamEnd.ASK_VOICE_URL, StreamEnd.NEXT_VERB), (False, True), (False, True), (False, True))
        )
        for is_odd in [number.bit_count() % 2 == 1]
    ]


@pytest.mark.alone
async def test_escalation_reaches_the_chosen_person_once(start_webhook: Start, bridge: Bridge) -> None:
    async with open_webhook(start_webhook, bridge) as webhook:
        settings = carriers(webhook)
        records = await asyncio.gather(*(ring(one) for one in settings))
        for one, record in zip(settings, records, strict=True):
            posts = [(post.url[-12:], post.kind, post.state, post.verbs, post.error) for post in record.posts]
            story = f"{one.stream_end} {one.dial_tail} {one.body} {record.verbs} {record.ended_by} {posts}"
            # A carrier that runs the verbs behind an answered Dial without a word about it leaves it open whether
            # they talked; who has been helped hears so and hangs up, and nobody else is left without a person.
            says_nothing = one.dial_tail == "always" and not one.dial_completed_posted
            reached = [MANAGER, FRONT] if says_nothing else [MANAGER]
            assert record.staff_reached == reached, story
            assert [dial.number for dial in record.dials] == reached, story
            assert record.violations == [], story
            assert len(record.streams) == 1, story
        ((ended,),) = await webhook.rows("SELECT count(*) FROM calls WHERE stage = 'ended'")
        assert ended == len(settings)
        served = [event for event in await webhook.events() if event["type"] == "agiza.call.dial_served"]
        assert len(served) == sum(len(record.dials) for record in records)


async def test_busy_people_are_rung_once_each_and_apologised_for_once(start_webhook: Start, bridge: Bridge) -> None:
    async with open_webhook(start_webhook, bridge) as webhook:
        settings = [replace(one, staff={MANAGER: StaffBusy(0.1), FRONT: StaffBusy(0.1)}) for one in carriers(webhook)]
        records = await asyncio.gather(*(ring(one) for one in settings[:4] + settings[-4:]))
        both_busy = [(MANAGER, "busy"), (FRONT, "busy")]
        for record in records:
            assert [(dial.number, dial.outcome) for dial in record.dials] == both_busy, record
            assert record.violations == [], record
            assert record.ended_by == "hangup", record


@pytest.mark.parametrize("end", [StreamEnd.SILENCE, StreamEnd.HANG_UP])
async def test_carrier_that_does_not_ask_again_rings_nobody(
    start_webhook: Start, bridge: Bridge, end: StreamEnd
) -> None:
    async with open_webhook(start_webhook, bridge) as webhook:
        plain = carriers(webhook)[0]
        record = await ring(replace(plain, stream_end=end, completed="twice"), patience_s=3)
        assert record.dials == []
        assert record.violations == []
        assert await webhook.rows("SELECT stage FROM calls") == [("ended",)]


async def test_call_that_ended_with_goodbye_rings_nobody(start_webhook: Start, bridge: Bridge) -> None:
    async with open_webhook(start_webhook, bridge) as webhook:
        bridge.outcome = "placed"
        records = await asyncio.gather(*(ring(one) for one in carriers(webhook)[::4]))
        for record in records:
            assert record.dials == [], record
            assert record.violations == [], record
            assert record.ended_by == "hangup", record


async def test_socket_that_is_refused_ends_with_a_person(start_webhook: Start, bridge: Bridge) -> None:
    async with open_webhook(start_webhook, bridge, media="ws://127.0.0.1:9") as webhook:
        record = await ring(carriers(webhook)[-1])
        assert record.staff_reached == [FRONT]
        assert record.violations == []
