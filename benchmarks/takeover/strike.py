"""One kill while several callers talk: what each of them heard after it, and what became of their carts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from benchmarks.takeover.site import PHONES, Caller, Site, person
from simulators.carrier.carrier import Carrier, LiveCall
from simulators.carrier.record import CallRecord
from simulators.carrier.settings import StreamEnd

SAID = ("two chicken burgers, one with no onions, a large fries, and a soda", "that's all", "yes")
UNITS = 4
"""Things in the cart once the first line is understood."""
TOTAL_MINOR = 153_000
READY_S = 40.0
SPOKEN_TO_S = 4.0
"""So long a moment is waited for in which the agent speaks to everybody."""
HEARD_MS = 300
FRESH_MS = 60
RING_BACK_S = 60.0
OVER_S = 60.0
POLL_S = 0.02
GREETING = "automated assistant"


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What one caller has noticed. Times count from the kill, in seconds; None for what did not come.

    ``back_s``: when the agent was heard again, on the same call. ``rung_s``: when the caller picked up the call that
    was placed for them. ``tickets``: the totals of the orders that came of the cart. ``talk``: who said what, and
    when, in the call and in the one that was placed for them.
    """

    caller: Caller
    was_mid_sentence: bool
    back_s: float | None
    rung_s: float | None
    was_greeted_again: bool
    cart_units: int
    was_cart_told: bool
    tickets: tuple[int, ...]
    ended_by: str
    talk: tuple[str, ...] = ()


async def strike(site: Site, callers: Sequence[Caller]) -> list[Aftermath]:
    """Let them order, kill the bridge while the agent speaks to them, and see each of them through."""
    calls = [asyncio.create_task(_call(site, caller), name=caller.call_id) for caller in callers]
    try:
        await _until_ordered(site, callers)
        lives = [site.carriers[caller.reading].calls[caller.call_id] for caller in callers]
        await _until_spoken_to(lives)
        mid_sentence = [_hears_agent(live) for live in lives]
        killed_at = time.time()
        await site.bridges.kill()
        units = await asyncio.to_thread(_units, site.stack.database_url, callers)
        restarting = asyncio.create_task(site.bridges.restart())
        await asyncio.wait(calls, timeout=OVER_S)
        back = await asyncio.gather(*(_ring_back(site.carriers[caller.reading], caller) for caller in callers))
        await restarting
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    tickets = await asyncio.to_thread(_tickets, site.stack.database_url, callers)
    return [
        _aftermath(caller, live, rung, killed_at, was_mid, units.get(caller.call_id, 0), tickets[caller.call_id])
        for caller, live, rung, was_mid in zip(callers, lives, back, mid_sentence, strict=True)
    ]


async def _call(site: Site, caller: Caller) -> CallRecord:
    carrier = site.carriers[caller.reading]
    return await carrier.call(person(SAID), caller.phone, PHONES[caller.reading], session_id=caller.call_id)


async def _until_ordered(site: Site, callers: Sequence[Caller]) -> None:
    """Until everybody's cart is full. Raises TimeoutError."""
    async with asyncio.timeout(READY_S):
        while True:
            units = await asyncio.to_thread(_units, site.stack.database_url, callers)
            if all(units.get(caller.call_id) == UNITS for caller in callers):
                return
            await asyncio.sleep(POLL_S * 5)


async def _until_spoken_to(lives: Sequence[LiveCall]) -> None:
    """Until the agent speaks to all of them, or to as many as ever before in a while."""
    deadline, most = time.monotonic() + SPOKEN_TO_S, 0
    while time.monotonic() < deadline:
        count = sum(map(_hears_agent, lives))
        if count == len(lives) or (count >= most > len(lives) // 2 and time.monotonic() > deadline - SPOKEN_TO_S / 2):
            return
        most = max(most, count)
        await asyncio.sleep(POLL_S)


def _hears_agent(live: LiveCall) -> bool:
    """Whether this caller is in the middle of something that the agent says."""
    now_ms = (time.time() - live.started_unix_s) * 1000
    last = live.record.heard[-1] if live.record.heard else None
    return (
        last is not None
        and last.party == "agent"
        and last.end_ms >= now_ms - FRESH_MS
        and last.end_ms - last.start_ms >= HEARD_MS
    )


async def _ring_back(carrier: Carrier, caller: Caller) -> LiveCall | None:
    """The call that was placed for a caller of a carrier that asks nobody, once it is over."""
    if caller.reading is StreamEnd.ASK_VOICE_URL:
        return None
    deadline = time.monotonic() + RING_BACK_S
    while time.monotonic() < deadline:
        for live in carrier.calls.values():
            if live.record.direction == "outbound" and live.record.to_number == caller.phone:
                await asyncio.wait((asyncio.ensure_future(live.over.wait()),), timeout=OVER_S)
                return live
        await asyncio.sleep(POLL_S * 5)
    return None


def _aftermath(
    caller: Caller,
    live: LiveCall,
    rung: LiveCall | None,
    killed_at: float,
    was_mid_sentence: bool,
    units: int,
    tickets: tuple[int, ...],
) -> Aftermath:
    record, killed_ms = live.record, (killed_at - live.started_unix_s) * 1000
    later_legs = [stream.started_ms for stream in record.streams if stream.started_ms > killed_ms]
    heard = [
        each.start_ms
        for each in record.heard
        if each.party == "agent" and later_legs and each.start_ms >= min(later_legs)
    ]
    told = [line.text.casefold() for line in record.talk if line.who == "agent" and line.at_ms > killed_ms]
    answered_ms = rung.record.answered_ms if rung is not None else None
    told_back = [line.text.casefold() for line in rung.record.talk if line.who == "agent"] if rung is not None else []
    return Aftermath(
        caller=caller,
        was_mid_sentence=was_mid_sentence,
        back_s=(min(heard) - killed_ms) / 1000 if heard else None,
        rung_s=rung.started_unix_s + answered_ms / 1000 - killed_at if rung and answered_ms is not None else None,
        was_greeted_again=any(GREETING in text for text in told),
        cart_units=units,
        was_cart_told=any("so far i have" in text and "chicken burger" in text for text in (*told, *told_back)),
        tickets=tickets,
        ended_by=record.ended_by or "nobody",
        talk=_talk(live, killed_at) + (("-- rung back --", *_talk(rung, killed_at)) if rung is not None else ()),
    )


def _talk(live: LiveCall, killed_at: float) -> tuple[str, ...]:
    began_s = live.started_unix_s - killed_at
    return tuple(f"{began_s + line.at_ms / 1000:+.1f} s {line.who}: {line.text}" for line in live.record.talk)


def _units(database_url: str, callers: Sequence[Caller]) -> dict[str, int]:
    """How many things are in each caller's cart."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT call_id, coalesce((SELECT sum((line->>'quantity')::int) FROM"
            " jsonb_array_elements(pii_state->'lines') line), 0) FROM carts WHERE call_id = ANY(%s)",
            ([caller.call_id for caller in callers],),
        ).fetchall()
    return {str(call_id): int(units) for call_id, units in rows}


def _tickets(database_url: str, callers: Sequence[Caller]) -> dict[str, tuple[int, ...]]:
    """The totals of what was placed from each caller's cart, whichever call it was placed in."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT cart_id, total_minor FROM orders WHERE cart_id = ANY(%s) ORDER BY placed_at",
            ([f"cart-{caller.call_id}" for caller in callers],),
        ).fetchall()
    return {
        caller.call_id: tuple(total for cart_id, total in rows if cart_id == f"cart-{caller.call_id}")
        for caller in callers
    }
