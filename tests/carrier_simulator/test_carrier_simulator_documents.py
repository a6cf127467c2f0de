"""The strict reader of voice answers: what it takes, and the sentence with which it refuses."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.carrier.documents import parse_answer, parse_json, parse_xml
from simulators.carrier.fields import DocumentRefused
from simulators.carrier.verbs import (
    Conference,
    Dial,
    GetDigits,
    Hangup,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    Stream,
)

FIRST_ANSWER = b"""<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Stream name="orders" url="wss://bridge.example/media?sid=HD_1&amp;tok=K1.x" track="inbound_track" connect="true"
    outputSamplingRate="16000" bidirectionalSamplingRate="16000" headerMetadata='{"branch":"westlands"}'
    statusCallback="https://bridge.example/cb/s" statusEvents="stream-stopped stream-started"/>
  <Redirect method="POST">
     https://bridge.example/cb/next </Redirect>
</Response>"""


def test_the_first_answer() -> None:
    stream, redirect = parse_xml(FIRST_ANSWER)
    assert stream == Stream(
        url="wss://bridge.example/media?sid=HD_1&tok=K1.x",
        connect=True,
        output_rate=16_000,
        bidirectional_rate=16_000,
        name="orders",
        header_metadata='{"branch":"westlands"}',
        status_callback="https://bridge.example/cb/s",
        status_events=("stream-started", "stream-stopped"),
    )
    assert redirect == Redirect("https://bridge.example/cb/next")


def test_the_transfer_answer() -> None:
    document = parse_xml(
        b'<Response><Say voice="alice" language="en-KE">One &amp; only\n moment.</Say>'
        b'<Dial callerId="+254709000002" timeout="25" record="true"><Number>+254711000009</Number></Dial>'
        b"<Say>Sorry.</Say><Hangup/></Response>"
    )
    assert document == (
        Say("One & only moment.", "alice", "en-KE"),
        Dial(("+254711000009",), None, "+254709000002", 25, True),
        Say("Sorry."),
        Hangup(),
    )


def test_the_other_verbs() -> None:
    document = parse_xml(
        b'<Response><Play>https://storage.sautikit.com/a.wav</Play><GetDigits maxDigits="4" timeout="6">'
        b'<Say>Press.</Say></GetDigits><Conference endOnExit="true">room 1</Conference>'
        b'<Record maxLength="30" playBeep="true"/><Reject/>'
        b'<Dial phoneNumbers="+254711000009,+254711000008"/></Response>'
    )
    assert document == (
        Play("https://storage.sautikit.com/a.wav"),
        GetDigits(4, 6, "#", (Say("Press."),)),
        Conference("room 1", {"endOnExit": "true"}),
        Record(30, 5, {"playBeep": "true"}),
        Reject(),
        Dial(("+254711000009", "+254711000008")),
    )


def test_json_is_the_same_language_with_real_types() -> None:
    body = {
        "actions": [
            {"stream": {"url": "wss://b.example/m?a=1&b=2", "connect": True, "outputSamplingRate": 16000}},
            {"dial": {"number": "+254711000009", "callerId": "+254709000002", "timeout": 25}},
            {"getDigits": {"numDigits": 1, "nested": [{"say": {"text": "Press.", "loop": 2}}]}},
            {"hangup": {}},
        ]
    }
    assert parse_answer("application/json; charset=utf-8", json.dumps(body).encode()) == (
        Stream("wss://b.example/m?a=1&b=2", True, output_rate=16_000),
        Dial(("+254711000009",), None, "+254709000002", 25),
        GetDigits(1, 5, "#", (Say("Press.", loop=2),)),
        Hangup(),
    )


@pytest.mark.parametrize("body", [b"<Response/>", b"<Response></Response>", b"<Response> <!-- nothing --> </Response>"])
def test_no_verbs_ask_for_nothing(body: bytes) -> None:
    assert parse_xml(body) == ()


STREAM = '<Response><Stream url="wss://b.example/m" connect="true" {}/></Response>'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("<Response>", "not well-formed"),
        ('<Response><Stream url="wss://b/m?a=1&tok=2"/></Response>', "bare & must be written &amp;"),
        ("<Answer/>", "root element is <Answer>"),
        ("<response/>", "root element is <response>"),
        ('<Response version="1"/>', "does not know the attribute 'version'"),
        ("<Response>hello</Response>", "loose text 'hello'"),
        ("<!DOCTYPE r [<!ENTITY a 'b'>]><Response>&a;</Response>", "document type"),
        ("<?xml-stylesheet href='x'?><Response/>", "processing instruction"),
        ("<Response><Connect><Stream url='wss://b/m'/></Connect></Response>", "<Connect> in line 1 is not a verb"),
        ("<Response>\n<Parameter name='a'/></Response>", "<Parameter> in line 2 is not a verb"),
        ("<Response><Pause/></Response>", "is not a verb"),
        ("<Response><stream url='wss://b/m'/></Response>", "is not a verb"),
        ("<Response><Stream connect='true'/></Response>", "needs a url"),
        ("<Response><Stream url='https://b/m'/></Response>", "does not start with wss://"),
        ("<Response><Stream url='wss:///m'/></Response>", "without a usable host"),
        ("<Response><Stream url='wss://b/m p'/></Response>", "percent-encoded"),
        ("<Response><Stream url='wss://b:x/m'/></Response>", "is no URL"),
        (STREAM.format("bidirectional='16000'"), "does not know the attribute 'bidirectional'"),
        (STREAM.format("outputSamplingRate='24000'"), "must be 8000 or 16000"),
        (STREAM.format("outputSamplingRate='16k'"), "not a whole number"),
        (STREAM.format("bidirectionalSamplingRate='96000'"), "outside 8000 to 48000"),
        (STREAM.format("bidirectionalSamplingRate='11025'"), "whole kHz"),
        (STREAM.format("track='inbound'"), "not one of inbound_track"),
        (STREAM.replace("true", "yes").format(""), "neither true nor false"),
        (STREAM.format("statusEvents='stream-started stopped'"), "unknown status event 'stopped'"),
        (STREAM.format("headerMetadata='branch=1'"), "not one flat JSON object"),
        (STREAM.format("headerMetadata='{\"a\":{}}'"), "not one flat JSON object"),
        (STREAM.format(f"openMetadata='{'x' * 9000}'"), "8192 bytes of metadata"),
        ("<Response><Say></Say></Response>", "needs a text"),
        ("<Response><Say text='hi'/></Response>", "does not know the attribute 'text'"),
        ("<Response><Say>hi <b>you</b></Say></Response>", "may not hold <b>"),
        ("<Response><Play>ftp://x/y</Play></Response>", "does not start with https:// or http://"),
        ("<Response><Redirect>/next</Redirect></Response>", "does not start with https:// or http://"),
        ("<Response><Redirect method='PUT'>https://x/y</Redirect></Response>", "not one of GET, POST"),
        ("<Response><Dial/></Response>", "exactly one target"),
        ("<Response><Dial><Number>0711000009</Number></Dial></Response>", "not an E.164 number"),
        ("<Response><Dial callerId='me'><Number>+254711000009</Number></Dial></Response>", "callerId='me'"),
        ("<Response><Dial>+254711000009</Dial></Response>", "loose text"),
        ("<Response><Dial action='/x'><Number>+254711000009</Number></Dial></Response>", "attribute 'action'"),
        (
            "<Response><Dial><Number>+254711000009</Number><Number>+254711000008</Number></Dial></Response>",
            "exactly one target",
        ),
        ("<Response><Dial timeout='0'><Number>+254711000009</Number></Dial></Response>", "outside 1 to 600"),
        ("<Response><GetDigits numDigits='1'/></Response>", "does not know the attribute 'numDigits'"),
        ("<Response><GetDigits><Hangup/></GetDigits></Response>", "only Say and Play"),
        ("<Response><Hangup>now</Hangup></Response>", "loose text"),
        ("<Response><Reject reason='tired'/></Response>", "not one of rejected, busy"),
        (f"<Response>{'<Hangup/>' * 9000}</Response>", "bytes, more than"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_mistake(text: str, sentence: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        parse_answer("application/xml", text.encode())
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("[]", '{"actions": [...]}'),
        ('{"actions": [], "more": 1}', "nothing else"),
        ("{", "not JSON"),
        (json.dumps({"actions": [{"hangup": {}}] * 51}), "51 actions"),
        ('{"actions": [{"say": {"text": "a"}, "hangup": {}}]}', "exactly one verb"),
        ('{"actions": [{"stream": {"url": "wss://b/m", "outputSamplingRate": "16000"}}]}', "not a whole number"),
        ('{"actions": [{"stream": {"url": "wss://b/m", "connect": "true"}}]}', "neither true nor false"),
        ('{"actions": [{"stream": {"url": "wss://b/m", "headerMetadata": {"a": 1}}}]}', "needs text"),
        ('{"actions": [{"dial": {"number": "+254711000009", "sip": "sip:a@b"}}]}', "exactly one of"),
        ('{"actions": [{"getDigits": {"maxDigits": 1}}]}', "does not know the attribute 'maxDigits'"),
        ('{"actions": [{"aiAgent": {"agentId": "x"}}]}', "does not know"),
        ('{"actions": [{"Say": {"text": "x"}}]}', "does not know"),
        ('{"actions": [{"say": "x"}]}', "no object of fields"),
    ],
)
def test_a_wrong_json_answer_is_refused_with_its_mistake(body: str, sentence: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        parse_json(body.encode())
    assert sentence in str(refused.value)


def test_an_unknown_content_type_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="text/html"):
        parse_answer("text/html", b"<Response/>")


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda t: f"<Response>{t}</Response>".encode()))
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    for kind in ("text/xml", "application/json"):
        with contextlib.suppress(DocumentRefused):
            assert isinstance(parse_answer(kind, body), tuple)
