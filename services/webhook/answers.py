"""From an answer of call control to a document for the carrier, with its signed URLs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from agiza.carrier.documents import EMPTY, Conference, Dial, Document, GetDigits, Hangup, Redirect, Stream
from agiza.carrier.urls import Urls
from agiza.domain.call_answers import Answer, AskKey, Close, DialPerson, JoinRoom, OfferStream, Silent
from agiza.domain.call_state import Phrase
from agiza.domain.call_step import RING_SECONDS
from agiza.domain.menu import Branch
from services.webhook.phrases import say

KEY_SECONDS: Final = 10
"""So long a person of the branch may look for the key."""


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a document is made."""

    call_id: str
    branch: Branch
    language: str
    media_token: str | None
    reason: str = "caller_asked"
    order_number: int | None = None


def _apology(phrase: Phrase) -> Phrase:
    return Phrase.STAFF_MISSED if phrase is Phrase.STAFF_CONNECTING else Phrase.NOBODY_ANSWERED


def document_for(answer: Answer, caller: Caller, urls: Urls, now: datetime) -> Document:
    """The verbs that carry out this answer."""
    branch = caller.branch
    match answer:
        case Silent():
            return EMPTY
        case OfferStream(epoch):
            if caller.media_token is None:
                raise ValueError("a Stream is offered without a media token")
            return (
                Stream(urls.stream(caller.media_token), urls.status(caller.call_id, branch.id, epoch)),
                Redirect(urls.next(caller.call_id, branch.id, epoch)),
            )
        case DialPerson(target, phrase, attempt):
            # Verbs after the Redirect run only where the carrier does not take it.
            return (
                say(phrase, branch, caller.language, now, caller.reason),
                Dial(target.phone, branch.phone, RING_SECONDS),
                Redirect(urls.after_dial(caller.call_id, branch.id, attempt)),
                say(_apology(phrase), branch, caller.language, now),
                Hangup(),
            )
        case JoinRoom(room, phrase, attempt):
            return (
                say(phrase, branch, caller.language, now, caller.reason),
                Conference(room),
                Redirect(urls.after_dial(caller.call_id, branch.id, attempt)),
                Hangup(),
            )
        case AskKey(phrase):
            return (
                GetDigits(say(phrase, branch, caller.language, now, order_number=caller.order_number), KEY_SECONDS),
                say(Phrase.ORDER_LEFT, branch, caller.language, now),
                Hangup(),
            )
        case Close(farewell):
            return (say(farewell, branch, caller.language, now), Hangup()) if farewell else (Hangup(),)
        case _:
            assert_never(answer)
