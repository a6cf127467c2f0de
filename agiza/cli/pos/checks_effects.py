"""What only the endpoint's own requests and its survival can show: words, holes, crashes, and holding everything."""

from __future__ import annotations

from typing import Final

from agiza.cli.pos.check import Check
from agiza.cli.pos.course import Course, tries_until
from agiza.cli.pos.evidence import Evidence, Verdict, delivery_fault, effect_fault, unseen

_CANCEL_ANSWERS: Final = frozenset({"cancelled", "ready"})


async def _words(course: Course) -> None:
    await course.ticket("words.accepted", way="a ticket")


def _judge_words(evidence: Evidence) -> Verdict:
    if not evidence.has_api:
        return _no_api(evidence)
    if (fault := delivery_fault(evidence, "words.accepted")) is not None:
        return Verdict("fail", fault)
    words = evidence.words(evidence.of("words.accepted")[0].made.order_id)
    states = [said.state for said in words]
    if not words:
        hint = f"; {evidence.refused_keys} requests came without the right key" if evidence.refused_keys else ""
        return Verdict("fail", f"nothing was said of the order{hint}")
    if "rejected" in states:
        return Verdict("warn", "the order was rejected, perhaps because its dish is not on your menu")
    if "accepted" not in states:
        return Verdict("fail", f"said: {', '.join(states)}; 'accepted' with eta_minutes did not come")
    eta = next(said.eta_minutes for said in words if said.state == "accepted")
    return Verdict("pass", f"said: {', '.join(dict.fromkeys(states))}, ready in {eta} minutes")


async def _once(course: Course) -> None:
    order = course.order()
    if course.api is not None and order.order_id is not None:
        course.api.trips.add(order.order_id)
        course.flaky.add(order.order_id)
    await course.sender.deliver("words.idempotent", order, way="a ticket whose words are answered with 503 at first")


def _judge_once(evidence: Evidence) -> Verdict:
    if (why := unseen(evidence)) is not None:
        return why
    if (fault := delivery_fault(evidence, "words.idempotent")) is not None:
        return Verdict("fail", fault)
    words = evidence.words(evidence.of("words.idempotent")[0].made.order_id)
    if not words:
        return Verdict("fail", "nothing was said of the order")
    if any(said.key is None for said in evidence.said):
        return Verdict("fail", "a word came without an Idempotency-Key")
    first = [said for said in words if said.state == words[0].state]
    if len(first) == 1:
        return Verdict("fail", f"{first[0].state!r} was answered with 503, and not said again")
    if len({said.key for said in first}) > 1:
        return Verdict("fail", f"{first[0].state!r} was said again under another Idempotency-Key")
    return Verdict("pass", f"{first[0].state!r} was said again under the same key")


async def _cancel(course: Course) -> None:
    delivery = await course.ticket("words.cancel", way="a ticket")
    await course.said_of(delivery.made, frozenset({"accepted", "rejected"}))
    wish = course.wish_to_cancel(delivery.made)
    await course.sender.deliver("words.cancel", wish, way="the wish to cancel it")


def _judge_cancel(evidence: Evidence) -> Verdict:
    if (why := unseen(evidence)) is not None:
        return why
    if (fault := delivery_fault(evidence, "words.cancel")) is not None:
        return Verdict("fail", fault)
    states = [said.state for said in evidence.words(evidence.of("words.cancel")[0].made.order_id)]
    if "rejected" in states or _CANCEL_ANSWERS & set(states):
        return Verdict("pass", f"said: {', '.join(dict.fromkeys(states))}")
    return Verdict("fail", "neither 'cancelled' nor 'ready' was said after the caller's wish to cancel")


async def _gap(course: Course) -> None:
    await course.ticket("gap", way="a ticket")
    lost = course.order()
    course.notes["lost"], course.notes["lost_order"] = lost.item.sequence, lost.order_id
    await course.ticket("gap", way="the ticket after the one that was not sent")
    await course.said_of(lost)


def _judge_gap(evidence: Evidence) -> Verdict:
    if (why := unseen(evidence)) is not None and not evidence.pulled:
        return why
    if (fault := delivery_fault(evidence, "gap")) is not None:
        return Verdict("fail", fault)
    number = evidence.notes["lost"]
    assert isinstance(number, int)
    if not any(page.after < number <= page.upto and page.status == 200 for page in evidence.pulled):
        return Verdict("fail", f"number {number} was not sent, and was not fetched either")
    if not evidence.words(str(evidence.notes["lost_order"])):
        return Verdict("fail", f"number {number} was fetched, but nothing was said of its order")
    return Verdict("pass", f"number {number} was fetched, and its order taken")


async def _crash(course: Course) -> None:
    """The feed is away meanwhile: what was answered with 2xx was promised, and must not need a second source."""
    if course.crash is None:
        return
    await course.settle()
    if course.api is not None:
        course.api.is_away = True
    delivery = await course.ticket("crash", way="a ticket, and the process killed at once")
    await course.crash()
    course.notes["restarted"] = await tries_until(lambda: _answers(course), course.patience.restart_s)
    course.notes["kept"] = await course.said_of(delivery.made)
    if course.api is not None:
        course.api.is_away = False
    await course.ticket("crash", way="a ticket after the restart")


async def _answers(course: Course) -> bool:
    delivery = await course.sender.deliver("crash", course.maker.ping(), way="a ping after the restart")
    if delivery.status is None:
        course.sender.deliveries.remove(delivery)
    return delivery.status is not None


def _judge_crash(evidence: Evidence) -> Verdict:
    if not evidence.of("crash"):
        return Verdict("not observable", "give --crash a command that kills your endpoint with kill -9 and starts it")
    if (why := unseen(evidence)) is not None:
        return why
    if not evidence.notes["restarted"]:
        return Verdict("fail", "the endpoint did not answer again after the command of --crash")
    if (fault := delivery_fault(evidence, "crash")) is not None:
        return Verdict("fail", fault)
    if not evidence.notes["kept"]:
        return Verdict("fail", "a ticket was answered with 2xx and was gone after the crash")
    fault = effect_fault(evidence, "crash")
    return Verdict("fail", fault) if fault is not None else Verdict("pass", "what was answered with 2xx was kept")


async def _digest(course: Course) -> None:
    if course.read_digest is None:
        return
    await course.settle()
    feed = course.maker.feed
    course.notes["expected"] = course.maker.digest()
    first, last = feed[0].sequence, feed[-1].sequence

    async def is_equal() -> bool:
        assert course.read_digest is not None
        answer = await course.read_digest(first, last)
        is_text = isinstance(answer, str)
        course.notes["digest"] = answer if is_text else answer.get("digest")  # type: ignore[union-attr]
        course.notes["count"] = None if is_text else answer.get("count")  # type: ignore[union-attr]
        return bool(course.notes["digest"] == course.notes["expected"])

    course.notes["of"] = len(feed)
    await tries_until(is_equal, course.patience.words_s)


def _judge_digest(evidence: Evidence) -> Verdict:
    if "digest" not in evidence.notes:
        return Verdict("not observable", "show your own digest at an address, and give it as --digest-url")
    if evidence.notes["digest"] == evidence.notes["expected"]:
        return Verdict("pass", f"the same digest over {evidence.notes['of']} events")
    if evidence.notes["count"] is None:
        return Verdict("fail", f"no digest: {evidence.notes['digest']}")
    return Verdict("fail", f"another digest, over {evidence.notes['count']} of {evidence.notes['of']} events")


def _no_api(evidence: Evidence) -> Verdict:
    found = unseen(evidence)
    assert found is not None
    return found


EFFECT_CHECKS: Final = (
    Check(
        "words.accepted",
        "the kitchen says received, then accepted with its time",
        "a ticket",
        "POST /v1/orders/{id}/state: received when it is stored, accepted with eta_minutes when it will be made",
        _words,
        _judge_words,
    ),
    Check(
        "words.idempotent",
        "a word is said again under the same key",
        "a ticket whose words are carried out, but answered with 503 the first time",
        "make the Idempotency-Key with the word, keep it, and send it with every try until there is an answer",
        _once,
        _judge_once,
    ),
    Check(
        "words.cancel",
        "a wish to cancel is answered",
        "a ticket, and the wish to cancel it",
        "say cancelled when you stop making it, or ready when the food is there already",
        _cancel,
        _judge_cancel,
    ),
    Check(
        "gap",
        "a missing number is fetched",
        "tickets n and n+2; n+1 lies in the feed only",
        "keep the numbers that you hold; when one is missing, GET /v1/branches/{id}/events?after=n and take all",
        _gap,
        _judge_gap,
    ),
    Check(
        "crash",
        "what was answered with 2xx survives a crash",
        "a ticket; the process is killed as soon as it has answered, and started again; the feed is away meanwhile",
        "answer 2xx after the event is on the disk (a commit, an fsync), not before",
        _crash,
        _judge_crash,
    ),
    Check(
        "digest",
        "the endpoint holds everything, once, unchanged",
        "a request for its own digest over all numbers of this run",
        "h(n) = SHA-256(h(n-1) || SHA-256(body n)) from 32 zero bytes; count what is missing, and fetch it",
        _digest,
        _judge_digest,
    ),
)
