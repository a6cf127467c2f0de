"""One simulated carrier: places calls to the application's number and says afterwards what happened.

    carrier = Carrier(CarrierSettings(voice_url="http://127.0.0.1:8080/voice/..."))
    record = await carrier.call(SilentCaller(5_000), "+254711000001", "+254709000002")
    assert not record.violations

Calls run in real time, any number at once. `hang_up` is what the REST interface uses. `aclose` frees sockets that a
switch left half-open.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
import uuid
from dataclasses import dataclass, field
from typing import Literal

import httpx

from .callbacks import CallFacts, CallState
from .caller import Caller, SilentCaller
from .dialling import cause_of, phone_of
from .events import CallEvents
from .executor import run_document
from .fields import E164
from .leg import Leg, carrier_message, sound_of
from .line import Line
from .media import MediaLink
from .posting import AnswerFailed, Poster
from .record import CallRecord, EndedBy, Party
from .recorder import Recorder
from .rooms import Rooms
from .settings import CarrierSettings, CustomerAnswers, PhoneScript, StaffAnswers
from .staff import StaffCaller, ring
from .verbs import Document, Reject

KEPT_RECORDS_MAX = 1_000


@dataclass(slots=True)
class LiveCall:
    """A call that has not ended yet, or one of the last that have. `caller` is None until the callee picks up."""

    record: CallRecord
    caller: Caller | None
    started_unix_s: float
    voice_url: str
    call_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    hang_up: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> Literal["ringing", "answered", "completed", "failed"]:
        if self.over.is_set():
            return "completed" if self.record.answered_ms is not None else "failed"
        return "ringing" if self.record.answered_ms is None else "answered"


class Carrier:
    def __init__(self, settings: CarrierSettings) -> None:
        self.settings = settings
        self.calls: dict[str, LiveCall] = {}
        self._tls = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        self._left_open: list[MediaLink] = []
        self._rooms = Rooms()
        self._outbound: set[asyncio.Task[None]] = set()

    @property
    def records(self) -> list[CallRecord]:
        """The calls of either direction, oldest first."""
        return [live.record for live in self.calls.values()]

    async def call(
        self, caller: Caller, from_number: str, to_number: str, *, session_id: str | None = None
    ) -> CallRecord:
        """Dial, live through the whole call, and return when it is over and every socket and task is gone.

        `from_number` may be empty (withheld). A caller's `CallerError` is raised before anything is dialled.
        """
        for number in filter(None, (from_number, to_number)):
            if not E164.match(number):
                raise ValueError(f"{number!r} is not an E.164 number")
        await caller.prepare()
        record = CallRecord(session_id or new_session_id(), from_number, to_number)
        live = LiveCall(record, caller, time.time(), self.settings.voice_url)
        self._keep(live)
        try:
            async with asyncio.timeout(self.settings.call_limit_s + 60):
                await self._run(live)
        finally:
            record.talk = tuple(caller.talk())
            live.over.set()
        return record

    def place(
        self, from_number: str, to_number: str, voice_url: str, *, client_request_id: str | None = None
    ) -> LiveCall:
        """Ring a phone of the settings, as REST asks for it; returns at once. `over` of the result tells its end."""
        record = CallRecord(
            new_session_id(), from_number, to_number, direction="outbound", client_request_id=client_request_id
        )
        live = LiveCall(record, None, time.time(), voice_url)
        self._keep(live)
        task = asyncio.create_task(self._run_outbound(live))
        self._outbound.add(task)
        task.add_done_callback(self._outbound.discard)
        return live

    def owns(self, number: str) -> bool:
        """Whether calls may be placed from this number."""
        return number in self.settings.our_numbers or any(
            live.record.direction == "inbound" and live.record.to_number == number for live in self.calls.values()
        )

    def hang_up(self, session_id: str) -> bool:
        """End a live call now; whether such a call was ever known. Harmless when repeated."""
        live = self.calls.get(session_id)
        if live is not None:
            live.hang_up.set()
        return live is not None

    async def aclose(self) -> None:
        for live in self.calls.values():
            live.hang_up.set()
        for live in list(self.calls.values()):
            await live.over.wait()
        await asyncio.gather(*self._outbound)
        for link in self._left_open:
            link.abandon()
        self._left_open.clear()

    def _keep(self, live: LiveCall) -> None:
        self.calls[live.record.session_id] = live
        for session_id in [sid for sid, other in self.calls.items() if other.over.is_set()][:-KEPT_RECORDS_MAX]:
            del self.calls[session_id]

    async def _run_outbound(self, live: LiveCall) -> None:
        record, settings = live.record, self.settings
        began_s = time.monotonic()
        script = phone_of(settings, record.to_number)
        ringing = asyncio.create_task(ring(script, settings.outbound_ring_s * settings.ring_scale))
        hang_up = asyncio.create_task(live.hang_up.wait())
        try:
            await asyncio.wait({ringing, hang_up}, return_when=asyncio.FIRST_COMPLETED)
            record.ring_outcome = "caller_gone" if live.hang_up.is_set() else ringing.result()
            if record.ring_outcome == "answered":
                live.caller = await _person_at(script, settings)
            async with asyncio.timeout(settings.call_limit_s + 60):
                await self._run(live, began_s, "staff" if isinstance(script, StaffAnswers) else "customer")
        except Exception as error:  # nobody awaits this task: the record has to tell
            record.violations.append(f"the simulator could not go on with the call: {error!r}")
        finally:
            ringing.cancel()
            hang_up.cancel()
            record.talk = tuple(live.caller.talk()) if live.caller else ()
            live.over.set()

    async def _run(self, live: LiveCall, began_s: float | None = None, party: Party = "customer") -> None:
        record, settings = live.record, self.settings
        recorder = Recorder(record, settings.record_dir)
        line = Line(live.caller or SilentCaller(0), recorder, time.monotonic() if began_s is None else began_s)
        facts = CallFacts(
            record.session_id, record.from_number, record.to_number, record.direction, record.client_request_id
        )
        async with httpx.AsyncClient(verify=self._tls, trust_env=False) as http:
            poster = Poster(http, settings, facts, record, line.now_ms)
            poster.voice_url = live.voice_url
            events = CallEvents(poster, settings)
            leg = Leg(settings, facts, record, line, recorder, poster, events, self._tls, self._left_open)
            leg.rooms, leg.party = self._rooms, party
            try:
                await leg.events.enveloped("call.started", record)
                first = await self._first_answer(leg) if live.caller is not None else None
                if live.caller is None:
                    record.ended_by = "rest" if live.hang_up.is_set() else "not_answered"
                elif first and record.direction == "inbound" and isinstance(first[0], Reject):
                    record.verbs.append("Reject")
                    record.ended_by = "reject"
                else:
                    record.answered_ms = line.now_ms() if record.answered_ms is None else record.answered_ms
                    record.ended_by = await self._live(live, leg, first)
                record.ended_ms = line.now_ms()
                await self._complete(leg)
            finally:
                recorder.close()

    async def _first_answer(self, leg: Leg) -> Document | None:
        """The first document; None when there is none to run, which the caller hears as the carrier's message."""
        first: CallState = "Ringing"
        if leg.record.direction == "outbound":
            first, leg.record.answered_ms = leg.settings.outbound_first_state, leg.line.now_ms()
        try:
            return await leg.poster.ask(leg.poster.voice_url, "voice", first) or None
        except AnswerFailed:
            return None

    async def _live(self, live: LiveCall, leg: Leg, first: Document | None) -> EndedBy:
        """From answer to end: line and documents run side by side; whoever finishes first ends the call."""
        ticking = asyncio.create_task(leg.line.run())
        running: asyncio.Task[EndedBy] = asyncio.create_task(
            run_document(leg, first) if first is not None else _carrier_message(leg)
        )
        hang_up = asyncio.create_task(live.hang_up.wait())
        tasks = {ticking, running, hang_up}
        try:
            done, _ = await asyncio.wait(tasks, timeout=self.settings.call_limit_s, return_when=asyncio.FIRST_COMPLETED)
            ended_by: EndedBy = "limit"
            if running in done:
                ended_by = running.result()
            elif ticking in done:
                ticking.result()
                ended_by = "caller"
            elif hang_up in done:
                ended_by = "rest"
            if self.settings.completed == "before_socket_close" and running not in done:
                await _post_completed(leg)
            return ended_by
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _complete(self, leg: Leg) -> None:
        wanted = {"missing": 0, "twice": 2}.get(self.settings.completed, 1)
        for _ in range(wanted - leg.record.states.count("Completed")):
            await _post_completed(leg)
        await leg.events.raw("Completed", _ending(leg))
        await leg.events.enveloped("call.completed", leg.record)


async def _carrier_message(leg: Leg) -> EndedBy:
    return (await carrier_message(leg)).by


async def _post_completed(leg: Leg) -> None:
    leg.record.ended_ms = leg.record.ended_ms or leg.line.now_ms()
    await leg.poster.tell(leg.poster.voice_url, "voice", "Completed", _ending(leg))


def _ending(leg: Leg) -> dict[str, str]:
    fields = {"durationInSeconds": str(leg.record.duration_s)}
    outcome = leg.record.ring_outcome
    if outcome not in (None, "answered") and leg.settings.outbound_cause_posted:
        fields |= {"hangupCause": cause_of(outcome), "dialStatus": "busy" if outcome == "busy" else "no-answer"}
    return fields


async def _person_at(script: PhoneScript | None, settings: CarrierSettings) -> Caller:
    if isinstance(script, CustomerAnswers):
        caller = script.caller()
        await caller.prepare()
        return caller
    assert isinstance(script, StaffAnswers)
    return StaffCaller(script, await sound_of(script.says, settings.voice))


def new_session_id() -> str:
    """As the PBX makes them: `HD_` and hex."""
    return f"HD_{secrets.token_hex(6)}"
