"""Whole calls as the carrier makes them: what it is answered, what is stored, what the others are told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from servers import Database
from webhook_desk import CALLER, PATH_TOKEN, TOKEN_SECRET, Start, Webhook, noon, posted, publish_branches, until

from agiza.carrier.tokens import check_media_token
from agiza.runtime.clock import Clock

HANDOFF = (
    "INSERT INTO handoffs (handoff_id, call_id, leg_epoch, branch_id, contact_id, contact_phone, reason, state,"
    " traceparent, requested_at, updated_at) VALUES ('h1', 'HD_7c21e04ab9f3', 0, 'westlands', %s, %s, 'caller_asked',"
    " %s, 't', now(), now())"
)


async def test_first_ring_connects_the_caller_with_a_bridge(webhook: Webhook) -> None:
    answer = await webhook.voice("Ringing")
    assert answer.status == 200
    assert answer.verbs == ["Stream", "Redirect"]
    stream = answer.xml[0]
    token = stream.attrib["url"].removeprefix("wss://bridge.example.co.ke/media/")
    payload = check_media_token(token, [TOKEN_SECRET], webhook.process.clock.now())
    assert (payload.call_id, payload.branch_id, payload.menu_version) == ("HD_7c21e04ab9f3", "westlands", 3)
    assert (payload.epoch, payload.lang, payload.withheld) == (0, "en", False)
    assert len(stream.attrib["url"]) < 512
    (row,) = await webhook.rows("SELECT branch_id, menu_version, pii_caller, stage, traceparent FROM calls")
    assert row[:4] == ("westlands", 3, CALLER, "offered")
    assert await webhook.event_types(1) == ["started"]
    (started,) = await webhook.events()
    assert started["traceparent"].split("-")[1] == payload.trace.split("-")[1] == row[4].split("-")[1]


async def test_same_request_gets_the_same_document_however_often_it_comes_at_once(webhook: Webhook) -> None:
    answers = await asyncio.gather(*(webhook.voice("Ringing") for _ in range(20)))
    assert len({answer.body for answer in answers}) == 1
    assert answers[0].verbs == ["Stream", "Redirect"]
    assert await webhook.voice("Completed", durationInSeconds="5")
    assert await webhook.event_types(2) == ["started", "hung_up"]


async def test_json_body_is_the_same_request(webhook: Webhook) -> None:
    form = await webhook.voice("Ringing")
    assert (await webhook.post(f"/carrier/{PATH_TOKEN}/voice", posted("Ringing"), as_json=True)).body == form.body


async def test_socket_that_was_opened_is_not_offered_again(webhook: Webhook) -> None:
    await webhook.voice("Ringing")
    assert (await webhook.voice("StreamStarted")).verbs == []
    assert (await webhook.voice("Ringing")).verbs == []
    assert (await webhook.rows("SELECT stage FROM calls")) == [("streaming",)]


async def test_socket_whose_start_nobody_told_is_not_offered_again(start_webhook: Start, redis_url: str) -> None:
    """The bridge has taken the token; the carrier has not said StreamStarted yet, and rings again."""
    async with start_webhook(noon(), redis_url=redis_url) as webhook:
        answer = await webhook.voice("Ringing")
        token = answer.xml[0].attrib["url"].rpartition("/")[2]
        nonce = check_media_token(token, [TOKEN_SECRET], webhook.process.clock.now()).nonce
        assert (await webhook.voice("Ringing")).body == answer.body
        await webhook.redis.set(f"agiza:nonce:{nonce}", "bridge-1")
        assert (await webhook.voice("Ringing")).verbs == []


async def test_withheld_number_is_served(webhook: Webhook) -> None:
    answer = await webhook.voice("Ringing", callerNumber="anonymous")
    token = answer.xml[0].attrib["url"].rpartition("/")[2]
    assert check_media_token(token, [TOKEN_SECRET], webhook.process.clock.now()).withheld
    assert await webhook.rows("SELECT pii_caller FROM calls") == [(None,)]


async def test_unknown_number_is_rejected(webhook: Webhook) -> None:
    assert (await webhook.voice("Ringing", destinationNumber="+254799999999")).verbs == ["Reject"]
    assert await webhook.rows("SELECT 1 FROM calls") == []


async def test_browser_leg_with_our_number_as_the_callers(webhook: Webhook) -> None:
    answer = await webhook.voice("Ringing", callerNumber="+254709000002", destinationNumber="+254711000001")
    assert answer.verbs == ["Stream", "Redirect"]
    assert await webhook.rows("SELECT branch_id, pii_caller FROM calls") == [("westlands", CALLER)]


async def test_closed_branch_says_so_in_its_language(start_webhook: Start) -> None:
    night = Clock.starting_at(datetime(2026, 3, 6, 1, 0, tzinfo=UTC))
    async with start_webhook(night) as webhook:
        answer = await webhook.voice("Ringing")
        assert answer.verbs == ["Say", "Hangup"]
        assert "We open today at 7 am" in (answer.xml[0].text or "")
        assert answer.xml[0].get("language") == "en-KE"
        assert (await webhook.voice("Ringing")).body == answer.body
        assert (await webhook.voice("Completed")).verbs == []
        assert await webhook.rows("SELECT stage, outcome, end_reason FROM calls") == [("ended", "no_order", "closed")]


@pytest.mark.parametrize("way", ["voice", "next"])
async def test_escalation_ends_in_a_dial_of_the_chosen_person(webhook: Webhook, way: str) -> None:
    first = await webhook.voice("Ringing")
    await webhook.voice("StreamStarted")
    await webhook.rows(HANDOFF, "manager", "+254700000002", "requested")
    status = await webhook.post(urlsplit(first.xml[0].attrib["statusCallback"]).path, posted("StreamStopped"))
    assert status.dialled == ["+254700000002"]
    answer = (
        await webhook.voice("StreamStopped")
        if way == "voice"
        else await webhook.post(first.redirect, posted("Answered"))
    )
    assert answer.verbs == ["Say", "Dial", "Redirect", "Say", "Hangup"]
    assert answer.dialled == ["+254700000002"]
    assert answer.xml[1].attrib == {"callerId": "+254709000002", "timeout": "25"}
    following = await webhook.post(answer.redirect, posted("Answered", dialStatus="no-answer"))
    assert following.dialled == ["+254700000001"]
    last = await webhook.post(following.redirect, posted("Answered", dialStatus="busy"))
    assert last.verbs == ["Say", "Hangup"]
    assert (await webhook.voice("Completed", durationInSeconds="40")).verbs == []
    assert (await webhook.voice("StreamStopped")).verbs == []
    assert await webhook.event_types(6) == [
        "started", "dial_served", "dial_ended", "dial_served", "dial_ended", "hung_up",
    ]  # fmt: skip
    events = await webhook.events()
    assert [events[place]["data"]["handoff_id"] for place in range(1, 5)] == ["h1"] * 4
    assert [(events[place]["data"]["connected"], events[place]["data"]["is_last"]) for place in (2, 4)] == [
        (False, False),
        (False, True),
    ]


async def test_stream_that_broke_is_begun_anew_twice_then_a_person_is_rung(webhook: Webhook) -> None:
    answer = await webhook.voice("Ringing")
    for _ in range(2):
        again = await webhook.post(answer.redirect, posted("StreamStopped"))
        assert again.verbs == ["Stream", "Redirect"]
        assert again.seconds >= 0.4  # the bridge's report might still have come
        assert (await webhook.post(answer.redirect, posted("StreamStopped"))).body == again.body
        answer = again
    last = await webhook.post(answer.redirect, posted("StreamStopped"))
    assert last.dialled == ["+254700000001"]
    assert (await webhook.post(answer.redirect, posted("StreamStopped"))).body == last.body


async def test_goodbye_that_is_reported_a_moment_late_still_hangs_up(webhook: Webhook) -> None:
    first = await webhook.voice("Ringing")
    asking = asyncio.create_task(webhook.post(first.redirect, posted("StreamStopped")))
    await asyncio.sleep(0.1)
    await webhook.rows("UPDATE calls SET outcome = 'placed'")
    assert (await asking).verbs == ["Hangup"]


async def test_after_the_end_nothing_is_answered(webhook: Webhook) -> None:
    first = await webhook.voice("Ringing")
    await webhook.voice("Completed", durationInSeconds="9")
    for state in ("Ringing", "Answered", "StreamStarted", "StreamStopped", "Completed"):
        assert (await webhook.voice(state)).verbs == []
    assert (await webhook.post(first.redirect, posted("StreamStopped"))).verbs == []
    assert await webhook.event_types(2) == ["started", "hung_up"]


async def test_completed_of_an_unknown_call_is_the_end_unless_the_carrier_says_it_lives(webhook: Webhook) -> None:
    assert (await webhook.voice("Completed", "HD_0001", isActive="1", durationInSeconds="0")).verbs[0] == "Stream"
    assert (await webhook.voice("Completed", "HD_0002", isActive="1", durationInSeconds="12")).verbs == []
    assert (await webhook.voice("Ringing", "HD_0002")).verbs == []  # late: the call is over


@pytest.mark.alone
async def test_many_calls_at_once_do_not_mix(webhook: Webhook) -> None:
    ids = [f"HD_many{n:04d}" for n in range(40)]
    answers = await asyncio.gather(*(webhook.voice("Ringing", call_id) for call_id in ids))
    for call_id, answer in zip(ids, answers, strict=True):
        token = answer.xml[0].attrib["url"].rpartition("/")[2]
        assert check_media_token(token, [TOKEN_SECRET], webhook.process.clock.now()).call_id == call_id


async def test_two_replicas_answer_one_call_as_one(start_webhook: Start) -> None:
    async with start_webhook(noon()) as one, start_webhook(noon(), is_published=False) as two:
        answers = await asyncio.gather(*(replica.voice("Ringing") for replica in (one, two) for _ in range(5)))
        assert len({answer.body for answer in answers}) == 1
        assert (await one.voice("StreamStarted")).verbs == []
        assert (await two.voice("Ringing")).verbs == []
        assert await one.event_types(1) == ["started"]


async def test_branch_that_is_not_published_yet_is_rung(start_webhook: Start) -> None:
    async with start_webhook(noon(), is_published=False) as webhook:
        assert (await webhook.voice("Ringing")).dialled == ["+254700000001"]


async def test_menu_that_was_published_a_moment_ago_is_sold_at_once(start_webhook: Start, database: Database) -> None:
    """Both services start together: the first caller must not be sent to the staff for it."""
    async with start_webhook(noon(), is_published=False) as webhook:
        await publish_branches(database.url)
        assert (await webhook.voice("Ringing")).verbs[0] == "Stream"


async def test_menu_that_is_published_later_is_taken_over(start_webhook: Start) -> None:
    async with start_webhook(noon()) as webhook:
        await webhook.rows(
            "INSERT INTO menus SELECT branch_id, 4, document, 'e' FROM menus WHERE branch_id = 'westlands'"
        )
        await webhook.rows("UPDATE branches SET menu_version = 4 WHERE branch_id = 'westlands'")
        numbers = iter(range(10_000))

        async def is_new() -> bool:
            answer = await webhook.voice("Ringing", f"HD_new{next(numbers):05d}")
            token = answer.xml[0].attrib["url"].rpartition("/")[2]
            return check_media_token(token, [TOKEN_SECRET], webhook.process.clock.now()).menu_version == 4

        await until(is_new)
