"""Hand-offs from the agent's request to the end of the call, with everything delivered twice."""

from __future__ import annotations

import copy
import json
from datetime import datetime

import httpx
import pytest
from escalation_desk import BRANCHES, CALL, INTERNAL_TOKEN, NIGHT, NOON, Start, start_escalation, until

from agiza.runtime.branch_files import load_branch_file

__all__ = ["start_escalation"]


async def test_request_is_recorded_once_and_answered_each_time(start_escalation: Start) -> None:
    async with start_escalation() as desk:
        await desk.call()
        request_id = await desk.ask(times=3)
        await desk.until_heard(3)
        assert await desk.states() == [("requested", "front", 0)]
        assert {(answer.contact_id, answer.request_id) for answer in desk.answers()} == {("front", request_id)}
        assert len({answer.handoff_id for answer in desk.answers()}) == 1
        assert "member of our team" in desk.answers()[0].message
        assert all(item.envelope.traceparent.split("-")[1] == "a" * 32 for item in desk.heard)


async def test_second_request_of_the_leg_is_the_same_handoff_and_of_the_next_leg_another(
    start_escalation: Start,
) -> None:
    async with start_escalation() as desk:
        await desk.call()
        for epoch in (0, 0, 1):
            await desk.ask(epoch=epoch)
        await desk.until_heard(3)
        assert len(await desk.states()) == 2


async def test_whole_way_to_a_person(start_escalation: Start) -> None:
    async with start_escalation() as desk:
        await desk.call()
        await desk.ask(times=2)
        await desk.until_heard(2)
        handoff_id = desk.answers()[0].handoff_id
        await desk.dial_served(handoff_id)
        await desk.until_state("dial_served")
        await desk.dial_ended(handoff_id, connected=True)
        await desk.until_state("connected")
        await desk.hung_up()
        await desk.dial_served(handoff_id)  # late
        await desk.send_marker()
        assert await desk.states() == [("connected", "front", 1)]
        async with httpx.AsyncClient(trust_env=False) as http:
            url = f"{desk.url}/v1/handoffs"
            assert (await http.get(url)).status_code == 401
            headers = {"authorization": f"Bearer {INTERNAL_TOKEN}"}
            shown = (await http.get(url, params={"call_id": CALL}, headers=headers)).json()["handoffs"]
            assert [(one["reason"], one["contact_id"], one["state"]) for one in shown] == [
                ("caller_asked", "front", "connected")
            ]
            assert shown[0]["pii_summary"] == "wants a cake"
            assert (await http.get(url, params={"call_id": "HD_other"}, headers=headers)).json() == {"handoffs": []}


async def test_nobody_answers(start_escalation: Start) -> None:
    async with start_escalation() as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        await desk.dial_served(None, contact_id="manager")  # the webhook chose before it saw the row
        await desk.dial_ended(None, connected=False)
        await desk.until_state("failed")
        await desk.hung_up()
        await desk.dial_served(None)
        await desk.send_marker()
        assert await desk.states() == [("failed", "manager", 1)]
        assert await desk.rows("SELECT contact_phone FROM handoffs WHERE call_id = %s", CALL) == [("+254700000002",)]


async def test_caller_who_hangs_up_closes_the_handoff(start_escalation: Start) -> None:
    async with start_escalation() as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        await desk.hung_up()
        await desk.until_state("closed")


@pytest.mark.parametrize(
    ("moment", "caller", "language", "contact"),
    [
        (NOON, "+254711000001", "en", "front"),
        (NOON, None, "sw", "front"),
        (NOON, "+254700000001", "en", "manager"),  # the front counter's own phone rings the branch
        (NIGHT, "+254711000001", "en", None),
    ],
)
async def test_choice_of_the_person(
    start_escalation: Start, moment: datetime, caller: str | None, language: str, contact: str | None
) -> None:
    async with start_escalation(moment) as desk:
        await desk.call(caller)
        await desk.ask(language=language)
        await desk.until_heard(1)
        (answer,) = desk.answers()
        assert answer.contact_id == contact
        assert await desk.states() == [("requested" if contact else "failed", contact, 0)]
        if language == "sw":
            assert "mhudumu" in answer.message
        if contact is None:
            assert "nobody" in answer.message


async def test_nobody_on_duty_is_not_left_for(start_escalation: Start) -> None:
    async with start_escalation(NIGHT) as desk:
        await desk.call()
        await desk.ask()
        await desk.until_heard(1)
        await desk.rows("UPDATE handoffs SET requested_at = requested_at - interval '1 minute'")
        await desk.send_marker()
        assert desk.orders() == []


async def test_roster_follows_the_branch_files(start_escalation: Start) -> None:
    async with start_escalation() as desk:
        await desk.rows(
            "UPDATE contacts SET phone = '+254799999999', active = false WHERE branch_id = 'westlands'"
            " AND contact_id = 'front'"
        )
        await desk.rows(
            "INSERT INTO contacts SELECT branch_id, 'former', name, phone, 0, hours, languages, true FROM contacts"
            " WHERE contact_id = 'manager' AND branch_id = 'westlands'"
        )
    async with start_escalation() as desk:
        assert await desk.rows(
            "SELECT contact_id, phone, active FROM contacts WHERE branch_id = 'westlands' ORDER BY contact_id"
        ) == [
            ("former", "+254700000002", False),
            ("front", "+254700000001", True),
            ("manager", "+254700000002", True),
        ]


async def test_a_menu_that_is_published_brings_its_people_and_an_older_file_does_not(
    start_escalation: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.escalation.branches.REFRESH_S", 0.1)
    document = copy.deepcopy(dict(load_branch_file(BRANCHES / "westlands.yaml").document))
    document["branch"]["staff"] = [document["branch"]["staff"][1] | {"phone": "+254700000077"}]
    on_duty = "SELECT contact_id, phone FROM contacts WHERE branch_id = 'westlands' AND active"

    async with start_escalation() as desk:
        assert len(await desk.rows(on_duty)) == 2
        await desk.rows(
            "INSERT INTO menus (branch_id, version, document, digest) VALUES ('westlands', 2, %s, 'x')",
            json.dumps(document),
        )
        await desk.rows("UPDATE branches SET menu_version = 2 WHERE branch_id = 'westlands'")

        async def is_followed() -> bool:
            return await desk.rows(on_duty) == [("manager", "+254700000077")]

        await until(is_followed)
    async with start_escalation() as desk:  # with the files of before
        assert await desk.rows(on_duty) == [("manager", "+254700000077")]
        await desk.ask()
        await desk.until_heard(1)
        assert desk.answers()[0].contact_id == "manager"


async def test_unknown_branch_is_answered_that_nobody_comes(start_escalation: Start) -> None:
    async with start_escalation() as desk:
        await desk.rows("DELETE FROM branches")
        await desk.ask()
        await desk.until_heard(1)
        assert desk.answers()[0].contact_id is None


async def test_ready_and_measured(start_escalation: Start) -> None:
    async with start_escalation() as desk, httpx.AsyncClient(base_url=desk.url, trust_env=False) as http:
        await desk.call()
        await desk.ask(times=2)
        await desk.until_heard(2)
        assert (await http.get("/readyz")).status_code == 200
        metrics = (await http.get("/metrics")).text
        assert 'escalation_total{outcome="requested",reason="caller_asked"} 1.0' in metrics

        async def is_counted() -> bool:
            return "escalation_open 1.0" in (await http.get("/metrics")).text

        await until(is_counted)
