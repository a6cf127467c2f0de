"""No number that a machine must not ring ever stands in a Dial, whichever table it comes from."""

from __future__ import annotations

import json
from dataclasses import replace

import psycopg
import pytest
from servers import Database  # type: ignore[import-not-found,unused-ignore]
from test_webhook_calls import HANDOFF  # type: ignore[import-not-found,unused-ignore]
from test_webhook_legs import matter, outbound, report  # type: ignore[import-not-found,unused-ignore]
from webhook_desk import BRANCHES, Logged, Start, Webhook, noon, posted, publish_branches

from agiza.domain.call_answers import Close, DialPerson
from agiza.domain.call_state import DialTarget, Handoff, Phrase
from agiza.domain.handoff import HandoffState
from agiza.runtime.branch_files import load_branch_file
from agiza.runtime.clock import StoppedClock
from agiza.runtime.metrics import Metrics
from services.webhook.diallable import ALARM_EVERY_S, Diallable

FIT = "+254700000001"
UNFIT = "+254300000001"
"""Nine digits after the code, so that it looks like one of Kenya; but nobody can have it."""


def alarms(webhook: Webhook) -> float:
    return webhook.process.metrics.value("dial_refused_total", reason="number") or 0


async def test_a_contact_of_the_database_that_is_unfit_is_passed_over(
    start_webhook: Start, database: Database, logged: Logged
) -> None:
    await publish_branches(database.url)
    async with await psycopg.AsyncConnection.connect(database.url) as conn:
        await conn.execute(
            "INSERT INTO menus (branch_id, version, document, digest)"
            " SELECT branch_id, version + 1, replace(document::text, %s, %s)::jsonb, 'another' FROM menus",
            (FIT, UNFIT),
        )
        await conn.execute("UPDATE branches SET menu_version = menu_version + 1")
    async with start_webhook(noon(), is_published=False) as webhook:
        first = await webhook.voice("Ringing")
        await webhook.voice("StreamStarted")
        await report(webhook, "dropped", "model_closed")
        answer = await webhook.post(first.redirect, posted("Answered"))
        assert answer.dialled == ["+254700000002"], "the next person on duty"
        assert alarms(webhook) == 1
    [told] = [each for each in logged.events("dial_refused") if each["reason"] == "number"]
    assert (told["level"], told["contact_id"], told["refusal"]) == ("error", "front", "invalid")
    assert UNFIT not in logged.text


async def test_a_handoff_to_an_unfit_number_goes_to_the_next_person(webhook: Webhook) -> None:
    first = await webhook.voice("Ringing")
    await webhook.voice("StreamStarted")
    await webhook.rows(HANDOFF, "manager", UNFIT, "leaving")
    answer = await webhook.post(first.redirect, posted("Answered"))
    assert answer.dialled == [FIT]
    assert alarms(webhook) == 1


async def test_a_customer_with_an_unfit_number_is_not_rung(webhook: Webhook) -> None:
    path = await matter(webhook)
    await webhook.rows("UPDATE outbound_calls SET pii_customer = %s", UNFIT)
    answer = await webhook.post(path, outbound("Answered"))
    assert answer.verbs == ["Say", "Hangup"]
    assert alarms(webhook) == 1


async def test_a_dial_that_was_chosen_before_is_judged_again(webhook: Webhook) -> None:
    """The repeat of a request gets its document from the call's row."""
    first = await webhook.voice("Ringing")
    await webhook.voice("StreamStarted")
    await report(webhook, "dropped", "model_closed")
    assert (await webhook.post(first.redirect, posted("Answered"))).dialled == [FIT]
    await webhook.rows("UPDATE calls SET state = replace(state::text, %s, %s)::jsonb", FIT, UNFIT)
    again = await webhook.post(first.redirect, posted("Answered"))
    assert again.dialled == []
    assert UNFIT.encode() not in again.body


def test_alarms_come_once_a_minute_and_say_no_number(metrics: Metrics, clock: StoppedClock, logged: Logged) -> None:
    branch = load_branch_file(BRANCHES / "westlands.yaml").file.branch
    diallable = Diallable(metrics, clock)
    for target in [DialTarget("front", FIT), DialTarget("front", "+447700900123"), DialTarget("front", UNFIT)]:
        assert (diallable.target(target, branch) is None) == (target.phone != FIT)
    assert metrics.value("dial_refused_total", reason="number") == 1
    clock.advance(ALARM_EVERY_S)
    assert diallable.target(DialTarget("front", UNFIT), branch) is None
    assert metrics.value("dial_refused_total", reason="number") == 2
    assert not diallable.is_ordinary("+447700900123", branch), "a caller's number is no alarm"
    assert metrics.value("dial_refused_total", reason="number") == 2
    assert json.dumps(logged.events("dial_refused")).count("refusal") == 2
    assert UNFIT not in logged.text


@pytest.mark.parametrize("room", [None, "room-1"])
def test_who_waits_in_a_room_is_rung_no_more(metrics: Metrics, clock: StoppedClock, room: str | None) -> None:
    branch = load_branch_file(BRANCHES / "westlands.yaml").file.branch
    diallable = Diallable(metrics, clock)
    unfit = DialTarget("front", UNFIT)
    handoff = Handoff("h1", HandoffState.LEAVING, unfit, room=room)
    assert diallable.handoff(handoff, branch) == (handoff if room else replace(handoff, target=None))
    assert diallable.handoff(None, branch) is None
    assert diallable.answer(DialPerson(unfit, Phrase.STAFF_CONNECTING, 1), branch) == Close(Phrase.UNAVAILABLE)
