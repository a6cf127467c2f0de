"""What a caller who is still on the line is told of the order that they have placed, when its kitchen speaks or is
silent for too long: with the words of `orderStatus`, of which it is an answer that nobody has asked for."""

from collections.abc import Mapping
from typing import Final, Literal

from agiza.domain.replies import PERSON_OFFER, number
from agiza.domain.said import Said, said

OrderWord = Literal["accepted", "rejected", "cancelled", "unacknowledged", "owned"]

TROUBLE: Final = frozenset({"rejected", "cancelled", "unacknowledged"})
"""Words that a caller must hear before they hang up, if it can be helped."""

_SORRY: Final[Mapping[OrderWord, str]] = {"rejected": "news_rejected", "cancelled": "news_cancelled"}
_WHY: Final[Mapping[str, str]] = {
    "busy": "news_why_busy",
    "sold_out": "news_why_sold_out",
    "closed": "news_why_closed",
    "too_far": "news_why_too_far",
}
"""Reasons that have a sentence. Others are the kitchen's own."""


def order_news(word: OrderWord, order_number: int, eta_minutes: int | None, reason: str | None) -> Mapping[str, object]:
    """The answer as the model sees it; `message` is what the caller hears. `offer`: a person is offered."""
    detail: dict[str, object] = {"status": "ok", "code": f"order_{word}", "order_number": order_number}
    named = number(order_number)
    match word:
        case "accepted":
            detail["eta_minutes"] = eta_minutes
            message = (
                said("news_accepted", number=named)
                if not eta_minutes
                else said("news_accepted_minutes", number=named, minutes=number(eta_minutes))
            )
        case "rejected" | "cancelled":
            detail |= {"reason": reason, "offer": "person"}
            message = said(_SORRY[word], number=named, why=_why(reason), person=PERSON_OFFER)
        case "unacknowledged":
            message = said("news_unacknowledged", number=named)
        case "owned":
            message = said("news_owned", number=named)
    return {**detail, "message": message}


def _why(reason: str | None) -> Said | str:
    sentence = _WHY.get(reason) if reason is not None else None
    return said(sentence) if sentence is not None else ""
