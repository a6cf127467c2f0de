"""One builder per verb, from strict fields to a typed verb. Both dialects end here."""

from __future__ import annotations

import json
from collections.abc import Callable

from .fields import Fields, check_number
from .verbs import (
    Conference,
    Dial,
    GetDigits,
    Hangup,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    StatusEvent,
    Stream,
    Verb,
)

METADATA_BYTES_MAX = 8_192
OUTPUT_RATES = (8_000, 16_000)
STATUS_EVENTS: tuple[StatusEvent, ...] = ("stream-started", "stream-stopped", "stream-error")
CONFERENCE_OPTIONS = frozenset(
    (
        *("flags", "maxParticipants", "record", "beep", "muted", "startOnEnter", "endOnExit", "waitUrl"),
        *("statusEventsCallbackUrl", "statusEvents", "collectDigits", "finishOnKey", "numDigits", "digitsCallbackUrl"),
    )
)
RECORD_OPTIONS = frozenset(("action", "method", "finishOnKey", "transcribe", "transcribeCallback", "playBeep", "trim"))


def build_stream(fields: Fields) -> Stream:
    stream = Stream(
        url=fields.url("url", ("wss", "ws")) or "",
        connect=bool(fields.flag("connect")),
        track=fields.choice("track", ("inbound_track", "outbound_track", "both_tracks"), "inbound_track"),
        output_rate=_output_rate(fields),
        bidirectional_rate=_rate(fields, "bidirectionalSamplingRate"),
        name=fields.text("name"),
        header_metadata=_header_metadata(fields),
        open_metadata=fields.text("openMetadata"),
        status_callback=fields.url("statusCallback", ("https", "http"), required=False),
        status_events=_status_events(fields),
    )
    _rate(fields, "inputSamplingRate")
    if len((stream.header_metadata or "") + (stream.open_metadata or "")) > METADATA_BYTES_MAX:
        raise fields.refusal(f"has more than {METADATA_BYTES_MAX} bytes of metadata")
    return stream


def _output_rate(fields: Fields) -> int:
    rate = fields.number("outputSamplingRate", 1, 1_000_000)
    if rate is None:
        return OUTPUT_RATES[0]
    if rate not in OUTPUT_RATES:
        raise fields.refusal(f"has outputSamplingRate={rate}, which must be 8000 or 16000")
    return rate


def _rate(fields: Fields, name: str) -> int | None:
    rate = fields.number(name, 8_000, 48_000)
    if rate is not None and rate % 1_000:
        raise fields.refusal(f"has {name}={rate}, which is no rate in whole kHz")
    return rate


def _header_metadata(fields: Fields) -> str | None:
    raw = fields.text("headerMetadata")
    if raw is None:
        return None
    try:
        parsed = json.loads(raw)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict) or any(isinstance(value, dict | list) for value in parsed.values()):
        raise fields.refusal("has a headerMetadata that is not one flat JSON object in a string")
    return raw


def _status_events(fields: Fields) -> tuple[StatusEvent, ...]:
    raw = fields.text("statusEvents")
    if raw is None:
        return STATUS_EVENTS
    wanted = raw.split()
    if unknown := [event for event in wanted if event not in STATUS_EVENTS]:
        raise fields.refusal(f"has the unknown status event {unknown[0]!r}")
    return tuple(event for event in STATUS_EVENTS if event in wanted)


def build_say(fields: Fields) -> Say:
    loop = fields.number("loop", 0, 100)
    return Say(
        text=" ".join(fields.required_text("text").split()),
        voice=fields.text("voice"),
        language=fields.text("language"),
        loop=max(1, loop or 1),
    )


def build_play(fields: Fields) -> Play:
    loop = fields.number("loop", 0, 100)
    return Play(url=fields.url("url", ("https", "http")) or "", loop=max(1, loop or 1))


def build_get_digits(fields: Fields, nested: tuple[Verb, ...], count_name: str) -> GetDigits:
    inner = tuple(verb for verb in nested if isinstance(verb, Say | Play))
    if len(inner) != len(nested):
        raise fields.refusal("may hold only Say and Play")
    return GetDigits(
        count_max=fields.number(count_name, 1, 64) or 1,
        timeout_s=fields.number("timeout", 1, 120) or 5,
        finish_on_key=fields.text("finishOnKey") or "#",
        nested=inner,
    )


def build_dial(fields: Fields, numbers: tuple[str, ...], sip: str | None, record: bool) -> Dial:
    if (sip is not None) == bool(numbers):
        raise fields.refusal("needs exactly one target: a number, numbers, or sip")
    caller_id = fields.text("callerId")
    return Dial(
        numbers=tuple(check_number(number, fields, "number") for number in numbers),
        sip=sip,
        caller_id=None if caller_id is None else check_number(caller_id, fields, "callerId"),
        timeout_s=fields.number("timeout", 1, 600) or 60,
        record=record,
    )


def build_conference(fields: Fields) -> Conference:
    return Conference(room=fields.required_text("name").strip(), options=fields.rest(CONFERENCE_OPTIONS))


def build_record(fields: Fields) -> Record:
    return Record(
        max_length_s=fields.number("maxLength", 1, 3_600) or 60,
        timeout_s=fields.number("timeout", 1, 120) or 5,
        options=fields.rest(RECORD_OPTIONS),
    )


def build_redirect(fields: Fields) -> Redirect:
    return Redirect(
        url=fields.url("url", ("https", "http")) or "",
        method=fields.choice("method", ("GET", "POST"), "POST"),
    )


def build_reject(fields: Fields) -> Reject:
    return Reject(reason=fields.choice("reason", ("rejected", "busy"), "rejected"))


def build_hangup(fields: Fields) -> Hangup:
    return Hangup()


SIMPLE_BUILDERS: dict[str, Callable[[Fields], Verb]] = {
    "stream": build_stream,
    "say": build_say,
    "play": build_play,
    "conference": build_conference,
    "record": build_record,
    "redirect": build_redirect,
    "reject": build_reject,
    "hangup": build_hangup,
}
