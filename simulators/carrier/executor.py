"""Runs a document verb by verb, and the documents that follow from it, until the call ends."""

from __future__ import annotations

import asyncio
from typing import assert_never

from .caller import CallerError, read_wav
from .conference import run_conference
from .dialling import run_dial
from .leg import End, Leg, NewDocument, NextVerb, Step, carrier_message
from .posting import AnswerFailed
from .record import EndedBy
from .sounds import tone
from .streaming import run_stream
from .verbs import (
    Conference,
    Dial,
    Document,
    GetDigits,
    Hangup,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    Stream,
    Verb,
    verb_name,
)

BEEP_HZ = 1_000.0
BEEP_MS = 300


async def run_document(leg: Leg, document: Document) -> EndedBy:
    """Who ended the call. A document that runs out ends it; more than `verbs_max` verbs are a loop and end it too."""
    while True:
        replacement: Document | None = None
        for verb in document:
            if len(leg.record.verbs) >= leg.settings.verbs_max:
                leg.violation(f"more than {leg.settings.verbs_max} verbs in one call")
                return "refused"
            leg.record.verbs.append(verb_name(verb))
            match await run_verb(leg, verb):
                case NextVerb():
                    continue
                case NewDocument(verbs=verbs):
                    replacement = verbs
                    break
                case End(by=by):
                    return by
        if replacement is None:
            return "document_end"
        document = replacement


async def run_verb(leg: Leg, verb: Verb) -> Step:
    match verb:
        case Stream():
            return await run_stream(leg, verb)
        case Dial():
            return await run_dial(leg, verb)
        case Say():
            for _ in range(verb.loop):
                await leg.speak(verb.text)
            return NextVerb()
        case Play():
            return await _play(leg, verb)
        case GetDigits():
            return await _get_digits(leg, verb)
        case Redirect():
            return await _redirect(leg, verb)
        case Conference():
            return await run_conference(leg, verb)
        case Record():
            await leg.play(tone(BEEP_HZ, BEEP_MS))
            await asyncio.sleep(min(verb.max_length_s, verb.timeout_s))
            return NextVerb()
        case Reject():
            if len(leg.record.verbs) > 1:
                leg.violation("Reject after the call was answered")
            return End("reject")
        case Hangup():
            return End("hangup")
        case _:
            assert_never(verb)


async def _play(leg: Leg, verb: Play) -> Step:
    """A file that the carrier cannot play is silently skipped, as the real one skips it."""
    path = leg.settings.play_files.get(verb.url)
    if path is None:
        return NextVerb()
    try:
        pcm = await asyncio.to_thread(read_wav, path)
    except CallerError:
        return NextVerb()
    for _ in range(verb.loop):
        await leg.play(pcm)
    return NextVerb()


async def _get_digits(leg: Leg, verb: GetDigits) -> Step:
    """Keys typed by the caller come from the settings; without any the verb times out and the next one runs."""
    for prompt in verb.nested:
        await run_verb(leg, prompt)
    digits = leg.settings.digits.partition(verb.finish_on_key)[0][: verb.count_max]
    if not digits:
        await asyncio.sleep(verb.timeout_s)
        return NextVerb()
    try:
        return NewDocument(await leg.poster.ask(leg.poster.voice_url, "digits", "Answered", {"Digits": digits}))
    except AnswerFailed:
        return await carrier_message(leg)


async def _redirect(leg: Leg, verb: Redirect) -> Step:
    if leg.settings.redirect_moves_callback:
        leg.poster.voice_url = verb.url
    try:
        document = await leg.poster.ask(verb.url, "redirect", "Answered", method=verb.method)
    except AnswerFailed:
        return await carrier_message(leg)
    return NewDocument(document)
