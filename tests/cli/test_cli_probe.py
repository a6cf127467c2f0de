"""``agiza carrier probe``: whole probe calls through the simulated carrier, in each of its four readings."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from carrier_desk import BRANCHES, PHONES, CarrierDesk, carrier_desk
from pydantic import SecretStr
from rich.console import Console

from agiza.carrier.capabilities import Capabilities, read_capabilities, write_capabilities
from agiza.cli.errors import CliError
from agiza.cli.probe import NOT_FOUND_OUT, ProbeOptions, probe
from agiza.cli.probe_call import Times
from agiza.runtime.embedded.ports import free_port
from simulators.carrier.caller import SilentCaller
from simulators.carrier.playback import PlaybackOptions
from simulators.carrier.record import CallRecord
from simulators.carrier.settings import CarrierSettings, CustomerAnswers, StaffBusy, StreamEnd

CALLER = "+254711000001"
NUMBER = PHONES["westlands"]
SECRET = "the-number's-signing-secret"
# What works answers at once, so long waits cost nothing there; what does not is waited out.
PATIENT = Times(tone_s=0.2, mark_wait_s=10, long_tone_s=20, kill_after_s=0.2, kill_wait_s=15, watch_s=10)


@dataclass
class Run:
    """One probe against one carrier."""

    desk: CarrierDesk
    folder: Path
    options: ProbeOptions
    replies: dict[str, bool] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    console: Console = field(default_factory=lambda: Console(record=True, width=200, quiet=False))
    record: CallRecord | None = None

    async def ask(self, question: str) -> bool | None:
        self.asked.append(question)
        return next((reply for word, reply in self.replies.items() if word in question), None)

    async def go(self, stay_ms: int = 120_000, **site: Any) -> int:
        """Probe, and ring the number as soon as its calls come to the probe."""
        probing = asyncio.create_task(probe(self.options, self.desk.site(**site), self.console, self.ask))
        ringing = asyncio.create_task(self._ring(stay_ms))
        try:
            return await probing
        finally:
            ringing.cancel()
            await asyncio.gather(ringing, return_exceptions=True)
            if self.options.ring is None and self.desk.carrier.records:
                self.record = self.desk.carrier.records[0]
                live = self.desk.carrier.calls[self.record.session_id]
                live.hang_up.set()
                await live.over.wait()

    async def _ring(self, stay_ms: int) -> None:
        if self.options.ring is None and self.options.route:
            await self.desk.routed.wait()
            await self.desk.carrier.call(SilentCaller(stay_ms), CALLER, NUMBER)

    @property
    def learnt(self) -> Capabilities:
        return read_capabilities(self.options.out)


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., Any]:
    @asynccontextmanager
    async def make(times: Times = PATIENT, ring: str | None = None, **settings: Any) -> AsyncIterator[Run]:
        port = free_port()
        options = ProbeOptions(
            branch="westlands",
            branches=BRANCHES,
            listen=("127.0.0.1", port),
            public_url=f"http://127.0.0.1:{port}",
            out=tmp_path / "carrier-capabilities.yaml",
            ring=ring,
            route=ring is None,
            wait_s=20,
            times=times,
        )
        async with carrier_desk(CarrierSettings(voice_url="http://127.0.0.1:9/", **settings)) as desk:
            yield Run(desk, tmp_path, options)

    return make


@pytest.mark.parametrize(
    ("reading", "asked_at", "redirect", "hang_up"),
    [("R1", "voice", True, None), ("R2", "next", True, None), ("R3", None, None, True), ("R4", None, None, None)],
)
async def test_each_reading_is_found_out(
    world: Callable[..., Any], reading: str, asked_at: str | None, redirect: bool | None, hang_up: bool | None
) -> None:
    times = replace(PATIENT, watch_s=1.0) if reading == "R3" else PATIENT  # silence has to be waited out
    async with world(times, stream_end=StreamEnd(reading), signing_secret=SECRET) as run:
        before = replace(run.desk.number("westlands"))
        code = await run.go(agiza_carrier_signing_secrets=SecretStr(SECRET))
        assert code == 0
        found = run.learnt
        assert (found.stream_end, found.asked_at, found.redirect) == (reading, asked_at, redirect)
        assert (found.signature, found.marks, found.kill_audio) == ("good", True, True)
        assert (found.hang_up, found.direction) == (hang_up, "inbound")
        assert run.record is not None
        assert run.record.violations == []
        assert run.record.heard_from("agent") < 5_000, "the second tone of 20 s was taken back"
        assert run.desk.number("westlands") == before, "the number goes where it went before"
        said = run.console.export_text()
        assert reading in said
        assert "routed as it was" in said


async def test_a_status_url_whose_answer_is_carried_out_is_found(world: Callable[..., Any]) -> None:
    async with world(stream_end=StreamEnd.SILENCE, status_answer_executed=True) as run:
        assert await run.go() == 0
        assert (run.learnt.stream_end, run.learnt.asked_at) == ("R1", "status")


@pytest.mark.parametrize(("told", "found"), [(True, True), (False, False), (None, None)])
async def test_without_marks_the_ear_tells_of_kill_audio(
    world: Callable[..., Any], told: bool | None, found: bool | None
) -> None:
    times = replace(PATIENT, mark_wait_s=0.5, long_tone_s=1.0, kill_wait_s=0.5)
    async with world(times, playback=PlaybackOptions(answers_marks=False)) as run:
        run.replies = {} if told is None else {"second tone": told}
        assert await run.go() == 0
        assert (run.learnt.marks, run.learnt.kill_audio) == (False, found)
        assert len(run.asked) == 1


async def test_a_carrier_that_plays_on_is_found(world: Callable[..., Any]) -> None:
    times = replace(PATIENT, long_tone_s=3.0, kill_wait_s=0.5)
    async with world(times, playback=PlaybackOptions(honours_kill=False)) as run:
        assert await run.go() == 0
        assert (run.learnt.marks, run.learnt.kill_audio) == (True, False)
        assert run.record is not None
        assert run.record.heard_from("agent") > 2_500, "it did play on"
        assert run.asked == []


@pytest.mark.parametrize(
    ("kind", "secrets", "verdict"),
    [
        ("signed", "", "unjudged"),
        ("signed", f"old-one, {SECRET}", "good"),
        ("signed", "another", "forged"),
        ("unsigned", SECRET, "missing"),
        ("stale", SECRET, "stale"),
        ("body_only", SECRET, "malformed"),
    ],
)
async def test_signing_is_judged(world: Callable[..., Any], kind: str, secrets: str, verdict: str) -> None:
    async with world(stream_end=StreamEnd.HANG_UP, signing_secret=SECRET, signature=kind) as run:
        assert await run.go(agiza_carrier_signing_secrets=SecretStr(secrets)) == 0
        assert run.learnt.signature == verdict


async def test_it_can_ring_the_operator_instead(world: Callable[..., Any]) -> None:
    phones = {CALLER: CustomerAnswers(lambda: SilentCaller(120_000), after_s=0.05)}
    async with world(ring=CALLER, customers=phones) as run:
        assert await run.go() == 0
        assert (run.learnt.stream_end, run.learnt.direction) == ("R1", "outbound")
        [record] = run.desk.carrier.records
        assert (record.from_number, record.to_number, record.violations) == (NUMBER, CALLER, [])


@pytest.mark.parametrize(
    ("number", "says"),
    [("+254900223456", "premium"), ("+447700900123", "not a number of the branch's country"), ("0711", "not written")],
)
async def test_it_rings_no_number_that_a_machine_must_not_ring(
    world: Callable[..., Any], number: str, says: str
) -> None:
    async with world(ring=number) as run:
        with pytest.raises(CliError, match=says):
            await run.go()
        assert run.desk.carrier.records == []


async def test_an_operator_who_does_not_pick_up_teaches_nothing_false(world: Callable[..., Any]) -> None:
    async with world(ring=CALLER, customers={CALLER: StaffBusy(0.05)}) as run:
        assert await run.go() == NOT_FOUND_OUT
        assert run.learnt.stream_end is None
        assert run.learnt.marks is None


async def test_a_caller_who_hangs_up_early_teaches_nothing_false(world: Callable[..., Any]) -> None:
    async with world() as run:
        assert await run.go(stay_ms=100) == NOT_FOUND_OUT
        assert (run.learnt.stream_end, run.learnt.kill_audio) == (None, None)


async def test_a_call_that_broke_off_does_not_cost_what_is_known(world: Callable[..., Any]) -> None:
    async with world(ring=CALLER, customers={CALLER: StaffBusy(0.05)}) as run:
        known = Capabilities(datetime(2026, 3, 6, 9, tzinfo=UTC), "inbound", stream_end="R1", asked_at="voice")
        write_capabilities(run.options.out, known)
        assert await run.go() == NOT_FOUND_OUT
        assert run.learnt == known
        assert "stays as it was" in run.console.export_text()


async def test_it_either_rings_or_is_rung(world: Callable[..., Any]) -> None:
    async with world(ring=CALLER) as run:
        run.options = replace(run.options, route=True)
        with pytest.raises(CliError, match="leave out --route"):
            await probe(run.options, run.desk.site(), run.console, run.ask)


async def test_when_nobody_rings_it_says_so_and_puts_the_routing_back(world: Callable[..., Any]) -> None:
    async with world() as run:
        run.options = replace(run.options, wait_s=0.2)
        run.desk.routed = asyncio.Event()
        with pytest.raises(CliError, match="no request of the carrier came"):
            await probe(run.options, run.desk.site(), run.console, run.ask)
        assert run.desk.number("westlands").voice_callback_url is None
        assert not run.options.out.exists()


async def test_without_route_the_operator_is_told_where_to_route(world: Callable[..., Any]) -> None:
    async with world(stream_end=StreamEnd.HANG_UP) as run:
        run.options = replace(run.options, route=False, wait_s=1.0)
        with pytest.raises(CliError, match="no request"):
            await probe(run.options, run.desk.site(agiza_carrier_api_url=None), run.console, run.ask)
        assert re.search(r"http://127\.0\.0\.1:\d+/probe/[\w-]{32}/voice", run.console.export_text())
        assert run.desk.numbers.asked == []
