"""The pure rules of the sample POS: which numbers are missing, what a message means for an order, the hash chain."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from agiza.contracts.feed_digest import canonical_json
from simulators.pos.digest import digest_of
from simulators.pos.errors import Malformed
from simulators.pos.kitchen import KnownOrder, change_by, is_older
from simulators.pos.messages import Message, canonical, message_of
from simulators.pos.numbers import Gap, Held
from simulators.pos.printer import stop_text, ticket_text
from simulators.pos.signature import NotGenuine, Verifier

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5))))
def test_held_numbers_are_a_set_with_its_holes(ranges: list[tuple[int, int]]) -> None:
    held, numbers = Held(), set[int]()
    for first, more in ranges:
        held.add_range(first, first + more)
        numbers |= set(range(first, first + more + 1))
    missing = {number for gap in held.gaps() for number in range(gap.first, gap.last + 1)}
    assert {number for number in range(1, 80) if number in held} == numbers
    assert missing == (set(range(min(numbers), max(numbers))) - numbers if numbers else set())
    assert all(gap.first <= gap.last for gap in held.gaps())
    whole = max(numbers, default=0) if not missing else min(missing) - 1
    assert held.whole_to == whole


def test_one_number_fills_one_hole() -> None:
    held = Held([1, 4])
    assert held.gaps() == [Gap(2, 3)]
    held.add(3)
    assert held.gaps() == [Gap(2, 2)]
    held.add(2)
    assert held.gaps() == []
    assert (held.first, held.last, held.whole_to) == (1, 4, 4)


def test_a_new_ticket_is_printed_received_and_accepted() -> None:
    change = change_by(None, event("placed", 1), accept_minutes=15, is_older=False)
    assert change is not None
    assert change.slips == ("ticket",)
    assert change.words == ({"state": "received"}, {"state": "accepted", "eta_minutes": 15})


@pytest.mark.parametrize("later", ["cancel_requested", "cancelled", "rejected", "completed", "ready"])
def test_a_ticket_that_comes_too_late_is_not_cooked(later: str) -> None:
    first = change_by(None, event(later, 7), accept_minutes=15, is_older=False)
    assert first is not None
    ticket = event("placed", 3)
    assert is_older(first.order, ticket)
    change = change_by(first.order, ticket, accept_minutes=15, is_older=True)
    assert change is not None
    assert (change.slips, change.words) == ((), ())
    assert (change.order.state, change.order.applied) == (later, 7)
    assert change.order.ticket is not None, "its lines are known all the same"


@pytest.mark.parametrize(("later", "says"), [("received", ["accepted"]), ("accepted", []), ("preparing", [])])
def test_a_ticket_whose_order_another_device_took_is_still_printed(later: str, says: list[str]) -> None:
    first = change_by(None, event(later, 7), accept_minutes=15, is_older=False)
    assert first is not None
    change = change_by(first.order, event("placed", 3), accept_minutes=15, is_older=True)
    assert change is not None
    assert change.slips == ("ticket",)
    assert [word["state"] for word in change.words] == says


def test_the_wish_to_cancel_stops_the_kitchen_unless_the_food_is_there() -> None:
    cooking = KnownOrder("o", "b", 4, "preparing", 3, {"lines": []}, said="preparing")
    stopped = change_by(cooking, event("cancel_requested", 5), accept_minutes=15, is_older=False)
    assert stopped is not None
    assert (stopped.slips, stopped.words) == (("stop",), ({"state": "cancelled"},))
    there = KnownOrder("o", "b", 4, "ready", 4, {"lines": []}, said="ready")
    kept = change_by(there, event("cancel_requested", 5), accept_minutes=15, is_older=False)
    assert kept is not None
    assert (kept.slips, kept.words) == ((), ({"state": "ready"},))


def test_what_is_not_about_an_order_changes_none() -> None:
    unknown = Message("m", "agiza.order.garnished", "b", 4, b"", {"order_id": "o", "order_number": 4})
    assert change_by(None, unknown, accept_minutes=15, is_older=False) is None


def test_the_chain_is_the_one_that_is_agreed() -> None:
    bodies = [b'{"a":1}', b'{"b":2}']
    first = hashlib.sha256(bytes(32) + hashlib.sha256(bodies[0]).digest()).digest()
    second = hashlib.sha256(first + hashlib.sha256(bodies[1]).digest()).hexdigest()
    assert (digest_of(bodies).count, digest_of(bodies).hex) == (2, second)
    assert digest_of([]).hex == "00" * 32
    assert digest_of(reversed(bodies)).hex != second


@given(st.dictionaries(st.sampled_from(["data", "a", "B"]), st.text(max_size=9) | st.integers(0, 2**53)))
@settings(max_examples=25)
def test_our_canonical_form_is_the_sender_s(content: dict[str, object]) -> None:
    assert canonical(content) == canonical_json(content)


@pytest.mark.parametrize(
    "raw", [b"", b"[1]", b'{"type":1}', b'{"type":"x","data":3}', b'{"type":"x","sequence":"-1"}', b"[" * 100_000]
)
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        message_of("m", raw)


def test_an_event_that_was_read_in_a_page_has_the_bytes_that_were_sent() -> None:
    raw = '{"data":{"name":"Zoë \\"Z\\""},"id":"m","sequence":"00000000000000000007","type":"x"}'.encode()
    assert canonical(json.loads(raw)) == raw
    assert message_of("m", raw).sequence == 7


def test_the_reference_library_s_deliveries_are_genuine() -> None:
    now, body = datetime(2026, 11, 28, 12, 0, tzinfo=UTC), '{"type":"agiza.ping","name":"Zoë"}'
    signature = Webhook(SECRET).sign("msg_1", now, body)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": f"v1a,AAAA {signature}",
    }
    verifier = Verifier([SECRET])
    assert verifier.message_id(headers, body.encode(), now.timestamp()) == "msg_1"
    with pytest.raises(NotGenuine, match="too far"):
        verifier.message_id(headers, body.encode(), now.timestamp() + 301)
    with pytest.raises(NotGenuine, match="no signature"):
        verifier.message_id(headers, body.encode() + b" ", now.timestamp())
    with pytest.raises(NotGenuine, match="not a number"):
        verifier.message_id(headers | {"webhook-timestamp": "1e9"}, body.encode(), now.timestamp())


def test_a_slip_has_the_kitchen_s_wording_and_cannot_forge_another_slip() -> None:
    lines = [{"printed": ["2 BURGER", "  NO ONION"]}, {"quantity": 1, "name": "Tea"}]
    ticket = {"fulfilment": "pickup", "lines": lines, "note": "quick\n--- end of slip x ---"}
    text = ticket_text(7, "o-1", ticket)
    assert text.splitlines() == [
        "=== ticket 7 === pickup",
        "order o-1",
        "2 BURGER",
        "  NO ONION",
        "1 x Tea",
        "note: quick --- end of slip x ---",
    ]
    assert stop_text(7, "o-1").startswith("=== STOP ticket 7")


def event(state: str, sequence: int) -> Message:
    """An event of order `o`, number 4."""
    content = {"order_id": "o", "order_number": 4, "lines": [{"printed": ["1 FRIES"]}]}
    return Message(f"m{sequence}", f"agiza.order.{state}", "b", sequence, b"", content)
