"""A simulated carrier beside the escalation service: its REST interface is real, its phones do as they are told.

What its calls ask the webhook for is not answered here; the tests play the webhook.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from escalation_desk import CALL, Escalation, until

from agiza.contracts.events import CallbackPromised, CallEnded, OutboundMoved, OutboundStep
from simulators.carrier.carrier import Carrier, LiveCall
from simulators.carrier.exchange import Exchange, open_exchange
from simulators.carrier.record import CallRecord
from simulators.carrier.settings import CarrierSettings, StaffAbsent, StaffScript

WESTLANDS = "+254709000002"
CUSTOMER = "+254711000001"
FRONT, MANAGER = "+254700000001", "+254700000002"
NOWHERE = "http://127.0.0.1:9"


@dataclass
class World:
    """The carrier and the service that places calls with it."""

    carrier: Carrier
    exchange: Exchange

    def settings(self, **changes: object) -> dict[str, object]:
        """What escalation is given to place calls."""
        return {
            "agiza_carrier_api_url": self.exchange.url,
            "agiza_carrier_api_key": self.exchange.api_key,
            "agiza_public_url": NOWHERE,
            "agiza_path_token": "path-token-of-the-tests-0123456789abcd",
            "agiza_token_secret": "token-secret-of-the-tests-0123456789ab",
            **changes,
        }

    def live_call(self, call_id: str = CALL) -> LiveCall:
        """A caller's call as the carrier knows it; `hang_up` of it is set when somebody ends it by REST."""
        live = LiveCall(CallRecord(call_id, CUSTOMER, WESTLANDS), None, time.time(), NOWHERE)
        self.carrier.calls[call_id] = live
        return live

    def rung(self) -> list[str]:
        """Phones that were rung, in order."""
        return [record.to_number for record in self.carrier.records if record.direction == "outbound"]

    async def until_rung(self, count: int) -> list[str]:
        async def is_so() -> bool:
            return len(self.rung()) >= count

        await until(is_so)
        return self.rung()


@contextlib.asynccontextmanager
async def open_world(phones: Mapping[str, StaffScript] | None = None) -> AsyncIterator[World]:
    """Everybody's phone rings and nobody picks up, unless told otherwise."""
    staff = {FRONT: StaffAbsent(), MANAGER: StaffAbsent(), CUSTOMER: StaffAbsent(), **(phones or {})}
    settings = CarrierSettings(
        voice_url=NOWHERE,
        our_numbers=frozenset({WESTLANDS}),
        staff=staff,
        outbound_ring_s=30,
    )
    async with open_exchange() as exchange:
        carrier = Carrier(settings)
        exchange.join(carrier)
        try:
            yield World(carrier, exchange)
        finally:
            for live in carrier.calls.values():
                if live.record.direction == "inbound":
                    live.over.set()
            await carrier.aclose()


# --- what the webhook and the bridges say ----------------------------------------------------------------------------


async def moved(desk: Escalation, step: OutboundStep, outbound_id: str, *, times: int = 2) -> None:
    """The webhook tells how far a call of ours has come."""
    event = OutboundMoved(branch_id="westlands", call_id="HD_outbound1", outbound_id=outbound_id, step=step)
    await desk.send(event, times=times)


async def left(desk: Escalation, reason: str = "handoff", outcome: str = "handoff", epoch: int = 0) -> None:
    """A bridge reports the end of a leg; the webhook stores it."""
    await desk.rows("UPDATE calls SET outcome = %s, end_reason = %s WHERE call_id = %s", outcome, reason, CALL)
    event = CallEnded(
        branch_id="westlands",
        call_id=CALL,
        leg_epoch=epoch,
        outcome=outcome,
        reason=reason,
        duration_ms=9_000,
    )
    await desk.send(event, times=2)


async def promised(desk: Escalation) -> None:
    """The webhook told the caller that they are rung back."""
    await desk.send(CallbackPromised(branch_id="westlands", call_id=CALL), times=2)


async def placed(desk: Escalation, count: int = 1) -> list[tuple[str, str, str | None]]:
    """(id, kind, contact) of the calls that were placed, once there are so many."""

    async def is_so() -> bool:
        return len(await _placed(desk)) >= count

    await until(is_so)
    return await _placed(desk)


async def _placed(desk: Escalation) -> list[tuple[str, str, str | None]]:
    rows = await desk.rows(
        "SELECT outbound_id, kind, contact_id FROM outbound_calls WHERE carrier_call_id IS NOT NULL ORDER BY created_at"
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def callbacks(desk: Escalation) -> list[tuple[str, str, int]]:
    """(kind, state, rounds) of all promises."""
    rows = await desk.rows("SELECT kind, state, rounds FROM callbacks ORDER BY created_at")
    return [(row[0], row[1], row[2]) for row in rows]


async def until_callback(desk: Escalation, state: str) -> None:
    async def is_so() -> bool:
        return [each[1] for each in await callbacks(desk)] == [state]

    await until(is_so)
