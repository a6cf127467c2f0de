"""What deliveries do on a bad day: twice, in the wrong order, at once, large, of a kind that is not known yet."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Final

from agiza.cli.pos.check import Check, nothing
from agiza.cli.pos.course import Course
from agiza.cli.pos.evidence import Evidence, Verdict, delivery_fault, effect_fault, plain, unseen
from agiza.cli.pos.sending import ANSWER_BYTES_MAX

AT_ONCE: Final = 10
REPEATS: Final = 3
ANSWER_MAX_S: Final = 15.0
ANSWER_GOOD_S: Final = 2.0
_COOKING: Final = frozenset({"accepted", "preparing"})


async def _duplicates(course: Course) -> None:
    made = course.order()
    for _ in range(REPEATS):
        await course.sender.deliver("duplicates", made, way="the same delivery again")


def _judge_duplicates(evidence: Evidence) -> Verdict:
    fault = delivery_fault(evidence, "duplicates")
    if fault is not None:
        return Verdict("fail", fault)
    if (why := unseen(evidence)) is not None:
        return why
    if (fault := effect_fault(evidence, "duplicates")) is not None:
        return Verdict("fail", fault)
    for order_id in {said.order_id for said in evidence.said} - set(evidence.flaky):
        words = {(said.key, said.state, said.eta_minutes) for said in evidence.words(order_id)}
        for (state, _), times in Counter((state, eta) for _, state, eta in words).items():
            if times > 1:
                return Verdict("fail", f"{state!r} was said of one order under {times} different keys")
    return Verdict("pass", f"{REPEATS} deliveries, one effect")


async def _disorder(course: Course) -> None:
    order = course.order()
    wish = course.wish_to_cancel(order)
    await course.sender.deliver("disorder", wish, way="the wish to cancel, before its ticket")
    await course.sender.deliver("disorder", order, way="the ticket, after the wish to cancel it")


def _judge_disorder(evidence: Evidence) -> Verdict:
    fault = delivery_fault(evidence, "disorder")
    if fault is not None:
        return Verdict("fail", fault)
    if (why := unseen(evidence)) is not None:
        return why
    states = [said.state for said in evidence.words(evidence.of("disorder")[0].made.order_id)]
    wrong = [state for state in states if state in _COOKING]
    if wrong:
        return Verdict("fail", f"the older ticket came after the wish to cancel, and {wrong[0]!r} was said of it")
    return Verdict("pass", f"the older ticket changed nothing; said: {', '.join(states) or 'nothing'}")


async def _unknown_type(course: Course) -> None:
    delivery = await course.ticket("unknown.type", way="a ticket")
    await course.sender.deliver("unknown.type", course.maker.unknown(delivery.made), way="a type that you cannot know")


async def _unknown_fields(course: Course) -> None:
    await course.sender.deliver("unknown.fields", course.order(extra=True), way="with members that you cannot know")


async def _ping(course: Course) -> None:
    await course.sender.deliver("ping", course.maker.ping(), way="a test ping")


async def _large(course: Course) -> None:
    await course.sender.deliver("large", course.order(large=True), way="as large as a ticket may be")


async def _concurrent(course: Course) -> None:
    orders = [course.order() for _ in range(AT_ONCE)]
    await asyncio.gather(*(course.sender.deliver("concurrent", order, way=f"{AT_ONCE} at once") for order in orders))


async def _keep_alive(course: Course) -> None:
    opened = 0

    async def watch(event: str, _: object) -> None:
        nonlocal opened
        opened += event == "connection.connect_tcp.complete"

    async with course.connect() as client:
        client.event_hooks["request"].append(lambda request: _traced(request, watch))
        for _ in range(2):
            await course.ticket("keep-alive", client=client, way="on the same connection")
    course.notes["connections"] = opened


async def _traced(request: object, watch: object) -> None:
    request.extensions["trace"] = watch  # type: ignore[attr-defined]


def _judge_keep_alive(evidence: Evidence) -> Verdict:
    verdict = plain(evidence, "keep-alive")
    if verdict.outcome == "pass" and evidence.notes.get("connections") != 1:
        return Verdict("warn", "the connection was closed after the first answer")
    return verdict


def _judge_success(evidence: Evidence) -> Verdict:
    for delivery in evidence.deliveries:
        if delivery.status is not None and 300 <= delivery.status < 400:
            return Verdict("fail", f"{delivery.made.item.type}, {delivery.way}: answered {delivery.status}")
    return Verdict("pass", "no redirect")


def _judge_small(evidence: Evidence) -> Verdict:
    largest = max((delivery.answer_bytes for delivery in evidence.deliveries), default=0)
    if largest > ANSWER_BYTES_MAX:
        return Verdict("fail", f"an answer was longer than {ANSWER_BYTES_MAX} bytes")
    return Verdict("pass", f"at most {largest} bytes")


def _judge_speed(evidence: Evidence) -> Verdict:
    # What waits for a process that is being started again says nothing of how fast it answers.
    judged = [delivery for delivery in evidence.deliveries if delivery.check != "crash"]
    slowest = max(judged, key=lambda delivery: delivery.took_s)
    seen = f"the slowest answer took {slowest.took_s:.1f} s ({slowest.check})"
    if slowest.took_s >= ANSWER_MAX_S:
        return Verdict("fail", seen)
    return Verdict("warn" if slowest.took_s > ANSWER_GOOD_S else "pass", seen)


def _plain(check: str) -> partial[Verdict]:
    return partial(plain, check=check)


DELIVERY_CHECKS: Final = (
    Check(
        "duplicates",
        "the same delivery again has one effect",
        f"one ticket, {REPEATS} times, with the same webhook-id; and all other tickets of this run",
        "keep webhook-id in the transaction that takes the event, and answer 2xx to one that you have",
        _duplicates,
        _judge_duplicates,
    ),
    Check(
        "disorder",
        "an older event never overrules a newer one",
        "the wish to cancel an order, and after it the order's ticket, which has the lower number",
        "keep the highest sequence that you applied to an order; an event with a lower one does not move its state",
        _disorder,
        _judge_disorder,
    ),
    Check(
        "unknown.type",
        "an event of an unknown type is taken and ignored",
        "an event agiza.order.garnished",
        "answer 2xx to types that you do not know, and keep their numbers: they are in the feed",
        _unknown_type,
        _plain("unknown.type"),
    ),
    Check(
        "unknown.fields",
        "unknown members change nothing",
        "a ticket with members that no build sends",
        "read what you know and ignore the rest: members may be added at any time",
        _unknown_fields,
        _plain("unknown.fields"),
    ),
    Check(
        "ping",
        "a test ping is taken",
        "an event agiza.ping, which has no number",
        "answer 2xx to an event without a sequence, and do nothing else",
        _ping,
        _plain("ping"),
    ),
    Check(
        "large",
        "a large ticket is taken",
        "a ticket with as many lines as a branch allows, each with eight options",
        "allow bodies of at least 256 KiB in the application and in the proxy before it",
        _large,
        _plain("large"),
    ),
    Check(
        "concurrent",
        "deliveries at the same time are all taken",
        f"{AT_ONCE} tickets at once",
        "let no delivery wait for another's work: take it, answer, and work afterwards",
        _concurrent,
        _plain("concurrent"),
    ),
    Check(
        "keep-alive",
        "the connection stays open for the next delivery",
        "two tickets, one after the other",
        "keep connections open for a minute: each new one costs a TLS handshake",
        _keep_alive,
        _judge_keep_alive,
    ),
    Check(
        "answers.success",
        "what was taken is answered with 2xx",
        "all deliveries of this run",
        "only 2xx is success; a redirect is not followed, and the delivery comes again until it is given up",
        nothing,
        _judge_success,
    ),
    Check(
        "answers.small",
        "answers are short",
        "all deliveries of this run",
        "answer with 204 and no body: what is longer is not read, and the connection is closed",
        nothing,
        _judge_small,
    ),
    Check(
        "speed",
        "answers come in time",
        "all deliveries of this run",
        f"answer once the event is stored, within {ANSWER_GOOD_S:g} s; after {ANSWER_MAX_S:g} s it counts as lost",
        nothing,
        _judge_speed,
    ),
)
