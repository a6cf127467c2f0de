"""The Conference verb: enter a room, be heard there, and go on when it is closed."""

from __future__ import annotations

from .leg import End, Leg, NextVerb, Step
from .line import Nothing
from .record import RoomRecord
from .verbs import Conference


async def run_conference(leg: Leg, verb: Conference) -> Step:
    """Stay until the room is closed or the call ends. Who leaves a room that ends on exit closes it for the others."""
    record = RoomRecord(verb.room, leg.line.now_ms())
    leg.record.rooms.append(record)
    seat = leg.rooms.named(verb.room).enter(
        leg.facts.remote_number, leg.party, record, leg.line.now_ms, starts=_flag(verb, "startOnEnter", default=True)
    )
    leg.line.route = seat
    try:
        await seat.closed.wait()
    finally:
        leg.line.route = Nothing()
        seat.leave(ends=_flag(verb, "endOnExit", default=False))
    return NextVerb() if leg.settings.conference_tail == "next_verb" else End("staff")


def _flag(verb: Conference, name: str, *, default: bool) -> bool:
    value = verb.options.get(name, default)
    return value is True or str(value).lower() == "true"
