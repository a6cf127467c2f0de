"""A recorded call gone through again: the same inputs at the same times into a session of today.

    for step in replay(path.read_bytes()):
        step.phase, step.event, step.actions, step.is_as_recorded

The session is pure, so it does again what it did then, unless its rules have changed meanwhile; where they differ is
seen from the first step that is not as recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, get_args

import msgspec
from pydantic import TypeAdapter, ValidationError

from services.bridge.recording import FORMAT, digest_of
from services.bridge.session import CallFacts, CallSession, Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.phases import Phase

_INPUTS: Final[Mapping[str, TypeAdapter[Any]]] = {kind.__name__: TypeAdapter(kind) for kind in get_args(i.Input)}


class NotARecording(Exception):
    """The file is not a recording that this build can go through. The text says which line, and repeats none."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Step:
    """One input. ``at_ms`` counts from the first one; ``phase`` is the one after it."""

    number: int
    at_ms: int
    event: i.Input
    actions: list[a.Action]
    phase: Phase
    is_as_recorded: bool


def replay(content: bytes) -> Iterator[Step]:
    """All steps, in order. A last line that was cut off by a crash is left out. Raises :class:`NotARecording`."""
    head, *lines = content.split(b"\n")
    session = _session_of(head)
    began: int | None = None
    for number, raw in enumerate(lines[:-1], start=1):
        event, at, wanted = _read(raw, number)
        began = at if began is None else began
        actions = session.handle(event, at)
        is_same = wanted == (digest_of(actions) if actions else None)
        yield Step(number, at - began, event, actions, session.phase, is_same)


def _session_of(head: bytes) -> CallSession:
    try:
        found = msgspec.json.decode(head)
        if found["format"] != FORMAT:
            raise NotARecording(f"recorded in format {found['format']}; this build reads {FORMAT}")
        known = {each.name for each in fields(Limits)}
        limits = Limits(**{name: value for name, value in found["limits"].items() if name in known})
        return CallSession(CallFacts(**found["facts"]), limits, cue_times=found["cue_times"])
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        raise NotARecording("the first line is not the head of a recording") from None


def _read(raw: bytes, number: int) -> tuple[i.Input, int, str | None]:
    try:
        line = msgspec.json.decode(raw)
        kind = _INPUTS[line["in"]]
        sounds = {name: bytes(int(size)) for name, size in line.get("bytes", {}).items()}
        event: i.Input = kind.validate_python({**line.get("pii_in", {}), **sounds})
        return event, int(line["at"]), line.get("out")
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, ValidationError, AttributeError):
        raise NotARecording(f"line {number + 1} is not an input that this build knows") from None
