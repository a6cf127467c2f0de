"""What the carrier's own voice says to a caller, in the branch's languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from agiza.carrier.documents import Say
from agiza.domain.call_state import Phrase
from agiza.domain.hours import spoken_opening
from agiza.domain.menu import Branch

TAGS: Final[Mapping[str, str]] = {"en": "en-KE", "sw": "sw-KE"}
"""BCP 47 tags of the languages that have sentences here. Others are spoken to in English."""

SENTENCES: Final[Mapping[str, Mapping[Phrase, str]]] = {
    "en": {
        Phrase.CONNECTING: "One moment, connecting you to our team.",
        Phrase.CONNECTING_INSTEAD: "One moment please, a member of our team will help you.",
        Phrase.CLOSED: "Thank you for calling {branch}. We are closed now. We open {opening}. Goodbye.",
        Phrase.NOBODY_ANSWERED: "Sorry, nobody could answer just now. Please call us again in a few minutes. Goodbye.",
        Phrase.TRYING_NEXT: "If you still need somebody, please stay on the line. I am trying a colleague.",
        Phrase.CALLBACK_PROMISED: "Sorry, nobody can come to the phone just now. We will ring you back on this number"
        " within {minutes} minutes. Goodbye.",
        Phrase.TOO_MANY_CALLS: "Sorry, there have been many calls from this number. Please try again later. Goodbye.",
        Phrase.STAFF_CONNECTING: "{branch} ordering line. A customer needs you: {reason}. Connecting you now.",
        Phrase.STAFF_SETTLED: "{branch} ordering line. Thank you, this customer has been helped already. Goodbye.",
        Phrase.STAFF_MISSED: "The customer did not pick up. Thank you. Goodbye.",
        Phrase.ORDER_WAITS: "{branch} ordering line. {order} waits, and nobody in the kitchen has taken it."
        " Press 1 to take it, then see to it at the kitchen screen.",
        Phrase.ORDER_TAKEN: "Thank you, it is yours. Please see to it at the kitchen screen. Goodbye.",
        Phrase.ORDER_LEFT: "Nobody has taken it yet. I am ringing the next one. Goodbye.",
        Phrase.ORDER_SETTLED: "{branch} ordering line. Thank you, somebody has this order already. Goodbye.",
        Phrase.UNAVAILABLE: "Sorry, we cannot take your call just now. Please call us again later. Goodbye.",
    },
    "sw": {
        Phrase.CONNECTING: "Subiri kidogo, tunakuunganisha na wahudumu wetu.",
        Phrase.CONNECTING_INSTEAD: "Tafadhali subiri kidogo, mhudumu wetu atakusaidia.",
        Phrase.CLOSED: "Asante kwa kupigia {branch}. Kwa sasa tumefunga. Tafadhali piga tena tukifungua. Kwaheri.",
        Phrase.NOBODY_ANSWERED: "Samahani, hakuna aliyeweza kupokea sasa. Tafadhali piga tena baadaye. Kwaheri.",
        Phrase.TRYING_NEXT: "Ikiwa bado unahitaji msaada, tafadhali subiri. Najaribu mhudumu mwingine.",
        Phrase.CALLBACK_PROMISED: "Samahani, hakuna anayeweza kupokea simu sasa. Tutakupigia kwa namba hii ndani ya"
        " dakika {minutes}. Kwaheri.",
        Phrase.TOO_MANY_CALLS: "Samahani, simu nyingi zimetoka kwa namba hii. Tafadhali jaribu baadaye. Kwaheri.",
        Phrase.STAFF_CONNECTING: "Laini ya oda ya {branch}. Mteja anakuhitaji: {reason}. Tunakuunganisha sasa.",
        Phrase.STAFF_SETTLED: "Laini ya oda ya {branch}. Asante, mteja huyu ameshasaidiwa. Kwaheri.",
        Phrase.STAFF_MISSED: "Mteja hakupokea simu. Asante. Kwaheri.",
        Phrase.ORDER_WAITS: "Laini ya oda ya {branch}. {order} inasubiri, na hakuna aliyeichukua jikoni."
        " Bonyeza 1 kuichukua, kisha uiangalie kwenye skrini ya jikoni.",
        Phrase.ORDER_TAKEN: "Asante, ni yako. Tafadhali iangalie kwenye skrini ya jikoni. Kwaheri.",
        Phrase.ORDER_LEFT: "Bado hakuna aliyeichukua. Ninampigia mwingine. Kwaheri.",
        Phrase.ORDER_SETTLED: "Laini ya oda ya {branch}. Asante, oda hii ina mtu tayari. Kwaheri.",
        Phrase.UNAVAILABLE: "Samahani, hatuwezi kupokea simu yako sasa. Tafadhali piga tena baadaye. Kwaheri.",
    },
}


REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "caller_asked": "they asked for a person",
        "allergy_or_medical": "a question about allergies or health",
        "payment": "a question about a payment",
        "complaint": "a complaint",
        "not_understood": "the assistant did not understand them",
        "abuse": "the caller was upset",
        "special_request": "a special request",
        "high_value": "a large order",
        "order_not_accepted": "their order was not accepted",
        "technical": "trouble with the line",
        "callback": "they asked to be called back",
    },
    "sw": {
        "caller_asked": "aliomba kuongea na mtu",
        "allergy_or_medical": "swali kuhusu mzio au afya",
        "payment": "swali kuhusu malipo",
        "complaint": "malalamiko",
        "not_understood": "msaidizi hakumwelewa",
        "abuse": "mteja alikasirika",
        "special_request": "ombi maalum",
        "high_value": "oda kubwa",
        "order_not_accepted": "oda yake haikukubaliwa",
        "technical": "tatizo la laini",
        "callback": "aliomba kupigiwa simu",
    },
}
"""Why a person of the branch is rung, as they hear it."""


ORDERS: Final[Mapping[str, tuple[str, str]]] = {"en": ("Order {}", "An order"), "sw": ("Oda namba {}", "Oda moja")}
"""An order with its number, and one whose number is not known."""


def say(
    phrase: Phrase,
    branch: Branch,
    language: str,
    now: datetime,
    reason: str = "caller_asked",
    *,
    order_number: int | None = None,
) -> Say:
    """The sentence in the listener's language, else in English. ``reason`` and ``order_number`` are for people of the
    branch."""
    base = language.partition("-")[0]
    spoken = base if base in SENTENCES else "en"
    opening = branch.hours.next_opening(now)
    text = SENTENCES[spoken][phrase].format(
        branch=branch.name,
        opening=spoken_opening(opening, now) if opening else "again soon",
        minutes=branch.escalation.callback_minutes,
        order=ORDERS[spoken][0].format(order_number) if order_number else ORDERS[spoken][1],
        reason=REASONS[spoken].get(reason, REASONS[spoken]["caller_asked"]),
    )
    return Say(text, TAGS[spoken])
