"""The carrier's requests: live names first, aliases, envelopes, odd spellings, and nonsense."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.carrier.callbacks import BODY_BYTES_MAX, CallbackRefused, CarrierPost, parse_callback, understand
from agiza.domain.call_state import Channel, Edge

FORM = "application/x-www-form-urlencoded"
RINGING = {
    "sessionId": "HD_7c21e04ab9f3",
    "callerNumber": "+254711000001",
    "destinationNumber": "+254709000002",
    "direction": "inbound",
    "isActive": "1",
    "callSessionState": "Ringing",
}


def form(fields: dict[str, str]) -> CarrierPost:
    return parse_callback(urlencode(fields).encode(), FORM)


def state(text: str, channel: Channel = Channel.VOICE, **others: str) -> Edge:
    return understand(form(RINGING | {"callSessionState": text} | others), channel).edge


def test_live_request_is_read() -> None:
    assert form(RINGING) == CarrierPost(
        call_id="HD_7c21e04ab9f3",
        pii_caller="+254711000001",
        dialled="+254709000002",
        states=("Ringing",),
        is_active=True,
        direction="inbound",
    )


def test_json_of_the_same_fields_is_the_same() -> None:
    as_json = RINGING | {"isActive": 1}
    assert parse_callback(json.dumps(as_json).encode(), "application/json; charset=utf-8") == form(RINGING)
    assert parse_callback(json.dumps(as_json).encode(), FORM) == form(RINGING)


def test_documented_aliases_are_read_and_live_names_win() -> None:
    post = form({"CallId": "HD_1234", "From": "+254711000009", "To": "+254709000002"})
    assert (post.call_id, post.pii_caller, post.dialled) == ("HD_1234", "+254711000009", "+254709000002")
    assert form(RINGING | {"CallId": "HD_other", "From": "+254711000009"}).call_id == "HD_7c21e04ab9f3"


def test_event_envelopes_are_opened() -> None:
    inside = {"call_id": "HD_1234", "from": "+254711000001", "to": "+254709000002", "duration_seconds": 12}
    for envelope in (
        {"kind": "call.completed", "event_id": "e1", "data": inside | {"status": "completed"}},
        {"event_kind": "call.completed", "event_id": "e1", "payload": inside},
    ):
        post = parse_callback(json.dumps(envelope).encode(), "application/json")
        assert (post.call_id, post.dialled, post.duration_s) == ("HD_1234", "+254709000002", 12)
        assert understand(post, Channel.EVENTS).edge is Edge.COMPLETED


@pytest.mark.parametrize(
    ("text", "edge"),
    [
        ("Ringing", Edge.RINGING),
        ("Answered", Edge.ANSWERED),
        ("InProgress", Edge.ANSWERED),
        ("StreamStarted", Edge.STREAM_STARTED),
        ("stream-started", Edge.STREAM_STARTED),
        ("StreamStopped", Edge.STREAM_ENDED),
        ("stream_stopped", Edge.STREAM_ENDED),
        ("stream-error", Edge.STREAM_ENDED),
        ("StreamFailed", Edge.STREAM_ENDED),
        ("StreamDisconnected", Edge.STREAM_ENDED),
        ("StreamConnectFailed", Edge.STREAM_ENDED),
        ("DialCompleted", Edge.DIAL_ENDED),
        ("DialStarted", Edge.OTHER),
        ("Busy", Edge.DIAL_ENDED),
        ("NoAnswer", Edge.DIAL_ENDED),
        ("no_answer", Edge.DIAL_ENDED),
        ("Completed", Edge.COMPLETED),
        ("Hangup", Edge.COMPLETED),
        ("call.failed", Edge.COMPLETED),
        ("call.recording.ready", Edge.OTHER),
        ("SomethingNew", Edge.OTHER),
        ("", Edge.OTHER),
    ],
)
def test_spellings_of_states(text: str, edge: Edge) -> None:
    assert state(text) is edge


def test_inactive_call_is_over_whatever_its_state_says() -> None:
    assert state("Answered", isActive="0") is Edge.COMPLETED
    assert state("Answered", isActive="false") is Edge.COMPLETED


def test_stream_status_is_found_beside_an_unhelpful_state() -> None:
    assert state("InConversation", Channel.STATUS, streamEvent="stream-stopped") is Edge.STREAM_ENDED


@pytest.mark.parametrize("text", ["", "Answered", "StreamStopped", "Ringing", "SomethingNew"])
def test_next_url_means_that_the_redirect_was_run(text: str) -> None:
    assert state(text, Channel.NEXT) is Edge.NEXT


@pytest.mark.parametrize("channel", [Channel.NEXT, Channel.AFTER_DIAL])
def test_redirect_that_moved_the_callback_url_still_understands_other_news(channel: Channel) -> None:
    assert state("Completed", channel) is Edge.COMPLETED
    assert state("StreamStarted", channel) is Edge.STREAM_STARTED


@pytest.mark.parametrize("text", ["", "Answered", "DialCompleted", "Busy", "StreamStopped"])
def test_after_dial_url_means_that_the_dial_is_over(text: str) -> None:
    assert state(text, Channel.AFTER_DIAL) is Edge.AFTER_DIAL


@pytest.mark.parametrize(
    ("fields", "connected"),
    [
        ({"callSessionState": "Answered"}, None),
        ({"callSessionState": "DialCompleted"}, True),
        ({"callSessionState": "DialCompleted", "dialStatus": "busy"}, False),
        ({"callSessionState": "DialCompleted", "lastBridgeHangupCause": "NORMAL_CLEARING"}, True),
        ({"callSessionState": "DialCompleted", "lastBridgeHangupCause": "NO_ANSWER"}, False),
        ({"callSessionState": "DialCompleted", "dialDurationInSeconds": "31"}, True),
        ({"callSessionState": "NoAnswer"}, False),
        ({"callSessionState": "StreamFailed"}, None),
    ],
)
def test_what_is_said_about_a_dial(fields: dict[str, str], connected: bool | None) -> None:
    assert understand(form(RINGING | fields), Channel.AFTER_DIAL, 1).dial_connected is connected


@pytest.mark.parametrize("withheld", ["", "anonymous", "Restricted", "unknown", "12", "sip:alice"])
def test_withheld_caller_is_none(withheld: str) -> None:
    assert form(RINGING | {"callerNumber": withheld}).pii_caller is None


@pytest.mark.parametrize(
    "written", ["+254711000001", " 254711000001", "254711000001", "+254 711-000 001", "00254711000001"]
)
def test_number_is_brought_into_one_form(written: str) -> None:
    assert form(RINGING | {"callerNumber": written}).pii_caller == "+254711000001"


def test_unescaped_plus_of_a_form_is_put_back() -> None:
    assert parse_callback(b"callerNumber=+254711000001", FORM).pii_caller == "+254711000001"


@pytest.mark.parametrize("bad", ["", "abc", "x" * 65, "HD_12/../34", "HD_ 1234", "HD_\n1234", "ĦD_1234"])
def test_session_of_another_shape_is_not_taken(bad: str) -> None:
    assert parse_callback(json.dumps({"sessionId": bad}).encode(), "application/json").call_id is None
    assert form({"sessionId": bad}).call_id is None


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"[1]", "application/json"),
        (b"null", "application/json"),
        (b"[" * 60_000, "application/json"),
        (b"a=" + b"\xff", FORM),
        (b"&".join(b"a=1" for _ in range(300)), FORM),
        (b"a=" + b"x" * BODY_BYTES_MAX, FORM),
    ],
)
def test_unreadable_body_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(CallbackRefused):
        parse_callback(body, content_type)


@given(st.binary(max_size=300), st.sampled_from([FORM, "application/json", "", "text/plain"]))
def test_any_bytes_are_read_or_refused(body: bytes, content_type: str) -> None:
    try:
        post = parse_callback(body, content_type)
    except CallbackRefused:
        return
    for channel in Channel:
        understand(post, channel)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.dictionaries(st.text(), x)))
def test_any_json_is_read_or_refused(value: object) -> None:
    envelope = {"data": value, "payload": {"data": value}, "sessionId": value, "callSessionState": value}
    understand(parse_callback(json.dumps(envelope).encode(), "application/json"), Channel.EVENTS)
