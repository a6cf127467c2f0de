"""A call's state at rest: plain JSON for a database column, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agiza.domain.call_state import CallKind, CallState, Channel, DialTarget, Edge, Phase, Phrase, ServedDial


def call_to_json(call: CallState) -> dict[str, Any]:
    """Plain JSON for a database column."""
    dial = call.dial
    return {
        "phase": call.phase.value,
        "kind": call.kind.value,
        "tried": list(call.tried),
        "picked_up": call.picked_up,
        "epoch": call.epoch,
        "offered_at": call.offered_at.isoformat() if call.offered_at else None,
        "farewell": call.farewell.value if call.farewell else None,
        "dial": dial
        and {
            "target": dial.target and [dial.target.contact_id, dial.target.phone, dial.target.on_duty],
            "phrase": dial.phrase.value,
            "attempt": dial.attempt,
            "handoff_id": dial.handoff_id,
            "served_at": dial.served_at.isoformat(),
            "channel": dial.channel.value,
            "edge": dial.edge.value,
            "certainty": dial.certainty,
            "room": dial.room,
            "again": dial.again,
        },
    }


def call_from_json(stored: Mapping[str, Any]) -> CallState:
    """What `call_to_json` gave."""
    dial = stored["dial"]
    return CallState(
        phase=Phase(stored["phase"]),
        kind=CallKind(stored["kind"]),
        tried=tuple(stored["tried"]),
        picked_up=stored["picked_up"],
        epoch=stored["epoch"],
        offered_at=datetime.fromisoformat(stored["offered_at"]) if stored["offered_at"] else None,
        farewell=Phrase(stored["farewell"]) if stored["farewell"] else None,
        dial=dial
        and ServedDial(
            target=DialTarget(*dial["target"]) if dial["target"] else None,
            phrase=Phrase(dial["phrase"]),
            attempt=dial["attempt"],
            handoff_id=dial["handoff_id"],
            served_at=datetime.fromisoformat(dial["served_at"]),
            channel=Channel(dial["channel"]),
            edge=Edge(dial["edge"]),
            certainty=dial["certainty"],
            room=dial["room"],
            again=dial["again"],
        ),
    )
