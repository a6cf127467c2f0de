"""Everything that a run needs, started once: four carriers, their exchange, the model, and the services.

    async with open_site(cases, jobs=True) as site:
        site.carriers[StreamEnd.SILENCE]

Every case has its branch, its staff and its customer; the carriers know who picks up.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from agiza.cli.processes import Child, LogListener, start_child
from agiza.cli.stack import BRANCHES, Stack, StackOptions, running_stack
from benchmarks.escalation_matrix.cases import READINGS, Case, Ending
from benchmarks.escalation_matrix.people import Customer
from simulators.carrier.carrier import Carrier
from simulators.carrier.exchange import Exchange, open_exchange
from simulators.carrier.settings import (
    CarrierSettings,
    CustomerAnswers,
    PhoneScript,
    StaffAbsent,
    StaffAnswers,
    StaffBusy,
    StreamEnd,
)
from simulators.carrier.sounds import LINE_RATE, tone

NOON = datetime(2026, 3, 6, 12, tzinfo=ZoneInfo("Africa/Nairobi"))
READY_S = 60.0
RING_SCALE = 0.05
"""A phone that would ring for 25 s rings for 1.25 s."""
QUICK_MS_PER_LETTER = 15
CALL_S_MAX = 90.0
ON_DUTY, OFF_DUTY = "07:00-23:00", "02:00-03:00"

ANSWERS = StaffAnswers(after_s=0.5, says="Hello, how can I help you?", talk_s=3.0)
STAFF: Mapping[Ending, tuple[PhoneScript, PhoneScript]] = {
    "answered": (ANSWERS, ANSWERS),
    "busy": (StaffBusy(), ANSWERS),
    "no_answer": (StaffAbsent(), ANSWERS),
    "all_fail": (StaffAbsent(), StaffAbsent()),
    "nobody": (ANSWERS, ANSWERS),
}


class QuickVoice:
    """How the carrier and the staff sound: a hum, four times as quick as people talk."""

    rate = LINE_RATE

    def synthesize(self, text: str) -> bytes:
        return tone(400, QUICK_MS_PER_LETTER * len(text), self.rate)


@dataclass(frozen=True, slots=True)
class Site:
    """The running whole. ``carriers`` has one per reading; all of them can be asked for calls by ``exchange``."""

    stack: Stack
    exchange: Exchange
    carriers: Mapping[StreamEnd, Carrier]
    model: Child


@contextlib.asynccontextmanager
async def open_site(
    cases: Sequence[Case], *, jobs: bool, listener: LogListener | None = None, log_folder: Path | None = None
) -> AsyncIterator[Site]:
    """Start it for these cases. ``jobs``: whether escalation's first replica works on jobs."""
    async with contextlib.AsyncExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="agiza-matrix-")))
        branches = folder / "branches"
        write_branches(branches, cases)
        exchange = await cleanup.enter_async_context(open_exchange())
        ca_file = folder / "live-ca.pem"
        command = ["-m", "benchmarks.escalation_matrix.model", "--ca-file", str(ca_file)]
        model = await start_child("model", command, {}, log_folder=log_folder, listener=listener)
        cleanup.push_async_callback(model.stop)
        ready = await model.wait_ready(READY_S)
        options = StackOptions(
            branches_folder=branches,
            log_folder=log_folder,
            now=NOON,
            live_url=str(ready["url"]),
            live_ca_file=ca_file,
            carrier_api_url=exchange.url,
            carrier_api_key=exchange.api_key,
            arq=jobs,
        )
        stack = await cleanup.enter_async_context(running_stack(options, listener))
        carriers = {reading: Carrier(carrier_settings(reading, cases, stack.voice_url)) for reading in READINGS}
        for carrier in carriers.values():
            cleanup.push_async_callback(carrier.aclose)
            exchange.join(carrier)
        yield Site(stack, exchange, carriers, model)


def carrier_settings(reading: StreamEnd, cases: Sequence[Case], voice_url: str) -> CarrierSettings:
    """The carrier that behaves so when our side ends a stream, with the phones of its cases."""
    own = [case for case in cases if case.reading is reading]
    return CarrierSettings(
        voice_url=voice_url,
        our_numbers=frozenset(case.branch_phone for case in own),
        stream_end=reading,
        staff={phone: script for case in own for phone, script in zip(case.staff, STAFF[case.ending], strict=True)},  # type: ignore[misc]
        customers={case.caller: CustomerAnswers(Customer, after_s=0.3) for case in own},
        ring_scale=RING_SCALE,
        voice=QuickVoice(),
        call_limit_s=CALL_S_MAX,
    )


def write_branches(folder: Path, cases: Sequence[Case]) -> None:
    """One file for each case: the first branch of the chain, with a menu that is quickly read."""
    first = yaml.safe_load((BRANCHES / "westlands.yaml").read_text(encoding="utf-8"))
    menu = _small_menu(first)
    folder.mkdir()
    for case in cases:
        document = {"branch": first["branch"] | _of_case(case), **menu}
        (folder / f"{case.branch_id}.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def _of_case(case: Case) -> dict[str, Any]:
    hours = OFF_DUTY if case.ending == "nobody" else ON_DUTY
    names = ("front", "Front counter"), ("manager", "Duty manager")
    return {
        "id": case.branch_id,
        "name": case.branch_name,
        "phone": case.branch_phone,
        "staff": [
            {"id": name, "name": title, "phone": phone, "order": order, "hours": hours, "languages": ["en", "sw"]}
            for order, ((name, title), phone) in enumerate(zip(names, case.staff, strict=True), start=1)
        ],
        "escalation": {
            "strategy": case.strategy,
            "callback_minutes": 1,
            "callback_attempts": 1,
            "dials_per_hour": 10_000,
        },
    }


def _small_menu(document: Mapping[str, Any]) -> dict[str, Any]:
    """The first item that has no choices; nobody orders here."""
    for category in document["categories"]:
        for item in category["items"]:
            if "groups" not in item:
                return {"groups": {}, "categories": [category | {"items": [item]}]}
    raise ValueError("every item of the menu has choices")
