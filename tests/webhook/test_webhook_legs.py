"""Legs that are lost, calls that we placed, and the limits of dialling, as the carrier sees them."""

from __future__ import annotations

import pytest
from webhook_desk import CALLER, OUR_NUMBER, PATH_TOKEN, TOKEN_SECRET, Webhook, posted, until

from agiza.carrier.tokens import CallRef, check_media_token, sign_call_ref
from agiza.contracts.streams import DIAL_SWITCH, nonce_key

pytestmark = pytest.mark.integration

STAFF = "+254700000002"
OUT = "HD_outbound01"


def token_of(answer: object) -> str:
    url = answer.xml[0].attrib["url"]  # type: ignore[attr-defined]
    return str(url).rpartition("/")[2]


async def report(webhook: Webhook, outcome: str, reason: str, epoch: int = 0) -> None:
    """The bridge's report, as it lies in the call's row."""
    await webhook.rows(
        "UPDATE calls SET outcome = %s, end_reason = %s WHERE call_id = 'HD_7c21e04ab9f3' AND leg_epoch = %s",
        outcome, reason, epoch,
    )  # fmt: skip


async def test_lost_bridge_is_answered_with_the_next_leg_and_its_own_token(webhook: Webhook) -> None:
    first = await webhook.voice("Ringing")
    await webhook.voice("StreamStarted")
    await report(webhook, "dropped", "bridge_stopped")
    again = await webhook.post(first.redirect, posted("Answered"))
    assert again.verbs == ["Stream", "Redirect"]
    assert token_of(again) != token_of(first)
    now = webhook.process.clock.now()
    assert check_media_token(token_of(again), (TOKEN_SECRET,), now).epoch == 1
    # What still speaks of the first leg gets the same offer, and the outcome waits for the new leg's report.
    assert (await webhook.post(first.redirect, posted("Answered"))).body == again.body
    assert await webhook.rows("SELECT leg_epoch, outcome, stage FROM calls") == [(1, None, "offered")]
    assert await webhook.event_types(2) == ["started", "rejoined"]


async def test_model_that_failed_is_not_tried_with_another_leg(webhook: Webhook) -> None:
    first = await webhook.voice("Ringing")
    await webhook.voice("StreamStarted")
    await report(webhook, "dropped", "first_audio_late")
    assert (await webhook.post(first.redirect, posted("Answered"))).dialled == ["+254700000001"]


async def matter(
    webhook: Webhook, *, kind: str = "staff_bridge", state: str = "calling", room: str | None = None
) -> str:
    """A call that escalation has placed; the path under which the carrier asks."""
    await webhook.rows(
        "INSERT INTO callbacks (callback_id, call_id, branch_id, kind, pii_phone, reason, state, promised_for,"
        " traceparent, created_at, updated_at) VALUES ('cb-1', 'HD_lost01', 'westlands', 'person', %s,"
        " 'allergy_or_medical', %s, now(), '', now(), now())",
        CALLER, state,
    )  # fmt: skip
    await webhook.rows(
        "INSERT INTO outbound_calls (outbound_id, call_id, callback_id, branch_id, kind, pii_to, pii_customer, room,"
        " state, created_at, updated_at) VALUES ('out-1', 'HD_lost01', 'cb-1', 'westlands', %s, %s, %s, %s, 'placed',"
        " now(), now())",
        kind, CALLER if kind == "ring_back" else STAFF, CALLER, room,
    )  # fmt: skip
    ref = sign_call_ref(CallRef("out-1", "westlands", "outbound-1"), TOKEN_SECRET)
    return f"/carrier/{PATH_TOKEN}/outbound/{ref}"


def outbound(state: str, **fields: str) -> dict[str, str]:
    return posted(state, OUT, callerNumber=OUR_NUMBER, destinationNumber=STAFF, direction="outbound", **fields)


async def test_staff_who_pick_up_hear_why_and_are_connected(webhook: Webhook) -> None:
    path = await matter(webhook)
    answer = await webhook.post(path, outbound("Answered"))
    assert answer.verbs == ["Say", "Dial", "Redirect", "Say", "Hangup"]
    assert "allergies or health" in (answer.xml[0].text or "")
    assert answer.dialled == [CALLER]
    assert (await webhook.post(path, outbound("Answered"))).body == answer.body
    assert (await webhook.post(answer.redirect, outbound("Answered", dialStatus="completed"))).verbs == ["Hangup"]
    assert (await webhook.post(path, outbound("Completed"))).verbs == []
    await webhook.event_types(2)
    moved = [event["data"]["step"] for event in await webhook.events() if event["type"].endswith("outbound_moved")]
    assert moved == ["answered", "connected"]
    assert await webhook.rows("SELECT kind, outbound_id, pii_caller FROM calls") == [("staff_bridge", "out-1", None)]


async def test_staff_who_do_not_pick_up(webhook: Webhook) -> None:
    path = await matter(webhook)
    assert (await webhook.post(path, outbound("Completed", hangupCause="NO_ANSWER"))).verbs == []
    await webhook.event_types(1)
    assert [event["data"]["step"] for event in await webhook.events()] == ["unanswered"]


async def test_matter_that_was_closed_meanwhile_rings_nobody(webhook: Webhook) -> None:
    path = await matter(webhook, state="closed")
    answer = await webhook.post(path, outbound("Answered"))
    assert answer.verbs == ["Say", "Hangup"]
    assert "helped already" in (answer.xml[0].text or "")


async def test_person_waits_in_the_room(webhook: Webhook) -> None:
    path = await matter(webhook, kind="staff_join", room="room-h1")
    answer = await webhook.post(path, outbound("Answered"))
    assert answer.verbs == ["Say", "Conference", "Redirect", "Hangup"]
    assert answer.xml[1].text == "room-h1"


async def waiting_order(webhook: Webhook) -> str:
    """An order of the call that nobody has taken, about which staff are rung; the path of that call."""
    path = await matter(webhook, kind="staff_alarm")
    await webhook.rows("UPDATE callbacks SET kind = 'kitchen', reason = 'order_not_accepted'")
    await webhook.rows(
        "INSERT INTO menus (branch_id, version, document, digest) VALUES ('westlands', 1, '{}', 'x')"
        " ON CONFLICT DO NOTHING"
    )
    await webhook.rows(
        "INSERT INTO carts (cart_id, call_id, branch_id, menu_version, pii_state)"
        " VALUES ('cart-1', 'HD_lost01', 'westlands', 1, '{}')"
    )
    await webhook.rows(
        "INSERT INTO orders (order_id, branch_id, call_id, cart_id, cart_version, order_number, day, state, fulfilment,"
        " currency, items_minor, tax_minor, total_minor, placed_at, alarm, alarm_at) VALUES ('ord-1', 'westlands',"
        " 'HD_lost01', 'cart-1', 1, 17, '2026-03-06', 'placed', 'pickup', 'KES', 1, 0, 1, now(), 'not_received', now())"
    )
    return path


async def test_staff_take_an_order_with_a_key(webhook: Webhook) -> None:
    path = await waiting_order(webhook)
    answer = await webhook.post(path, outbound("Answered"))
    assert answer.verbs == ["GetDigits", "Say", "Hangup"]
    (prompt,) = answer.xml[0]
    assert "Order 17 waits" in (prompt.text or "")
    assert answer.xml[0].attrib == {"maxDigits": "1", "timeout": "10"}
    taken = await webhook.post(path, outbound("Answered", Digits="1"))
    assert taken.verbs == ["Say", "Hangup"]
    assert "it is yours" in (taken.xml[0].text or "")
    await webhook.post(path, outbound("Completed", durationInSeconds="20"))
    await webhook.event_types(2)
    moved = [event["data"]["step"] for event in await webhook.events() if event["type"].endswith("outbound_moved")]
    assert moved == ["answered", "connected"]
    assert await webhook.rows("SELECT kind FROM calls") == [("staff_alarm",)]


async def test_staff_who_are_too_late_for_an_order_hear_so(webhook: Webhook) -> None:
    path = await waiting_order(webhook)
    await webhook.rows("UPDATE orders SET owned_by = 'Amina', owned_at = now()")
    answer = await webhook.post(path, outbound("Answered"))
    assert answer.verbs == ["Say", "Hangup"]
    assert "somebody has this order already" in (answer.xml[0].text or "")


async def test_customer_who_is_rung_back_gets_a_stream_of_their_own(webhook: Webhook) -> None:
    path = await matter(webhook, kind="ring_back")
    answer = await webhook.post(path, outbound("Answered"))
    assert answer.verbs == ["Stream", "Redirect"]
    assert await webhook.rows("SELECT kind, pii_caller, resumes_call_id FROM calls") == [
        ("ring_back", CALLER, "HD_lost01")
    ]


async def test_url_of_an_outbound_call_is_good_for_nothing_else(webhook: Webhook) -> None:
    path = await matter(webhook)
    ref = path.rpartition("/")[2]
    for route in ("next", "status", "after-dial"):
        answer = await webhook.post(f"/carrier/{PATH_TOKEN}/{route}/{ref}", outbound("Answered"))
        assert answer.status == 404
    assert (await webhook.post(path[:-3] + "abc", outbound("Answered"))).status == 404
    unknown = sign_call_ref(CallRef("out-9", "westlands", "outbound-1"), TOKEN_SECRET)
    answer = await webhook.post(f"/carrier/{PATH_TOKEN}/outbound/{unknown}", outbound("Answered"))
    assert answer.verbs == ["Say", "Hangup"]


async def test_dialling_that_is_switched_off_rings_nobody(webhook: Webhook) -> None:
    await webhook.redis.set(DIAL_SWITCH, "off")
    try:
        first = await webhook.voice("Ringing")
        await webhook.voice("StreamStarted")
        await report(webhook, "dropped", "model_closed")

        async def is_seen() -> bool:
            return webhook.process.metrics is not None and (await _answer(webhook, first.redirect)) == ["Say", "Hangup"]

        await until(is_seen)
    finally:
        await webhook.redis.delete(DIAL_SWITCH)


async def _answer(webhook: Webhook, path: str) -> list[str]:
    await webhook.rows("UPDATE calls SET state = jsonb_set(state, '{call,phase}', '\"streaming\"')")
    await webhook.rows("UPDATE calls SET state = jsonb_set(state, '{call,dial}', 'null')")
    return (await webhook.post(path, posted("Answered"))).verbs


async def test_too_many_dials_of_one_caller_are_an_alarm(webhook: Webhook) -> None:
    await webhook.rows(
        "INSERT INTO calls (call_id, branch_id, menu_version, pii_caller, stage, traceparent, started_at, dials,"
        " last_dialled_at) VALUES ('HD_before', 'westlands', 1, %s, 'ended', '', now(), 100, %s)",
        CALLER, webhook.process.clock.now(),
    )  # fmt: skip
    first = await webhook.voice("Ringing")
    await webhook.voice("StreamStarted")
    await report(webhook, "dropped", "model_closed")
    assert (await webhook.post(first.redirect, posted("Answered"))).verbs == ["Say", "Hangup"]
    assert webhook.process.metrics.value("dial_refused_total", reason="limit") == 1


async def test_customer_whose_bridge_was_quicker_than_the_carrier_counts_as_reached(webhook: Webhook) -> None:
    path = await matter(webhook, kind="ring_back")
    answer = await webhook.post(path, outbound("Answered"))
    payload = check_media_token(token_of(answer), (TOKEN_SECRET,), webhook.process.clock.now())
    await webhook.redis.set(nonce_key(payload.nonce), "1")  # the socket came; the carrier never said so
    await webhook.post(path, outbound("Completed"))
    await webhook.event_types(4)
    moved = [event["data"]["step"] for event in await webhook.events() if event["type"].endswith("outbound_moved")]
    assert moved == ["answered", "ended"]
