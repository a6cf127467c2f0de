"""Documents: whatever the text, what the carrier parses is what we meant."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.carrier.documents import (
    EMPTY,
    VERBS_MAX,
    Dial,
    Document,
    GetDigits,
    Hangup,
    Redirect,
    Reject,
    Say,
    Stream,
    Verb,
    clean,
    render,
    render_json,
    render_xml,
)

HANDOVER: Document = (
    Say("One moment.", "en-KE"),
    Dial("+254700000001", "+254709000002", 25),
    Redirect("https://orders.example.co.ke/carrier/p/after-dial/HD_1.westlands.dial-1.s"),
    Say("Sorry, nobody could answer.", "en-KE"),
    Hangup(),
)


def test_transfer_document() -> None:
    assert render_xml(HANDOVER).decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        '<Response><Say language="en-KE">One moment.</Say>'
        '<Dial callerId="+254709000002" timeout="25"><Number>+254700000001</Number></Dial>'
        '<Redirect method="POST">https://orders.example.co.ke/carrier/p/after-dial/HD_1.westlands.dial-1.s</Redirect>'
        '<Say language="en-KE">Sorry, nobody could answer.</Say><Hangup /></Response>'
    )


def test_stream_document_holds_the_leg_in_both_directions() -> None:
    stream = Stream("wss://b.example.co.ke/media/abc?x=1&y=2", "https://o.example.co.ke/carrier/p/status/r")
    (element,) = ElementTree.fromstring(render_xml((stream,)))
    assert element.attrib == {
        "name": "agiza",
        "url": "wss://b.example.co.ke/media/abc?x=1&y=2",
        "track": "inbound_track",
        "connect": "true",
        "outputSamplingRate": "16000",
        "bidirectionalSamplingRate": "16000",
        "statusCallback": "https://o.example.co.ke/carrier/p/status/r",
        "statusEvents": "stream-started stream-stopped stream-error",
    }
    assert b"x=1&amp;y=2" in render_xml((stream,))


def test_json_form_uses_json_types() -> None:
    document = (Stream("wss://b.example/media/t", "https://o.example/s"), *HANDOVER, Reject("busy"))
    actions = json.loads(render(document, "json"))["actions"]
    assert actions[0]["stream"]["connect"] is True
    assert actions[0]["stream"]["outputSamplingRate"] == 16000
    assert actions[2] == {"dial": {"number": "+254700000001", "callerId": "+254709000002", "timeout": 25}}
    assert [next(iter(action)) for action in actions] == [
        "stream", "say", "dial", "redirect", "say", "hangup", "reject",
    ]  # fmt: skip


def test_a_key_is_asked_for_in_both_forms() -> None:
    ask = GetDigits(Say("Press 1 to take it.", "en-KE"), timeout_s=10)
    assert render_xml((ask,)).endswith(
        b'<Response><GetDigits maxDigits="1" timeout="10"><Say language="en-KE">Press 1 to take it.</Say></GetDigits>'
        b"</Response>"
    )
    assert json.loads(render_json((ask,)))["actions"] == [
        {
            "getDigits": {
                "numDigits": 1,
                "timeout": 10,
                "nested": [{"say": {"text": "Press 1 to take it.", "language": "en-KE"}}],
            }
        }
    ]
    for wrong in ({"timeout_s": 0}, {"timeout_s": 61}, {"timeout_s": 10, "count": 0}):
        with pytest.raises(ValueError, match="GetDigits waits"):
            GetDigits(Say("x", "en"), **wrong)


def test_empty_document() -> None:
    assert list(ElementTree.fromstring(render_xml(EMPTY))) == []
    assert json.loads(render_json(EMPTY)) == {"actions": []}


def test_reject() -> None:
    assert render_xml((Reject(),)).endswith(b"<Response><Reject /></Response>")


@given(st.text(min_size=1), st.text(min_size=1, max_size=8))
def test_any_text_arrives_and_adds_no_verb(text: str, language: str) -> None:
    if not clean(text).strip():
        with pytest.raises(ValueError, match="nothing to say"):
            Say(text, language)
        return
    document = (Say(text, language), *HANDOVER[1:])
    root = ElementTree.fromstring(render_xml(document))
    assert [element.tag for element in root] == ["Say", "Dial", "Redirect", "Say", "Hangup"]
    assert root[0].text == clean(text)
    assert root[0].get("language") == clean(language)
    assert [number.text for number in root.iter("Number")] == ["+254700000001"]
    assert json.loads(render_json(document))["actions"][0]["say"]["text"] == clean(text)


@given(st.text())
def test_cleaning_keeps_all_but_what_xml_forbids(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    kept = [char for char in text if char.isprintable() and not 0xD800 <= ord(char) <= 0xDFFF]
    assert [char for char in cleaned if char.isprintable() and char != " "] == [char for char in kept if char != " "]


@pytest.mark.parametrize("number", ["", "0700000001", "+0700000001", "+254 700", "+254700000001\n", "sip:x", "+2547x"])
def test_dial_takes_e164_only(number: str) -> None:
    with pytest.raises(ValueError, match=r"E\.164"):
        Dial(number, "+254709000002", 25)
    with pytest.raises(ValueError, match=r"E\.164"):
        Dial("+254709000002", number, 25)


@pytest.mark.parametrize(
    "url", ["", "http:/x", "ftp://x/y", "https://", "https://x/a b", "https://x/ü", "https://x/\n"]
)
def test_url_that_the_carrier_would_misread_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        Redirect(url)
    with pytest.raises(ValueError, match="URL"):
        Stream(url, "https://o.example/s")


def test_too_many_verbs_are_refused() -> None:
    verbs: list[Verb] = [Hangup()] * (VERBS_MAX + 1)
    with pytest.raises(ValueError, match="at most 50"):
        render(tuple(verbs), "xml")
