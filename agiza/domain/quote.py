"""The read-back guard: a total is stamped when it is priced, and an order is placed only on a stamp that still holds,
was heard by the caller, and was answered by the caller's own voice."""

import hashlib
import json
from typing import Literal, assert_never

from agiza.domain.blockers import first_blocker
from agiza.domain.cart import Cart, ConfirmationAsked, Quote, QuoteGiven
from agiza.domain.codec_fields import written
from agiza.domain.context import ReadBack, Ruling, ToolContext, ask, done, refuse
from agiza.domain.ids import QuoteId
from agiza.domain.line_words import line_words
from agiza.domain.pricing import PricedCart, price_cart
from agiza.domain.replies import read_back_words, total_words
from agiza.domain.said import joined, said

PLAYED_MS_MIN = 1_000  # of a reading that was cut off; less is no reading
SPEECH_MS_MIN = 200  # of the caller since the reading began; less may be a click or a cough
_CONFIRM = said("shall_i_place")


def get_total(cart: Cart, ctx: ToolContext) -> Ruling:
    """The total with the words of the read-back. Asked again without a change, it gives the same quote."""
    if not cart.lines:
        return _nothing_to_total(cart)
    priced = price_cart(cart, ctx.menu, ctx.branch)
    blocker = first_blocker(cart, priced, ctx)
    fingerprint = fingerprint_of(cart, priced)
    quote = cart.quote
    event = None
    if quote is None or quote.cart_version != cart.version or quote.fingerprint != fingerprint:
        quote_id = QuoteId(f"q{cart.version}-{fingerprint[:16]}")
        quote = Quote(quote_id, cart.version, fingerprint, priced.totals.total_minor, priced.fulfilment)
        event = QuoteGiven(quote)
    lines = [line_words(line, ctx.menu) for line in priced.lines]
    order_words = read_back_words(lines, priced.totals, priced.fulfilment, cart.customer.address, cart.customer.note)
    # A total may always be asked for, but the question behind it must not invite a yes that cannot be kept.
    read_back = joined((order_words, _CONFIRM if blocker is None else blocker.message))
    return done(
        "total",
        read_back,
        *([event] if event is not None else []),
        quote_id=quote.id,
        subtotal_minor=priced.totals.subtotal_minor,
        delivery_minor=priced.totals.delivery_minor,
        tax_minor=priced.totals.tax_minor,
        total_minor=priced.totals.total_minor,
        currency=priced.totals.currency,
        total_words=total_words(priced.totals),
        lines=lines,
        read_back=read_back,
        **({} if blocker is None else {"blocked": blocker.code}),
    )


def judge_read_back(cart: Cart, priced: PricedCart, read_back: ReadBack | None) -> Ruling | None:
    """None when the caller has heard and answered the order as it stands; else what to do about it.

    A reading that the caller cut off costs one short question, once for each quote; then their next words count.
    """
    quote = cart.quote
    if quote is None:
        return refuse("not_read_back", said("not_read_back"))
    if quote.cart_version != cart.version:
        return refuse("quote_outdated", said("quote_outdated"))
    if quote.fingerprint != fingerprint_of(cart, priced):
        return refuse("price_changed", said("price_changed"))
    if read_back is None or read_back.quote_id != quote.id:
        return refuse("not_read_back", said("not_read_back"))
    return _judge_outcome(quote, priced, read_back)


def _judge_outcome(quote: Quote, priced: PricedCart, read_back: ReadBack) -> Ruling | None:
    answered = read_back.caller_speech_ms >= SPEECH_MS_MIN
    outcome: Literal["none", "playing", "completed", "cut"] = read_back.outcome
    if outcome == "none":
        return refuse("not_read_back", said("not_read_back"))
    # Speech from before the question is no answer to it, also where the model has called twice in one breath.
    if quote.asked_again and read_back.asked_again is not False:
        return None if answered else _no_answer()
    match outcome:
        case "completed":
            return None if answered else _no_answer()
        case "playing" if not answered or read_back.played_ms < PLAYED_MS_MIN:
            return refuse("still_reading", said("still_reading"))
        case "playing" | "cut":  # who says yes into the last words need not be stopped by the model to be asked
            if read_back.played_ms < PLAYED_MS_MIN:
                return refuse("read_back_unheard", said("read_back_unheard"))
            if not answered:
                return _no_answer()
            words = total_words(priced.totals)
            return ask(
                "confirm_again",
                said("total_confirm", total=words),
                ConfirmationAsked(quote.id),
                quote_id=quote.id,
                total_minor=priced.totals.total_minor,
                total_words=words,
            )
        case _:
            assert_never(outcome)


def fingerprint_of(cart: Cart, priced: PricedCart) -> str:
    """A hash over what the read-back says and the order will hold: lines, prices, totals, the way it goes."""
    content = {
        "cart": cart.id,
        "lines": [written(line) for line in priced.lines],
        "fulfilment": priced.fulfilment,
        "totals": written(priced.totals),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _no_answer() -> Ruling:
    return refuse("no_answer", _CONFIRM)


def _nothing_to_total(cart: Cart) -> Ruling:
    if cart.placed:
        last = cart.placed[-1]
        return refuse(
            "cart_empty",
            said("nothing_since", number=last.number),
            order_number=last.number,
            order_id=last.id,
        )
    return refuse("cart_empty", said("cart_empty"))
