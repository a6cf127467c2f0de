"""From an answer of call control to a document for the carrier, with its signed URLs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from agiza.carrier.documents import EMPTY, Conference, Dial, Document, Hangup, Redirect, Stream
from agiza.carrier.tokens import CallRef, TokenRefused, check_call_ref, sign_call_ref
from agiza.domain.call_answers import Answer, Close, DialPerson, JoinRoom, OfferStream, Silent
from agiza.domain.call_state import Phrase
from agiza.domain.call_step import RING_SECONDS
from agiza.domain.menu import Branch
from services.webhook.phrases import say

_STAGE: Final = re.compile(r"(next|status|dial|outbound)-(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the carrier finds us. A call's URLs carry its id, branch and stage, signed."""

    public: str
    media: str
    path_token: str
    secret: str

    def stream(self, token: str) -> str:
        """The media socket."""
        return f"{self.media.rstrip('/')}/media/{token}"

    def next(self, call_id: str, branch_id: str, epoch: int) -> str:
        """What the carrier runs after the Stream of this leg."""
        return self._signed("next", CallRef(call_id, branch_id, f"next-{epoch}"))

    def status(self, call_id: str, branch_id: str, epoch: int) -> str:
        """Where it reports on the Stream of this leg."""
        return self._signed("status", CallRef(call_id, branch_id, f"status-{epoch}"))

    def after_dial(self, call_id: str, branch_id: str, attempt: int) -> str:
        """What it runs after this Dial."""
        return self._signed("after-dial", CallRef(call_id, branch_id, f"dial-{attempt}"))

    def outbound(self, outbound_id: str, branch_id: str) -> str:
        """What the carrier asks when somebody picks up a call of ours."""
        return self._signed("outbound", CallRef(outbound_id, branch_id, "outbound-1"))

    def _signed(self, route: str, ref: CallRef) -> str:
        return f"{self.public.rstrip('/')}/carrier/{self.path_token}/{route}/{sign_call_ref(ref, self.secret)}"

    def read(self, text: str, kind: str) -> tuple[CallRef, int]:
        """The call in a signed URL and the number of its leg or Dial. Raises :class:`TokenRefused`."""
        ref = check_call_ref(text, (self.secret,))
        stage = _STAGE.fullmatch(ref.stage)
        if stage is None or stage[1] != kind:
            raise TokenRefused("malformed")
        return ref, int(stage[2])


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a document is made."""

    call_id: str
    branch: Branch
    language: str
    media_token: str | None
    reason: str = "caller_asked"


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
        case Close(farewell):
            return (say(farewell, branch, caller.language, now), Hangup()) if farewell else (Hangup(),)
        case _:
            assert_never(answer)
